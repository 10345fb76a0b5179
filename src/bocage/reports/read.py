"""The files of a run → RunData. Reads only; rasters are thinned on the way, so memory stays small whatever the area."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import rasterio
import yaml
from rasterio.enums import Resampling

from bocage.core.arrays import AnyArray
from bocage.core.artifacts import read_json
from bocage.core.errors import CorruptFile, MissingFile
from bocage.core.tally import Tally
from bocage.datasets.read import Dataset, open_dataset
from bocage.parcels.read import read_parcel_columns
from bocage.reports.data import (
    Checkpoint,
    FinishedRun,
    ForeignTest,
    Json,
    MapProduct,
    Panels,
    Raster,
    RunData,
    RunPaths,
    Scenarios,
    Stage,
)
from bocage.reports.signatures import Signatures, describe_samples
from bocage.splits.store import read_split

PICTURE_PX = 1200  # longest side of a raster that is drawn
FEWEST_SAMPLES, MOST_SAMPLES, MOST_PX = 50, 1000, 4_000_000  # looked at for the signatures


def read_run(
    name: str,
    paths: RunPaths,
    *,
    stages: Sequence[Json] = (),
    parcels: Json | None = None,
    provenance: Json | None = None,
) -> RunData:
    """Read what the stages of one run left behind.

    Args:
        name: name of the experiment.
        paths: where the files are; None for what has not been made.
        stages: one record a stage: name, seconds, tally (or None).
        parcels: tally, crs, area_ha and what else is known of the declarations.
        provenance: names and values that say what made this run.

    Raises:
        MissingFile: a path is given, but nothing is there.
        CorruptFile: a file cannot be read as what it should be.
    """
    scenes = _json(paths.scenes) or {}
    dataset = open_dataset(paths.dataset) if paths.dataset else None
    return RunData(
        name=name,
        experiment=_text(paths.experiment) if paths.experiment else "",
        stages=tuple(_stage(record) for record in stages),
        parcels=parcels,
        audit=_json(paths.audit),
        taxonomy=_json(paths.taxonomy),
        crops=read_crops(paths.classed) if paths.classed else None,
        scenes=tuple(scenes.get("scenes", ())),
        scenes_tally=Tally.from_json(scenes["tally"]) if scenes.get("tally") else None,
        cubes={folder.name: read_json(_there(folder / "cube.json")) for folder in paths.cubes},
        labels={folder.name: read_raster(folder / "labels.tif") for folder in paths.labels},
        dataset=dataset.info if dataset else None,
        manifest=dataset.manifest if dataset else None,
        signatures=read_signatures(dataset) if dataset else None,
        split=read_split(paths.split) if paths.split else None,
        split_audit=_json(paths.split_audit),
        checkpoints={model: _checkpoint(folder) for model, folder in paths.checkpoints.items()},
        evaluation=_json(paths.evaluation / "evaluation.json") if paths.evaluation else None,
        panels=read_panels(paths.evaluation / "panels.npz") if paths.evaluation else None,
        benchmarks=tuple(_foreign_test(folder) for folder in paths.benchmarks),
        maps={folder.name: _map(folder) for folder in paths.maps},
        provenance=provenance or {},
    )


def _foreign_test(folder: Path) -> ForeignTest:
    record = read_json(_there(folder / "shift.json"))
    findings = record["findings"]
    return ForeignTest(
        record["benchmark"],
        folder.name,
        read_json(_there(folder / "evaluation.json")),
        None if findings is None else tuple(findings),
        read_panels(folder / "panels.npz"),
    )


def read_scenarios(dataset: Path, splits: Mapping[str, Path]) -> Scenarios:
    """One data set under several splits.

    Args:
        splits: scenario -> folder with split.parquet and split_audit.json.
    """
    opened = open_dataset(dataset)
    return Scenarios(
        opened.info.classes,
        read_signatures(opened),
        {name: read_split(folder / "split.parquet") for name, folder in splits.items()},
        {name: read_json(folder / "split_audit.json") for name, folder in splits.items()},
    )


def read_finished(folder: Path) -> FinishedRun:
    """An evaluated run, for comparisons.

    Raises:
        MissingFile: if `folder` is no run folder, or its run has not been evaluated.
        CorruptFile: if a file of it cannot be read.
    """
    experiment, evaluation, counts = (folder / name for name in ("experiment.yaml", "evaluation.json", "blocks.npz"))
    check_run_folder(folder)
    manifest = read_json(folder / "manifest.json") if (folder / "manifest.json").exists() else {}
    if not evaluation.exists() or not counts.exists():
        done = [stage["name"] for stage in manifest.get("stages", ())]
        raise MissingFile(
            f"{folder} has not been evaluated; its last finished stage is {done[-1] if done else 'none'}. "
            f"Finish it: bocage run {experiment} --out {folder}"
        )
    settings = yaml.safe_load(_text(experiment))
    title = f"{settings['name']} ({folder.name})" if settings["name"] != folder.name else folder.name
    return FinishedRun(folder, title, settings, manifest, read_json(evaluation), _arrays(counts))


def check_run_folder(folder: Path) -> None:
    """Raises MissingFile, saying what is wrong, if `folder` is no run folder."""
    if not folder.is_dir():
        raise MissingFile(f"There is no run folder {folder}. `bocage run EXPERIMENT.yaml --out {folder}` makes one.")
    if not (folder / "experiment.yaml").is_file():
        found = sorted(path.name for path in folder.iterdir())
        listed = ", ".join(found[:5]) + (" …" if len(found) > 5 else "") if found else "nothing"
        raise MissingFile(
            f"{folder} is not a run folder: it has no experiment.yaml, only {listed}. Give the folder that "
            "`bocage run` named."
        )


def _arrays(path: Path) -> dict[str, AnyArray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise CorruptFile(f"{path} cannot be read ({error}). Delete it and run again.") from error


def read_raster(path: Path, *, longest_px: int = PICTURE_PX) -> Raster:
    """The first band of a uint8 raster, thinned by whole steps (nearest) so that no side is over `longest_px`."""
    try:
        with rasterio.open(_there(path)) as source:
            step = max(1, -(-max(source.height, source.width) // longest_px))
            shape = -(-source.height // step), -(-source.width // step)
            values = source.read(1, out_shape=shape, resampling=Resampling.nearest)
            left, bottom, right, top = source.bounds
            return Raster(values.astype(np.uint8), (left, bottom, right, top), str(source.crs))
    except rasterio.errors.RasterioError as error:
        raise CorruptFile(f"{path} cannot be read as a raster ({error}). Delete it and run again.") from error


def read_signatures(dataset: Dataset) -> Signatures:
    """What samples spread evenly over a data set look like."""
    n = max(FEWEST_SAMPLES, min(MOST_SAMPLES, MOST_PX // dataset.info.patch_size_px**2))
    step = max(1, -(-len(dataset) // n))
    return describe_samples(dataset.read(sample_id) for sample_id in dataset.sample_ids[::step])


def read_crops(path: Path) -> pd.DataFrame:
    """Crops of classed parcels by area, each under the most telling name that its declaration has."""
    columns = ("class_name", "crop:name_en", "hcat:name", "crop:name", "crop:code", "area", "country")
    names = list(columns[1:5])
    tables = []
    for batch in read_parcel_columns(_there(path), columns):
        crop = (
            batch[names]
            .astype("string")
            .replace("", pd.NA)
            .bfill(axis=1)[names[0]]
            .fillna("no name")
            .str.replace("_", " ")
        )
        found = batch.assign(crop=crop).groupby(["class_name", "crop"], dropna=False)["area"].agg(["size", "sum"])
        tables.append(found.reset_index())
    crops = pd.concat(tables).groupby(["class_name", "crop"], as_index=False)[["size", "sum"]].sum()
    crops = crops.rename(columns={"size": "n", "sum": "area_ha"})
    return crops.sort_values(["area_ha", "crop"], ascending=[False, True], ignore_index=True)


def _there(path: Path) -> Path:
    if not path.exists():
        raise MissingFile(f"The report needs {path}, but it is not there. Run the experiment again.")
    return path


def _text(path: Path) -> str:
    return _there(path).read_text(encoding="utf-8")


def _json(path: Path | None) -> Json | None:
    if path is None:
        return None
    record: Json = read_json(_there(path))
    return record


def _table(path: Path) -> pd.DataFrame:
    """A parquet file without its geometry column."""
    try:
        file = pq.ParquetFile(_there(path))
        columns = [name for name in file.schema_arrow.names if name != "geometry"]
        frame: pd.DataFrame = file.read(columns=columns).to_pandas(ignore_metadata=True)
        return frame
    except (OSError, ValueError) as error:
        if isinstance(error, MissingFile):
            raise
        raise CorruptFile(f"{path} cannot be read as parquet ({error}). Delete it and run again.") from error


def _stage(record: Json) -> Stage:
    tally = Tally.from_json(record["tally"]) if record.get("tally") else None
    return Stage(record["name"], float(record["seconds"]), tally)


def _checkpoint(folder: Path) -> Checkpoint:
    history = folder / "history.json"
    return Checkpoint(read_json(_there(folder / "model.json")), _json(history) if history.exists() else None)


def read_panels(path: Path) -> Panels | None:
    """The samples kept for pictures; None if the evaluation kept none."""
    if not path.exists():
        return None
    arrays = _arrays(path)
    predictions = {k.removeprefix("prediction_"): v for k, v in arrays.items() if k.startswith("prediction_")}
    return Panels(tuple(map(str, arrays["sample_ids"])), arrays["rgb"], arrays["labels"], predictions)


def _map(folder: Path) -> MapProduct:
    info, parcels = read_json(_there(folder / "map.json")), folder / "parcels.parquet"
    class_map, confidence = read_raster(folder / "class_map.tif"), read_raster(folder / "confidence.tif")
    return MapProduct(info, class_map, confidence, _table(parcels) if parcels.exists() else None)

"""Unseen country-years, built by our own pipeline under the rules of the EuroCrops paper -> samples. IO, read only.

    <name>/experiment.yaml     what it was built from: a run folder of `bocage build`, e.g. BE_VLG_2021
    <name>/dataset/            its data set

The rules: windows on a grid without gaps, no region or window chosen for its classes, no class-aware selection, so that
classes are as frequent as they are on the ground. They are read in experiment.yaml, and a data set that breaks one is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import yaml
from pydantic import Field, ValidationError

from bocage.benchmarks.benchmark import BENCHMARKS, Benchmark, Collection, Entry, View
from bocage.benchmarks.crosswalks import TAXONOMY, target_names
from bocage.benchmarks.write_eurocrops_holdout import write_eurocrops_holdout
from bocage.core.bands import DEFAULT_BANDS
from bocage.core.errors import CorruptFile, MissingFile
from bocage.core.options import Options
from bocage.core.sample import Sample
from bocage.core.tally import Tally
from bocage.datasets.read import Dataset, open_dataset
from bocage.patches.options import PatchOptions, SelectionOptions
from bocage.regions.options import RegionOptions
from bocage.splits.ground import block_ids

EXPERIMENT, DATASET = "experiment.yaml", "dataset"
CLASS_REGIONS = ("hot_cells", "landscapes")  # kinds of regions that look for classes, or for cropland
VIEWS = {
    TAXONOMY: View(
        TAXONOMY,
        "EuroCrops paper: unseen country-years, windows on a grid, classes as they come",
        target_names(),
        DEFAULT_BANDS,
        ("all_pixels", "crop_pixels", "present_classes"),
    )
}


class HoldoutOptions(Options):
    """How country-years are judged."""

    block_m: float = Field(5120.0, gt=0, description="Side of a block of ground, m; intervals resample blocks.")


def list_country_years(path: Path) -> dict[str, Path]:
    """Name → run folder, by name."""
    return {file.parent.name: file.parent for file in sorted(path.glob(f"*/{EXPERIMENT}"))}


def check_holdout(path: Path, options: HoldoutOptions) -> list[str]:
    """The rules of every country-year, and every sample of its data set."""
    runs = list_country_years(path)
    if not runs:
        return [
            f"no <country-year>/{EXPERIMENT} under {path}: build one with `bocage build … --out {path}/BE_VLG_2021`"
        ]
    return [f"{name}: {problem}" for name, run in runs.items() for problem in (*_check_rules(run), *_check_data(run))]


def _check_rules(run: Path) -> Iterator[str]:
    try:
        record = yaml.safe_load((run / EXPERIMENT).read_text(encoding="utf-8"))
        patches = PatchOptions.model_validate(record["patches"])
        regions = [RegionOptions.model_validate(part["regions"]) for part in (record, *record.get("also", ()))]
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValidationError) as error:
        yield f"{EXPERIMENT} is no resolved experiment ({type(error).__name__}: {error})"
        return
    if patches.stride_px not in (None, patches.size_px) or not patches.border:
        yield f"the windows leave gaps or overlap: stride {patches.stride_px}, border {patches.border}"
    wanted = [*patches.filters.target_classes, *(name for r in regions for name in r.target_classes)]
    if chosen := ", ".join([*wanted, *(r.kind for r in regions if r.kind in CLASS_REGIONS)]):
        yield f"ground or windows were chosen for their classes ({chosen}): use regions.kind grid, no targets"
    if changed := _changed(patches.selection):
        yield f"windows were selected (patches.selection: {', '.join(changed)}): leave the section out"


def _changed(selection: SelectionOptions) -> list[str]:
    """The settings that make a selection."""
    plain = SelectionOptions().model_dump()
    return [name for name, value in selection.model_dump().items() if value != plain[name]]


def _check_data(run: Path) -> list[str]:
    try:
        dataset = open_dataset(run / DATASET)
    except (MissingFile, CorruptFile) as error:
        return [str(error)]
    info = dataset.info
    problems = []
    if info.class_names != target_names():
        problems.append(f"its classes are {', '.join(info.class_names)}, not those of '{TAXONOMY}'")
    if missing := [band for band in DEFAULT_BANDS if band not in info.bands]:
        problems.append(f"it lacks the bands {', '.join(missing)}")
    if info.dates != "single":
        problems.append("its samples are series: set patches.dates: single")
    return problems + dataset.verify()


def open_holdout(path: Path, view: str, options: HoldoutOptions) -> Collection:
    """Every window of every country-year; what was left out on the way to the data set, by reason."""
    datasets = {name: open_dataset(run / DATASET) for name, run in list_country_years(path).items()}
    entries = []
    left_out = Tally()
    for name, dataset in datasets.items():
        blocks = block_ids(dataset.manifest, options.block_m)
        ids = zip(dataset.sample_ids, blocks.tolist(), strict=True)
        entries += [Entry(f"{name}/{i}", name, f"{name}/{block}", (name, i)) for i, block in ids]
        left_out += _left_out(dataset)
    tally = Tally(len(entries), left_out.dropped)
    return Collection(VIEWS[view], tuple(entries), tally, partial(_read, datasets))


def count_holdout(path: Path, options: HoldoutOptions) -> dict[str, int]:
    """Windows of each country-year."""
    runs = list_country_years(path)
    return {f"windows of {name}": len(open_dataset(run / DATASET)) for name, run in runs.items()}


def _left_out(dataset: Dataset) -> Tally:
    """Windows that the quality filters dropped."""
    recorded = dataset.info.tallies.get("patches")
    return Tally(0, Tally.from_json(recorded).dropped) if recorded else Tally()


def _read(datasets: Mapping[str, Dataset], entry: Entry) -> Sample:
    name, sample_id = entry.key
    sample = datasets[name].read(sample_id)
    order = [sample.bands.index(band) for band in DEFAULT_BANDS]
    image = np.ascontiguousarray(sample.image[:, order])
    return Sample(image, sample.valid, sample.labels, sample.parcel_ids, sample.days, DEFAULT_BANDS, sample.origin)


BENCHMARKS.register("eurocrops_holdout")(
    Benchmark(
        name="eurocrops_holdout",
        title="EuroCrops holdout: unseen country-years (Flanders and Wallonia 2021) through our own pipeline",
        where="https://doi.org/10.5281/zenodo.6866846 (BE_VLG_2021.zip, BE_WAL_2021) with Sentinel-2 products of 2021; "
        "`bocage build experiments/eurocrops-holdout.yaml --out DIR/BE_VLG_2021`, the same for Wallonia; give DIR",
        licence="declarations: the regions' own; crop mapping CC BY-SA 4.0; contains modified Copernicus Sentinel data",
        source="the EuroCrops paper, Table 9",
        options=HoldoutOptions,
        views=VIEWS,
        check=check_holdout,
        open=open_holdout,
        write_miniature=write_eurocrops_holdout,
        published={"windows of BE_VLG_2021": 7093, "windows of BE_WAL_2021": 3613},
        count=count_holdout,
    )
)

"""A small run as its stages leave it: real file formats, invented content."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely import box

from bocage.core.grid import Window, full_window, grid_to_json, grid_window, make_grid
from bocage.core.sample import Origin, Sample
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.read import open_dataset
from bocage.datasets.write import DatasetWriter
from bocage.evaluation.write import write_evaluation, write_panels
from bocage.metrics.confusion import confusion
from bocage.metrics.intervals import block_bootstrap, count_blocks, no_interval_reason, paired_bootstrap
from bocage.metrics.scores import scores
from bocage.reports.data import RunPaths
from bocage.splits.audit import audit_split
from bocage.splits.record import PARTS, Split
from bocage.splits.store import write_split

CUBE = "all-31TEJ"
CLASSES = (
    ClassInfo(0, "background", "#eceae1", "Background"),
    ClassInfo(1, "wheat", "#a57000", "Wheat"),
    ClassInfo(2, "maize", "#ffd300", "Maize"),
    ClassInfo(3, "vineyard", "#7a3b8f", "Vineyard <3"),
)
NAMES = tuple(c.name for c in CLASSES)
BANDS = ("B02", "B03", "B04", "B08")


@pytest.fixture(scope="session")
def run_paths(tmp_path_factory) -> RunPaths:
    return write_run(tmp_path_factory.mktemp("run"), shape=(64, 96), patch=16, field=8)


@pytest.fixture(scope="session")
def run_extras() -> dict:
    """What the pipeline knows beside the files."""
    return {
        "stages": [
            stage("parcels", 0.21, 96, {"empty geometry": 2, "duplicate geometry": 1}),
            stage("scenes", 0.4, 2, {"cloud cover over 0.6": 1}),
            stage("cubes", 2.5, 1, {"no data": 1}),
            stage("patches", 0.9, 24, {"too few foreground pixels": 3}),
            {"name": "train/forest", "seconds": 100.0, "tally": None},
        ],
        "parcels": {
            "tally": {"kept": 96, "dropped": {"empty geometry": 2, "duplicate geometry": 1}},
            "crs": "EPSG:2154",
            "area_ha": 345.678,
            "country": "FR",
            "year": 2018,
        },
        "provenance": {"bocage": "0.1.0", "python": "3.11", "commit": "0123456789ab", "seed": 7},
    }


def stage(name, seconds, kept, dropped):
    return {"name": name, "seconds": seconds, "tally": {"kept": kept, "dropped": dropped}}


def write_run(root: Path, *, shape: tuple[int, int], patch: int, field: int, n_blocks: int = 4) -> RunPaths:
    """Everything that a finished run leaves; blocks are columns of patches."""
    rng = np.random.default_rng(3)
    grid = make_grid("EPSG:32631", 530_000, 4_800_000, 10, shape)
    fields = rng.choice(4, (-(-shape[0] // field), -(-shape[1] // field)), p=[0.3, 0.4, 0.2, 0.1])
    truth = np.kron(fields, np.ones((field, field), int))[: shape[0], : shape[1]].astype(np.uint8)
    labels = truth.copy()
    labels[:: 2 * field] = 255
    predictions = {"unet": _spoil(truth, 0.1, rng), "forest": _spoil(truth, 0.3, rng)}
    folders = {name: root / name for name in ("dataset", "evaluation", "map", "labels", "cubes")}
    for folder in folders.values():
        (folder / CUBE if folder.name in ("labels", "cubes") else folder).mkdir(parents=True)

    _write_raster(folders["labels"] / CUBE / "labels.tif", labels, grid)
    _write_raster(folders["map"] / "class_map.tif", predictions["unet"], grid)
    _write_raster(folders["map"] / "confidence.tif", rng.integers(40, 100, shape).astype(np.uint8), grid)
    votes = {"declared_class": ["wheat", "wheat", "maize"], "predicted_class": ["wheat", "maize", "maize"]}
    pd.DataFrame({**votes, "area": [3.0, 1.0, 0.25]}).to_parquet(folders["map"] / "parcels.parquet")
    px = np.bincount(predictions["unet"].ravel(), minlength=4)
    record = {
        "n_px": truth.size,
        "n_unseen_px": 0,
        "mpx_per_s": 1.25,
        "px_by_class": dict(zip(NAMES, map(int, px), strict=True)),
    }
    _json(folders["map"] / "map.json", record)

    _write_scenes(root, folders["cubes"] / CUBE, grid)
    _json(
        root / "audit.json",
        {
            "n_parcels": 96,
            "n_mapped": 60,
            "n_background": 30,
            "n_unmapped": 2,
            "n_ambiguous": 4,
            "by_class": {"wheat": {"n": 40, "area_ha": 120.5}, "maize": {"n": 20, "area_ha": 64.25}},
            "unmapped": [
                {"name": "<script>alert(1)</script>", "crop_code": "XYZ", "hcat_code": None, "n": 2, "area_ha": 1.5}
            ],
            "ambiguous": [],
        },
    )
    _json(
        root / "taxonomy.json",
        {
            "name": "three",
            "title": "Three crops",
            "classes": [{"name": c.name, "title": c.title, "color": c.color} for c in CLASSES],
        },
    )
    ids = {"id": list("abcd"), "number": [1, 2, 3, 4], "crop:name": None, "hcat:code": None, "hcat:name": None}
    declared = {"crop:name_en": ["Winter wheat", "Spelt", "", "Grapes"], "crop:code": ["a", "b", "MIS", "d"]}
    place = {"country": "FR", "year": 2018, "class_name": ["wheat", "wheat", "maize", "vineyard"]}
    fields = gpd.GeoDataFrame(
        {**ids, **declared, **place, "area": [100.0, 20.5, 64.25, 3.0]}, geometry=[box(0, 0, 1, 1)] * 4, crs=4326
    )
    fields.to_parquet(root / "classed.parquet")
    (root / "experiment.yaml").write_text("name: a & b\nseed: 7\n")

    windows = [
        Window(row, col, patch, patch)
        for row in range(0, shape[0] - patch + 1, patch)
        for col in range(0, shape[1] - patch + 1, patch)
    ]
    ids = _write_dataset(folders["dataset"], grid, truth, labels, windows)
    parts = ["test" if w.col >= shape[1] // 2 else "train" if w.col < shape[1] // 3 else "val" for w in windows]
    parts[0] = "dropped"
    blocks = [f"b{(w.row // patch) % n_blocks}" for w in windows]
    table = pd.DataFrame({"sample_id": ids, "part": parts, "block_id": blocks, "reason": ""})
    hidden = {part: np.empty(0, np.uint32) for part in PARTS}
    split = Split(table, hidden, {"seed": 7, "options": {"strategy": "blocks", "block_m": 160.0}})
    write_split(split, root / "split.parquet")
    dataset = open_dataset(folders["dataset"])
    _json(root / "split_audit.json", audit_split(dataset.manifest, split, dataset.parcels(), class_names=NAMES))

    test = [i for i, part in enumerate(parts) if part == "test"]
    _write_evaluation(folders["evaluation"], labels, predictions, [(windows[i], blocks[i]) for i in test])
    shown = test[:3]
    cut = lambda image: np.stack([image[windows[i].slices] for i in shown])
    rgb = np.stack([cut(truth) * 50 + 40] * 3, axis=-1).astype(np.uint8)
    shots = {name: cut(p) for name, p in predictions.items()}
    write_panels(folders["evaluation"], [ids[i] for i in shown], rgb, cut(labels), shots)

    return RunPaths(
        experiment=root / "experiment.yaml",
        audit=root / "audit.json",
        taxonomy=root / "taxonomy.json",
        classed=root / "classed.parquet",
        scenes=root / "scenes.json",
        cubes=(folders["cubes"] / CUBE,),
        labels=(folders["labels"] / CUBE,),
        dataset=folders["dataset"],
        split=root / "split.parquet",
        split_audit=root / "split_audit.json",
        checkpoints=_write_checkpoints(root / "checkpoint"),
        evaluation=folders["evaluation"],
        maps=(folders["map"],),
    )


def _spoil(truth, share, rng):
    return np.where(rng.random(truth.shape) < share, rng.integers(0, 4, truth.shape), truth).astype(np.uint8)


def _json(path: Path, value) -> None:
    path.write_text(json.dumps(value))


def _write_raster(path: Path, values, grid) -> None:
    height, width = values.shape
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "uint8", "nodata": 255}
    with rasterio.open(path, "w", crs="EPSG:32631", transform=grid.affine, **profile) as file:
        file.write(values, 1)


def _write_scenes(root: Path, cube: Path, grid) -> None:
    scene = {
        "tile": "31TEJ",
        "level": "L2A",
        "offset": 0.0,
        "offset_source": "the product's BOA_ADD_OFFSET is absent",
        "cloud_cover_fraction": 0.0312,
        "baseline": "02.06",
    }
    names = ("S2A_MSIL2A_20180212T103141_N0206_R108_T31TEJ_x", "S2B_MSIL2A_20180716T104019_N0208_R008_T31TEJ_y")
    scenes = [
        {**scene, "id": names[0], "datetime": "2018-02-12T10:31:41+00:00"},
        {**scene, "id": names[1], "datetime": "2018-07-16T10:40:19+00:00", "offset": -1000.0},
    ]
    _json(root / "scenes.json", {"scenes": scenes, "tally": {"kept": 2, "dropped": {"cloud cover over 0.6": 1}}})
    record = {
        "grid": grid_to_json(grid),
        "bands": list(BANDS),
        "days": [17728],
        "tile": "31TEJ",
        "level": "L2A",
        "scenes": [names[1]],
        "dropped": {names[0]: "no data"},
    }
    _json(cube / "cube.json", record)


def _write_dataset(folder: Path, grid, truth, labels, windows) -> list[str]:
    info = DatasetInfo(CLASSES, BANDS, windows[0].height, 10.0, "single", "L2A", {"clear_scl": [4, 5, 6, 7]})
    writer, ids = DatasetWriter(folder, info), []
    for w in windows:
        ids.append(f"{CUBE}-{w.row:04d}-{w.col:04d}")
        part = labels[w.slices]
        sample = Sample(
            image=np.repeat(truth[w.slices][None, None].astype(np.float32) / 10, len(BANDS), axis=1),
            valid=np.ones((1, *w.shape), bool),
            labels=part,
            parcel_ids=np.full(w.shape, len(ids), np.uint32),
            days=np.array([17728], np.int32),
            bands=BANDS,
            origin=Origin(ids[-1], "FR", 2018, "31TEJ", ("one",), grid_window(grid, w)),
        )
        writer.add(sample, {"cube": CUBE, "row": w.row, "col": w.col})
    assert full_window(grid).shape == truth.shape
    writer.finish()
    return ids


def _write_checkpoints(root: Path) -> dict[str, Path]:
    unet, forest = root / "unet", root / "forest"
    for folder in (unet, forest):
        folder.mkdir(parents=True)
    about = {"bands": list(BANDS), "n_dates": 1, "training": {"seconds": 18.0}}
    _json(unet / "model.json", {**about, "name": "unet", "kind": "unet4_gn", "n_parameters": 17_660_027})
    _json(forest / "model.json", {**about, "name": "forest", "kind": "random_forest", "n_parameters": None})
    epochs = [
        {
            "epoch": e,
            "train_loss": 1.2 * 0.9**e,
            "val_loss": 0.6 + 0.7 * 0.8**e + 0.01 * e,
            "seconds": 1.5,
            "val_miou": 0.6 * (1 - 0.8**e),
            "val_foreground_miou": 0.5 * (1 - 0.8**e),
            "val_pixel_accuracy": 0.9 * (1 - 0.7**e),
            "learning_rate": 1e-3 if e < 8 else 5e-4,
        }
        for e in range(1, 13)
    ]
    _json(unet / "history.json", {"epochs": epochs, "best_epoch": 11, "best_miou_epoch": 12})
    return {"unet": unet, "forest": forest}


def _write_evaluation(folder: Path, labels, predictions, tests) -> None:
    blocks = sorted({block for _, block in tests})

    def counts(prediction):
        result = np.zeros((len(blocks), 4, 4), np.int64)
        for window, block in tests:
            result[blocks.index(block)] += confusion(labels[window.slices], prediction[window.slices], 4)
        return result

    def record(prediction):
        c = counts(prediction)
        reason = no_interval_reason(count_blocks(c))
        interval = block_bootstrap(c, rng=np.random.default_rng(0), n_draws=200)
        about = {"n_blocks": count_blocks(c), "interval": interval, **({"interval_reason": reason} if reason else {})}
        return {"protocols": {"all_pixels": {**scores(c.sum(0), NAMES, loss_sum=float(c.sum()) / 2), **about}}}

    pair = paired_bootstrap(
        counts(predictions["unet"]), counts(predictions["forest"]), "miou_foreground", rng=np.random.default_rng(0)
    )
    majority = np.ones_like(labels)
    about = {"first": "unet", "second": "forest", "score": "miou_foreground", "protocol": "all_pixels"}
    result = {
        "part": "test",
        "models": {name: record(p) for name, p in predictions.items()},
        "baselines": {"majority": record(majority)},
        "compare": {"unet - forest": about | pair},
    }
    write_evaluation(folder, result)

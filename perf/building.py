"""The whole building job from JPEG 2000 products: read, rasterise, cut, filter, write, parcel statistics.

Three dates of ten bands (two with the offset), 15,000 parcels, windows of 256 pixels. Ours is `bocage objects` on an
experiment, into an empty store: data set, parcel table, card, lock and all digests. The peer is a good script with
rasterio (`reference_building.py`), which writes plain .npz files. The limit is decoding every file once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio

from bocage.core.arrays import SCALE
from bocage.core.artifacts import ArtifactStore
from bocage.core.bands import DEFAULT_BANDS
from bocage.datasets.read import open_dataset
from bocage.experiment.load import load_experiment
from bocage.pipeline.objects import OBJECTS, plan_objects
from bocage.pipeline.run import needed_stages, run_stages
from bocage.pipeline.stages import plan_stages
from perf import reference_building
from perf.building_world import CROPS, DATES, World, write_world
from perf.frame import Entry

SIZE_PX = 5490  # a quarter of a tile
PARCELS_PER_PX = 15_000 / 5490**2
GOAL_RATIO = 0.8
# runs a module and says its own peak; the one that `wait4` reports may be that of the process which started it
MEASURED = """
import runpy, sys
try:
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
finally:
    print([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0], end="", file=sys.stderr)
"""


def make_entry(
    folder: Path, *, size_px: int = SIZE_PX, kind: str = "safe", goal_ratio: float = GOAL_RATIO, name: str = "building"
) -> Entry:
    n_parcels = round(PARCELS_PER_PX * size_px**2)
    world = write_world(folder / "world", kind, size_px, n_parcels)
    request = folder / "world.json"
    request.write_text(
        json.dumps(
            {
                "files": world.files,
                "offsets": [offset for _, offset in DATES],
                "parcels": str(world.parcels),
                "crops": CROPS,
            }
        )
    )
    out, cache, plain = folder / "run", folder / "cache", folder / "plain"
    build = ["objects", str(world.experiment), "--out", str(folder / "objects.csv")]
    return Entry(
        name=name,
        title=f"A data set of {size_px} × {size_px} px, {len(DATES)} dates, {n_parcels:,} parcels, {kind.upper()}",
        ours=lambda: ours(world, out, cache),
        peer=lambda: peer(world, plain),
        peer_name="a good script with rasterio",
        limit=lambda: [decode(path) for paths in world.files for path in paths.values()],
        limit_name="decoding alone, all threads",
        equal=lambda a, b: is_equal(a[0], a[1], b),
        goal_ratio=goal_ratio,
        memory=lambda: {
            "ours": peak_gb("bocage", build, emptied(cache), emptied(out)),
            "peer": peak_gb("perf.reference_building", [str(request), str(plain)], cache, emptied(plain)),
        },
    )


def ours(world: World, out: Path, cache: Path) -> tuple[Path, Path]:
    """The folders of data set and parcel table."""
    emptied(out)
    experiment = load_experiment(world.experiment)
    stages = [*needed_stages(plan_stages(experiment), "datasets"), plan_objects(experiment)[-1]]
    workers = len(os.sched_getaffinity(0))
    results = run_stages(stages, experiment, out=out, store=ArtifactStore(emptied(cache)), workers=workers)
    return results[-2].artifact.path, results[-1].artifact.path


def peer(world: World, out: Path) -> Path:
    offsets = [offset for _, offset in DATES]
    reference_building.build(list(world.files), offsets, world.parcels, CROPS, emptied(out))
    return out


def is_equal(dataset: Path, table: Path, plain: Path) -> bool:
    """The same windows with the same pixels, and the same statistics within rounding."""
    opened = open_dataset(dataset)
    days = sorted(day for day, _ in DATES)
    names = {
        f"{days.index(pd.Timestamp(row['days'][0], unit='D').date())}_{row['row']}_{row['col']}.npz": row["sample_id"]
        for row in opened.manifest.to_dict("records")
    }
    if {*names, "statistics.npz"} != {p.name for p in plain.iterdir()}:
        return False
    for file, sample_id in names.items():
        record, other = opened.read_record(sample_id), np.load(plain / file)
        theirs = (other["image"], other["labels"], other["ids"])
        mine = (record.image[0], record.labels, record.parcel_ids)
        if not all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True)):
            return False
    return has_equal_statistics(pd.read_parquet(table / OBJECTS), plain / "statistics.npz")


def has_equal_statistics(objects: pd.DataFrame, plain: Path) -> bool:
    theirs, numbers = np.load(plain), objects["number"].to_numpy()
    for t, (day, _) in enumerate(DATES):
        for i, band in enumerate(DEFAULT_BANDS):
            for statistic in ("mean", "std"):
                mine = objects[f"{band}_{day:%Y%m%d}_{statistic}"].to_numpy() * SCALE
                if not np.allclose(mine, theirs[statistic][t, i, numbers], atol=0.05, equal_nan=True):
                    return False
    return True


def decode(path: str) -> int:
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"), rasterio.open(path) as source:
        return int(source.read(1)[0, 0])


def peak_gb(module: str, arguments: Sequence[str], cache: Path, out: Path) -> float:
    """Largest resident memory of a process of its own that does the work."""
    out.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "BOCAGE_CACHE": str(cache), "PYTHONPATH": path}
    command = [sys.executable, "-c", MEASURED, module, *arguments]
    done = subprocess.run(command, env=environment, cwd=out, capture_output=True, text=True, check=True)
    return int(done.stderr.splitlines()[-1].split()[1]) * 1024 / 1e9


def emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder

"""Patch stores: reading samples at random, one thread, from `bocage`'s shards and from npy files.

The samples are overlapping windows of the products near Béziers if BOCAGE_SAMPLES names the sample data, else of an
invented country; both stores hold the same. Ours also checks the sample's checksum.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from bocage.core.artifacts import ArtifactStore
from bocage.datasets.export import export_dataset
from bocage.datasets.read import Dataset, open_dataset
from bocage.datasets.record import Record
from bocage.experiment.load import load_experiment
from bocage.pipeline.demo import prepare_demo
from bocage.pipeline.run import needed_stages, run_stages
from bocage.pipeline.stages import plan_stages
from perf.frame import Entry

BEZIERS = Path(__file__).resolve().parents[1] / "experiments" / "beziers-2018.yaml"
ALL_WINDOWS = {
    "max_nodata_fraction": 1.0, "max_unclear_fraction": 1.0, "max_bright_fraction": 1.0, "min_foreground_fraction": 0.0,
}  # fmt: skip


def make_entry(folder: Path, *, size_px: int = 128, stride_px: int = 32) -> Entry:
    samples = os.environ.get("BOCAGE_SAMPLES")
    if samples:
        file, where = BEZIERS, "Béziers"
    else:
        file = prepare_demo(folder, seed=1, size_px=3 * size_px, template="demo", say=lambda _: None)
        where = "an invented country"
    shards = _build(file, folder, size_px, stride_px)
    export_dataset(shards, "npy", folder / "npy")
    ids = np.random.default_rng(0).permutation(np.array(shards.sample_ids, object)).tolist()
    names = ("images", "labels", "parcel_ids")
    paths = {s: [folder / "npy" / name / f"{s}.npy" for name in names] for s in ids}
    n_bytes = sum(path.stat().st_size for own in paths.values() for path in own)
    return Entry(
        name="stores",
        title=f"{len(ids):,} samples of {size_px} px, 10 bands, of {where}: read at random by one thread",
        ours=lambda: _sum(shards.read_record(s) for s in ids),
        peer=lambda: _sum(Record(*map(np.load, paths[s])) for s in ids),
        peer_name="numpy.load of npy files",
        limit=lambda: sum(len(path.read_bytes()) for s in ids for path in paths[s]),
        limit_name="reading the bytes of the npy files",
        equal=lambda a, b: a == b,
        goal_ratio=4.0,
        bytes_ratio=lambda: sum(path.stat().st_size for path in (shards.folder / "shards").iterdir()) / n_bytes,
        goal_bytes_ratio=0.5,
    )


def _build(file: Path, folder: Path, size_px: int, stride_px: int) -> Dataset:
    patches = {"size_px": size_px, "stride_px": stride_px, "dates": "single", "filters": ALL_WINDOWS}
    experiment = load_experiment(file, [f"patches={json.dumps(patches)}"])
    stages = needed_stages(plan_stages(experiment), "datasets")
    run_stages(stages, experiment, out=folder / "run", store=ArtifactStore(folder / "store"), workers=2)
    return open_dataset(folder / "run" / "dataset")


def _sum(records: Iterable[Record]) -> int:
    """Over a few values of each record, so that stores can be compared."""
    return sum(
        int(r.image[..., ::16, ::16].sum()) + int(r.labels[0].sum()) + int(r.parcel_ids[-1].sum()) for r in records
    )

"""On an invented country in two seasons, networks of series against forests and a U-Net, on held-out blocks.

The same fields in 2020 and 2021, four clear dates each. Every window is one sample with all its dates in one data set,
and a sample a date in the other; the test part is the same blocks, so differences have paired intervals.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from bocage.core.arrays import Int64
from bocage.core.artifacts import ArtifactStore
from bocage.datasets.read import open_dataset
from bocage.experiment.load import load_experiment
from bocage.experiment.schema import Experiment
from bocage.metrics.intervals import paired_bootstrap
from bocage.metrics.scores import score_arrays
from bocage.pipeline.run import needed_stages, run_stages
from bocage.pipeline.stages import plan_stages
from bocage.splits.ground import block_ids
from bocage.splits.options import SplitOptions
from bocage.splits.store import read_split
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import SyntheticCountry, write_world

DATES = ("04-18", "05-26", "07-05", "08-19")
CLEAR = SyntheticOptions(
    seed=7, size_px=336, years=(2020, 2021), dates=DATES, cloud_fraction=0, haze_fraction=0, swath_edge_fraction=0
)
FORESTS = [
    {"name": "forest", "kind": "random_forest", "options": {"n_trees": 30}},
    {"name": "forest-context", "kind": "random_forest_context", "options": {"n_trees": 30}},
]
UNET = {"name": "unet", "kind": "unet4_gn", "options": {"base_channels": 16}}
SERIES = [
    {"name": "tempcnn", "kind": "tempcnn", "options": {"n_hidden": 64, "kernel_dates": 3}},
    {"name": "convstar", "kind": "convstar", "options": {"n_hidden": 24, "n_layers": 2}},
]
BLOCKS = {"block_m": 480, "fractions": [0.5, 0.15, 0.35]}
LARGER_PX = 624
ALL_PIXELS = {"pixels_per_class": 50_000, "max_pixels_per_patch_class": 1_000}  # more than the train part has
TRAINING = {"schedule": "cosine", "epochs": 10, "threads": 1, "device": "cpu", "pixels_per_class": 3000}
EVALUATION = {"bootstrap": 1000, "panels": 0, "protocols": ["all_pixels"]}


def plan(
    countries: Sequence[SyntheticCountry], folder: Path, *, dates: str, models: list[dict[str, Any]], **training: Any
) -> Experiment:
    """Both seasons in one data set."""
    parts = [
        {
            "parcels": {"path": str(c.eurocrops_path), "country": c.code, "year": c.year},
            "scenes": {"path": str(c.safe_folder)},
        }
        for c in countries
    ]
    sections = {
        "patches": {"size_px": 48, "dates": dates},
        "splits": BLOCKS,
        "models": models,
        "training": TRAINING | training,
        "evaluation": EVALUATION,
    }
    file = folder / f"{dates}.yaml"
    file.write_text(yaml.safe_dump({"name": dates, "seed": 1, **parts[0], "also": parts[1:], **sections}))
    return load_experiment(file)


def run(experiment: Experiment, folder: Path, *, until: str = "evaluation") -> Path:
    stages = needed_stages(plan_stages(experiment), until)
    run_stages(stages, experiment, out=folder / experiment.name, store=ArtifactStore(folder / "store"), workers=1)
    return folder / experiment.name


def deal_alike(experiment: Experiment, other: Path, folder: Path) -> Experiment:
    """The experiment with its samples in the parts in which the run `other` has their blocks."""
    manifest = open_dataset(run(experiment, folder, until="datasets") / "dataset").manifest
    part_of_block = read_split(other / "split.parquet").table.groupby("block_id")["part"].first()
    parts = [part_of_block[block] for block in block_ids(manifest, BLOCKS["block_m"])]
    table = folder / "given.csv"
    pd.DataFrame({"sample_id": manifest["sample_id"], "part": parts}).to_csv(table, index=False)
    given = SplitOptions(strategy="given", path=str(table), block_m=BLOCKS["block_m"])
    return experiment.model_copy(update={"splits": given})


def counts_of(run_folder: Path) -> dict[str, Any]:
    """`blocks`, and the counts (n_blocks, K, K) of each model."""
    with np.load(run_folder / "blocks.npz") as counted:
        return {name.removesuffix("/all_pixels"): counted[name] for name in counted}


def foreground_miou(counts: Int64) -> float:
    return float(score_arrays(counts.sum(0))["miou_foreground"])


@pytest.mark.slow
def test_series_beat_single_dates(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """What is measured stands in docs/models.md and, with `--junit-xml`, in the record of the test."""
    countries = write_world(tmp_path / "land", CLEAR)
    models = [*SERIES, FORESTS[0]]
    of_series = plan(countries, tmp_path, dates="series", models=models, learning_rate=0.005, batch_size=4)
    of_dates = plan(countries, tmp_path, dates="single", models=[UNET, *FORESTS], learning_rate=0.003, batch_size=8)
    series_run = run(of_series, tmp_path)
    series, single = counts_of(series_run), counts_of(run(deal_alike(of_dates, series_run, tmp_path), tmp_path))

    assert series["blocks"].tolist() == single["blocks"].tolist()
    rivals = {f"{name}, one date": single[name] for name in ("unet", "forest", "forest-context")}
    for name, counts in {
        **rivals,
        "forest": series["forest"],
        **{m["name"]: series[m["name"]] for m in SERIES},
    }.items():
        record_property(name, round(foreground_miou(counts), 3))
    for name in ("tempcnn", "convstar"):
        for rival, theirs in {**rivals, "forest": series["forest"]}.items():
            pair = paired_bootstrap(series[name], theirs, "miou_foreground", rng=np.random.default_rng(0))
            record_property(f"{name} - {rival}", [round(pair[key], 3) for key in ("difference", "low", "high")])
            assert rival not in rivals or pair["low"] > 0.05


@pytest.mark.slow
def test_a_network_beats_a_forest_of_the_series(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """On more ground, the forest with all pixels. docs/models.md has 1008 px, 20 epochs and more networks."""
    countries = write_world(tmp_path / "land", CLEAR.model_copy(update={"size_px": LARGER_PX}))
    models = [SERIES[0], FORESTS[0] | {"options": {"n_trees": 100}}]
    learn = {"learning_rate": 0.005, "batch_size": 4, **ALL_PIXELS}
    counts = counts_of(run(plan(countries, tmp_path, dates="series", models=models, **learn), tmp_path))
    pair = paired_bootstrap(counts["tempcnn"], counts["forest"], "miou_foreground", rng=np.random.default_rng(0))
    record_property("tempcnn - forest", [round(pair[key], 3) for key in ("difference", "low", "high")])
    assert pair["low"] > 0

"""Real parcels with series, judged in folds of ground: nothing is judged twice, and models beat the baselines."""

from pathlib import Path

import numpy as np
import pytest

from bocage.core.artifacts import ArtifactStore
from bocage.experiment.crossvalidation import CrossValidation
from bocage.experiment.load import load_options
from bocage.pipeline.crossvalidate import run_crossvalidation
from bocage.splits.store import read_split

FILE = Path(__file__).resolve().parents[2] / "experiments" / "parcels" / "corsica-2022.yaml"
QUICK = (
    "models=[{name: forest, kind: random_forest, options: {n_trees: 40}}, "
    "{name: tempcnn, kind: tempcnn, options: {n_hidden: 8, kernel_dates: 5}}]"
)


@pytest.mark.slow
def test_real_parcels_in_folds_of_ground(samples, tmp_path, monkeypatch):
    monkeypatch.setenv("BOCAGE_SAMPLES", str(samples))
    plan = load_options(FILE, [QUICK, "training.epochs=4", "splits.n_folds=3"], CrossValidation)
    store, out = ArtifactStore(tmp_path / "store"), tmp_path / "out"
    result = run_crossvalidation(plan, out=out, store=store, workers=1, say=lambda _: None)

    tests = [read_split(out / f"fold-{i}" / "split.parquet") for i in range(3)]
    judged = [s for split in tests for s in split.sample_ids("test")]
    assert len(judged) == len(set(judged)) == result["n_samples"] == result["tally"]["kept"]
    blocks = [set(split.table.loc[split.table["part"] == "test", "block_id"]) for split in tests]
    assert sum(map(len, blocks)) == len(set.union(*blocks))

    scores = result["models"]["forest"]["protocols"]["all_pixels"]
    assert np.sum(scores["confusion"]) == result["n_samples"]
    assert scores["n_blocks"] == len(set.union(*blocks)) >= 40
    assert scores["interval"]["pixel_accuracy"]["low"] < scores["pixel_accuracy"]
    for baseline in ("majority", "random_parcel_class"):
        other = result["baselines"][baseline]["protocols"]["all_pixels"]
        assert scores["interval"]["pixel_accuracy"]["low"] > other["interval"]["pixel_accuracy"]["high"]
    assert set(result["compare"]) == {"forest - tempcnn"}
    assert 0 < result["models"]["forest"]["calibration"]["ece"] < 1
    assert scores["interval"]["mean_loss"]["low"] < scores["mean_loss"] < scores["interval"]["mean_loss"]["high"]

    again = run_crossvalidation(plan, out=tmp_path / "again", store=store, workers=1, say=lambda _: None)
    assert again.pop("made") == []
    assert len(result.pop("made")) == 1 + 3 * (1 + 2 + 1) + 1  # data set; split, models and scores of a fold; pooled
    assert {**again, "run": ""} == {**result, "run": ""}
    fewer = load_options(
        FILE, [QUICK, "training.epochs=4", "splits.n_folds=3", "evaluation.bootstrap=100"], CrossValidation
    )
    judged_anew = run_crossvalidation(fewer, out=out, store=store, workers=1, say=lambda _: None)["made"]
    assert judged_anew == ["fold-0/evaluation", "fold-1/evaluation", "fold-2/evaluation", "pooled"]

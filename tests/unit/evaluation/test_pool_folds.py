"""Counts of folds become counts of one survey."""

import json
from pathlib import Path

import numpy as np
import pytest

from bocage.evaluation.describe import describe_counts
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.outcome import Outcome
from bocage.evaluation.pool import join_blocks, pool_folds
from bocage.evaluation.write import write_blocks
from bocage.metrics.calibration import describe_calibration
from bocage.metrics.protocols import PROTOCOLS

NAMES = ("background", "wheat", "maize")


def test_blocks_of_folds_lie_side_by_side_and_a_block_of_both_adds_up() -> None:
    one, two = np.full((2, 2, 2), 1), np.full((2, 2, 2), 2)
    folds = [
        {"blocks": np.array(["b", "c"]), "m/all_pixels": one, "m/all_pixels/loss": np.array([0.5, 0.25])},
        {"blocks": np.array(["a", "b"]), "m/all_pixels": two, "m/all_pixels/loss": np.array([1.0, 2.0])},
    ]
    blocks, counts = join_blocks(folds)
    assert blocks == ["a", "b", "c"]
    assert list(counts["m"]) == ["all_pixels"]
    counted, losses = counts["m"]["all_pixels"]
    assert counted[:, 0, 0].tolist() == [2, 3, 1]
    assert losses is not None
    assert losses.tolist() == [1.0, 2.5, 0.25]


def test_loss_and_calibration_of_folds_are_those_of_all_pixels_together(tmp_path: Path) -> None:
    """What one pass over both folds counts is what pooling finds."""
    rng = np.random.default_rng(0)
    options = EvaluationOptions(protocols=("all_pixels",), bootstrap=100)
    labels = rng.integers(1, 3, (24, 1, 4)).astype(np.uint8)
    given = rng.dirichlet((1, 2, 2), (24, 1, 4)).astype(np.float32).transpose(0, 3, 1, 2)
    parcels = np.zeros(labels.shape, np.uint32)
    whole = Outcome(24, 3)
    whole.add(range(24), labels, parcels, given.argmax(1).astype(np.uint8), given)
    for fold, part in enumerate((slice(0, 10), slice(10, 24))):
        outcome, folder = Outcome(24, 3), tmp_path / str(fold)
        outcome.add(range(24)[part], labels[part], parcels[part], given[part].argmax(1).astype(np.uint8), given[part])
        folder.mkdir()
        counts = outcome.counts(PROTOCOLS["all_pixels"])
        drawn = (counts[0], None)  # a baseline without probabilities
        blocks = [f"b{i:02d}" for i in range(24)]
        write_blocks(folder, blocks, {"m": {"all_pixels": counts}, "drawn": {"all_pixels": drawn}})
        record = {"classes": NAMES, "n_samples": 1, "n_unseen_px": 0}
        record["models"] = {"m": {"calibration": describe_calibration(outcome.calibration)}}
        record["baselines"] = {"drawn": {"calibration": None}}
        (folder / "evaluation.json").write_text(json.dumps(record))
    result = pool_folds([tmp_path / "0", tmp_path / "1"], options, seed=0, folder=tmp_path)
    protocol = PROTOCOLS["all_pixels"]
    expected = describe_counts(*whole.counts(protocol), protocol, NAMES, options, 0)
    found = result["models"]["m"]["protocols"]["all_pixels"]
    assert found["mean_loss"] == pytest.approx(expected["mean_loss"])
    assert found["interval"]["mean_loss"]["low"] == pytest.approx(expected["interval"]["mean_loss"]["low"])
    calibration, pooled = describe_calibration(whole.calibration), result["models"]["m"]["calibration"]
    assert calibration is not None
    assert pooled["ece"] == pytest.approx(calibration["ece"])
    assert pooled["brier"] == pytest.approx(calibration["brier"])
    assert [b["n"] for b in pooled["bins"]] == [b["n"] for b in calibration["bins"]]
    assert result["baselines"]["drawn"]["calibration"] is None
    assert result["baselines"]["drawn"]["protocols"]["all_pixels"]["mean_loss"] is None

"""What one pass over all folds counts is what pooling them finds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bocage.evaluation.evaluate import evaluate
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.outcome import Outcome
from bocage.evaluation.pool import pool_folds
from bocage.evaluation.predictions import LAST_YEAR, Predictions
from bocage.evaluation.store import write_predictions

N = 24  # samples of 6 x 6 pixels, each with four parcels of 3 x 3
BLOCKS = [f"b{i:02d}" for i in range(12)]  # of two samples each


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    parcels = np.kron(np.arange(1, 5).reshape(2, 2), np.ones((3, 3), int))[None] + 4 * np.arange(N)[:, None, None]
    given = rng.dirichlet((1, 2, 2), (N, 6, 6)).astype(np.float32).transpose(0, 3, 1, 2)
    labels = rng.integers(0, 3, (N, 6, 6)).astype(np.uint8)
    return {"labels": labels, "parcels": parcels.astype(np.uint32), "given": given}


def predictions(drawn: dict[str, Any], samples: Sequence[int], known: float | None) -> Predictions:
    """One pass over some of the samples: a model, and a baseline without probabilities."""
    blocks = sorted({BLOCKS[i // 2] for i in samples})
    outcomes = {"m": Outcome(len(blocks), 3), LAST_YEAR: Outcome(len(blocks), 3, has_loss=False)}
    labels, parcels, given = (drawn[k][list(samples)] for k in ("labels", "parcels", "given"))
    numbers = [blocks.index(BLOCKS[i // 2]) for i in samples]
    outcomes["m"].add(numbers, labels, parcels, given.argmax(1).astype(np.uint8), given)
    outcomes[LAST_YEAR].add(numbers, labels, parcels, np.ones_like(labels))
    parents = dict.fromkeys(("background", "wheat", "maize"))
    return Predictions("test", parents, 0.01, ("m",), tuple(blocks), len(samples), 1, known, None, outcomes)


def test_folds_together_are_scored_as_one_survey(drawn: dict[str, Any], tmp_path: Path) -> None:
    options = EvaluationOptions(
        protocols=("all_pixels", "parcels", "hierarchy:1"), bootstrap=100, parcel_sizes_ha=(0.05,)
    )
    whole = evaluate(predictions(drawn, range(N), 0.5), options, seed=0, folder=tmp_path)
    for name, samples, known in (("0", range(9), 0.8), ("1", range(9, N), 0.32)):  # block b04 is in both folds
        (tmp_path / name).mkdir()
        write_predictions(tmp_path / name, predictions(drawn, samples, known))
    pooled = pool_folds([tmp_path / "0", tmp_path / "1"], options, seed=0, folder=tmp_path)

    assert whole["models"]["m"]["zones"]["boundary"]["n_pixels"] > 0
    assert [row["n_parcels"] for row in whole["models"]["m"]["parcel_sizes"]] == [4 * N]
    assert (pooled.pop("part"), whole.pop("part")) == ("the test parts of 2 folds", "test")
    assert (pooled.pop("n_unseen_px"), whole.pop("n_unseen_px")) == (2, 1)
    assert _round(pooled) == _round(whole)


def _round(value: Any) -> Any:
    """Sums of floats differ in their last digits by the order of folds."""
    if isinstance(value, dict):
        return {k: _round(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_round(v) for v in value]
    return round(value, 9) if isinstance(value, float) else value


def test_last_year_is_left_out_where_a_fold_lacks_it(drawn: dict[str, Any], tmp_path: Path) -> None:
    options = EvaluationOptions(protocols=("all_pixels",), bootstrap=100)
    parts = [predictions(drawn, range(10), 0.5), predictions(drawn, range(10, N), None)]
    del parts[1].outcomes[LAST_YEAR]  # type: ignore[attr-defined]
    for name, part in zip("01", parts, strict=True):
        (tmp_path / name).mkdir()
        write_predictions(tmp_path / name, part)
    pooled = pool_folds([tmp_path / "0", tmp_path / "1"], options, seed=0, folder=tmp_path)
    assert list(pooled["models"]) == ["m"]
    assert pooled["baselines"] == {}

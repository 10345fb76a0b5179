"""Predictions of several folds → one evaluation of all of them. Reads predictions.npz of each fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bocage.evaluation.evaluate import evaluate
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.outcome import Outcome, join_outcomes
from bocage.evaluation.predictions import LAST_YEAR, Predictions
from bocage.evaluation.store import read_predictions


def pool_folds(folds: Sequence[Path], options: EvaluationOptions, *, seed: int, folder: Path) -> dict[str, Any]:
    """Score what every fold's models said of its own test part as one survey.

    Each fold judged other blocks of ground, so the pooled counts hold each block once and intervals resample all of
    them. They say how well models *of this kind* do; the spread between folds is no interval and is not given.

    Args:
        folds: folders that `judge` has written, with the same models and classes.
        folder: gets evaluation.json and blocks.npz.

    Returns:
        The content of evaluation.json.
    """
    together = join_predictions([read_predictions(fold) for fold in folds])
    return evaluate(together, options, seed=seed, folder=folder)


def join_predictions(folds: Sequence[Predictions]) -> Predictions:
    """The counts of all folds, for the models and baselines that every fold has; a block of several folds adds up."""
    blocks, index = np.unique(np.concatenate([fold.blocks for fold in folds]), return_inverse=True)
    places = np.split(index, np.cumsum([len(fold.blocks) for fold in folds])[:-1])
    names = [name for name in folds[0].outcomes if all(name in fold.outcomes for fold in folds)]
    outcomes = {
        name: join_outcomes([(fold.outcomes[name], at) for fold, at in zip(folds, places, strict=True)], len(blocks))
        for name in names
    }
    return replace(
        folds[0],
        part=f"the test parts of {len(folds)} folds",
        blocks=tuple(blocks.tolist()),
        n_samples=sum(fold.n_samples for fold in folds),
        n_unseen_px=sum(fold.n_unseen_px for fold in folds),
        known_fraction=_join_known([(f.known_fraction, f.outcomes.get(LAST_YEAR)) for f in folds]),
        shift=None,
        outcomes=outcomes,
    )


def _join_known(folds: Sequence[tuple[float | None, Outcome | None]]) -> float | None:
    """Share of the scored parcel pixels of all folds that `last_year` knows; None where a fold lacks that baseline."""
    known, n_px = 0.0, 0
    for fraction, outcome in folds:
        if fraction is None or outcome is None:
            return None
        known, n_px = known + fraction * outcome.n_parcel_px, n_px + outcome.n_parcel_px
    return known / max(n_px, 1)

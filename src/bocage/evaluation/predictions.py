"""What is kept of one pass over one part of a data set: enough for every protocol. Record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bocage.evaluation.outcome import Outcome

WHAT_IS_PREDICTED = {"batch_size", "baseline_samples", "panels"}  # the options that decide it; the others come after
LAST_YEAR = "last_year"


@dataclass(frozen=True)
class Predictions:
    """The counts of every model and baseline.

    Attributes:
        part: of the split.
        parents: each class, by id, and the class above it.
        px_ha: hectares of a pixel.
        models: names of those outcomes that are models, in their order; the others are baselines.
        blocks: id of each block of ground.
        n_unseen_px: labelled pixels that no date shows; they are not scored.
        known_fraction: share of the scored parcel pixels whose ground the baseline `last_year` knows; None without it.
        shift: what differs from the training data (`read_shift`); None where it is not known.
        outcomes: name of a model or baseline -> its counts.
    """

    part: str
    parents: Mapping[str, str | None]
    px_ha: float
    models: tuple[str, ...]
    blocks: tuple[str, ...]
    n_samples: int
    n_unseen_px: int
    known_fraction: float | None
    shift: tuple[Mapping[str, Any], ...] | None
    outcomes: Mapping[str, Outcome]

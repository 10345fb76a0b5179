"""Candidates → a verdict for each. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bocage.core.errors import UnknownName
from bocage.core.registry import nearest
from bocage.core.tally import Tally
from bocage.patches.options import FilterOptions

KEPT = "kept"


def judge(candidates: pd.DataFrame, filters: FilterOptions, class_names: Sequence[str]) -> tuple[pd.DataFrame, Tally]:
    """All candidates with a column `verdict`: "kept", or the first reason against it.

    A single date is dropped for its own quality, a series when too few of its dates are usable.

    Args:
        candidates: as `find_candidates` gives them.
        class_names: by class id, background first.

    Raises:
        UnknownName: if a target class is none of `class_names`.
    """
    c = candidates
    single = c["dates"].map(len) == 1
    reasons = {
        "too much without data": single & (c["nodata_fraction"] > filters.max_nodata_fraction),
        "too cloudy": single & (c["unclear_fraction"] > filters.max_unclear_fraction),
        "too bright": single & (c["bright_fraction"] > filters.max_bright_fraction),
        "too few clear dates": ~single & (c["n_clear_dates"] < filters.min_clear_dates),
        "too little foreground": c["foreground_fraction"] < filters.min_foreground_fraction,
    }
    if filters.target_classes:
        n_target_px = c[[f"n_px_{_class_id(name, class_names)}" for name in filters.target_classes]].sum(axis=1)
        reasons["no target class"] = n_target_px < filters.min_target_fraction * c["height"] * c["width"]
    verdict = np.select(list(reasons.values()), list(reasons), default=KEPT)
    judged = c.assign(verdict=verdict)
    return judged, Tally.count(None if v == KEPT else str(v) for v in verdict)


def _class_id(name: str, class_names: Sequence[str]) -> int:
    if name not in class_names:
        raise UnknownName(
            f"patches.filters.target_classes names '{name}', which the taxonomy does not have."
            f"{nearest(name, list(class_names))} It has: {', '.join(class_names)}."
        )
    return list(class_names).index(name)

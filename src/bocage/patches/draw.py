"""Candidates → a stratified draw of them. Pure and deterministic."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bocage.core.arrays import Bool
from bocage.core.seeds import generator
from bocage.core.stratify import deal_stratified
from bocage.patches.options import SelectionOptions


def draw(candidates: pd.DataFrame, holds: Bool, options: SelectionOptions) -> Bool:
    """At most `max_total` candidates so that the share of those that hold each class stays; all if there are no more.

    Args:
        holds: (N, K) which classes each candidate holds.

    With `draw_block_px`, whole squares of a cube are drawn, as many as hold that many candidates on average.
    """
    side = options.draw_block_px
    if side is None:
        unit = np.arange(len(candidates))
    else:
        squares = {"cube": candidates["cube"], "row": candidates["row"] // side, "col": candidates["col"] // side}
        unit = np.asarray(pd.DataFrame(squares).groupby(["cube", "row", "col"], sort=True).ngroup())
    n_of = np.bincount(unit)
    held = np.zeros((len(n_of), holds.shape[1]), np.bool_)
    np.logical_or.at(held, unit, holds)
    most = min(options.max_total or len(unit), len(unit))
    n = round(most * len(n_of) / max(len(unit), 1))
    rng = generator(options.draw_seed, "patches", "draw")
    drawn = rng.permutation(np.flatnonzero(deal_stratified(held, (n, len(n_of) - n), rng) == 0))
    fits = np.cumsum(n_of[drawn]) <= most  # squares at the border hold fewer
    return np.isin(unit, drawn[fits])

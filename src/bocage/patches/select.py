"""Judged candidates → those that are taken. Pure."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from bocage.core.arrays import Float64
from bocage.core.tally import Tally
from bocage.patches.judge import KEPT
from bocage.patches.options import SelectionOptions


def select(judged: pd.DataFrame, options: SelectionOptions) -> tuple[pd.DataFrame, Tally]:
    """The candidates that passed and fit under the limits, in the order given; the same every time.

    Greedy by worth: a candidate's worth is the sum over the foreground classes of its share of all pixels of that class
    among those that passed, so that a patch with a rare class goes before one with a common class.

    Args:
        judged: as `judge` gives them.
    """
    passed = judged[judged["verdict"] == KEPT].reset_index(drop=True)
    regions, scenes = Counter[str](), Counter[str]()
    verdicts: list[str | None] = [None] * len(passed)
    n_taken = 0
    region_of = passed["region"].tolist()
    scene_of = [scenes_of[0] for scenes_of in passed["scenes"]]
    for i in np.lexsort((passed["candidate_id"].to_numpy(str), -_worth(passed))):
        region, scene = region_of[i], scene_of[i]
        if options.max_total is not None and n_taken >= options.max_total:
            verdicts[i] = "over the limit in all"
        elif options.max_per_region is not None and regions[region] >= options.max_per_region:
            verdicts[i] = "over the limit of its region"
        elif options.max_per_scene is not None and scenes[scene] >= options.max_per_scene:
            verdicts[i] = "over the limit of its scene"
        else:
            n_taken += 1
            regions[region] += 1
            scenes[scene] += 1
    taken = np.array([verdict is None for verdict in verdicts], bool)
    return passed[taken].drop(columns="verdict").reset_index(drop=True), Tally.count(verdicts)


def _worth(candidates: pd.DataFrame) -> Float64:
    names = [c for c in candidates if str(c).startswith("n_px_") and c not in ("n_px_0", "n_px_255")]
    counts = candidates[names].to_numpy(np.float64)
    return np.asarray((counts / np.maximum(counts.sum(axis=0), 1)).sum(axis=1))

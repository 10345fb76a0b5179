"""The same gaps filled pixel by pixel in Python, as a first script does; on fewer pixels, or nobody would wait.

The peer goes through the months of every pixel and looks back and ahead for a valid one, all bands at once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bocage.core.arrays import Bool, Int16
from perf.frame import Entry
from perf.gapfill import beside

SIZE_PX = 128
GOAL_RATIO = 1 / 100


def pixel_by_pixel(stored: Int16, valid: Bool) -> Int16:
    filled = stored.copy()
    n_months, _, height, width = stored.shape
    for y in range(height):
        for x in range(width):
            for month in range(n_months):
                if valid[month, y, x]:
                    continue
                before = next((m for m in range(month - 1, -1, -1) if valid[m, y, x]), None)
                after = next((m for m in range(month + 1, n_months) if valid[m, y, x]), None)
                known = [stored[m, :, y, x] for m in (before, after) if m is not None]
                if known:
                    filled[month, :, y, x] = np.rint(np.mean(known, axis=0))
    return filled


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    return beside("gapfill_loop", pixel_by_pixel, "a Python loop over pixels", size_px, goal_ratio=GOAL_RATIO)

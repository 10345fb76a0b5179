"""Gaps of 12 months filled with the mean of the neighbours, ten bands.

The peer is what a careful script does with whole arrays: positions of the last valid month before and the first after
by a running maximum and minimum, then two gathers. The limit copies the array.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bocage.core.arrays import Bool, Int16, Int32
from bocage.cubes.fill import fill_gaps
from perf.frame import Entry

N_MONTHS, N_BANDS, SIZE_PX = 12, 10, 1024
VALID_FRACTION = 0.7
GOAL_RATIO = 1 / 3


def by_numpy(stored: Int16, valid: Bool) -> Int16:
    months = np.arange(N_MONTHS, dtype=np.int16)[:, None, None]
    before = np.maximum.accumulate(np.where(valid, months, np.int16(-1)), axis=0)
    after = np.minimum.accumulate(np.where(valid, months, np.int16(N_MONTHS))[::-1], axis=0)[::-1]
    never = ~valid.any(axis=0)
    first = np.where(never, months, np.where(before < 0, after, before))
    second = np.where(never, months, np.where(after == N_MONTHS, before, after))
    total = np.take_along_axis(stored, first[:, None], axis=0).astype(np.float32)
    total += np.take_along_axis(stored, second[:, None], axis=0)
    return np.where(valid[:, None], stored, np.rint(total * np.float32(0.5)).astype(np.int16))


def make_months(size_px: int) -> tuple[Int16, Bool, Int32]:
    """(time, band, y, x) stored reflectance, (time, y, x) validity, (time,) days."""
    rng = np.random.default_rng(0)
    stored = rng.integers(-200, 10_000, (N_MONTHS, N_BANDS, size_px, size_px), dtype=np.int16)
    valid = rng.random((N_MONTHS, size_px, size_px)) < VALID_FRACTION
    return stored, valid, (30 * np.arange(N_MONTHS)).astype(np.int32)


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    return beside("gapfill", by_numpy, "vectorised numpy", size_px, goal_ratio=GOAL_RATIO)


def beside(
    name: str, peer: Callable[[Int16, Bool], Int16], peer_name: str, size_px: int, *, goal_ratio: float
) -> Entry:
    """Gap filling beside one other way to do it."""
    stored, valid, days = make_months(size_px)
    return Entry(
        name=name,
        title=f"Gaps of {N_MONTHS} months, {N_BANDS} bands of {size_px} x {size_px}, beside {peer_name}",
        ours=lambda: fill_gaps(stored, valid, days, method="neighbours")[0],
        peer=lambda: peer(stored, valid),
        peer_name=peer_name,
        limit=lambda: stored.copy(),
        limit_name="copying the array",
        equal=np.array_equal,
        goal_ratio=goal_ratio,
    )

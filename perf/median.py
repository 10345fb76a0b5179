"""Median of 30 dates with validity, ten bands.

Ours sorts blocks that fit the first-level cache; the peer is numpy.nanmedian, which is what most scripts call, band by
band so that it fits the memory. Both give float32, compared bit for bit. The limit reads every number once.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from bocage.core.arrays import Bool, Float32, Int16
from bocage.cubes.composite import median_composite
from perf.frame import Entry

N_DATES, N_BANDS, SIZE_PX = 30, 10, 512
VALID_FRACTION = 0.6
GOAL_RATIO = 1 / 60


def make_series() -> tuple[Int16, Bool]:
    """(time, band, y, x) stored reflectance and (time, y, x) validity."""
    rng = np.random.default_rng(0)
    stored = rng.integers(-200, 10_000, (N_DATES, N_BANDS, SIZE_PX, SIZE_PX), dtype=np.int16)
    return stored, rng.random((N_DATES, SIZE_PX, SIZE_PX)) < VALID_FRACTION


def ours(stored: Int16, valid: Bool) -> Float32:
    return median_composite(stored, valid, period=np.zeros(N_DATES, np.int16), n_periods=1)[0][0]


def nanmedian(stored: Int16, valid: Bool) -> Float32:
    bands = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # pixels without any value
        for band in range(N_BANDS):
            values = np.where(valid, stored[:, band].astype(np.float32), np.float32(np.nan))
            bands.append(np.nan_to_num(np.nanmedian(values, axis=0), nan=0.0))
    return np.stack(bands)


def make_entry(folder: Path) -> Entry:
    stored, valid = make_series()
    return Entry(
        name="median",
        title=f"Median of {N_DATES} dates, {N_BANDS} bands of {SIZE_PX} x {SIZE_PX}",
        ours=lambda: ours(stored, valid),
        peer=lambda: nanmedian(stored, valid),
        peer_name="numpy.nanmedian",
        limit=lambda: stored.sum(dtype=np.int64),
        limit_name="reading every number once",
        equal=lambda a, b: np.array_equal(a.view(np.uint32), b.view(np.uint32)),
        goal_ratio=GOAL_RATIO,
    )

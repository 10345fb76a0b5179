"""Median of 30 dates with validity, ten bands.

Ours sorts blocks that fit the first-level cache, on all cores; the peer is numpy.nanmedian, which is what most scripts
call, band by band so that it fits the memory. Both give float32, compared bit for bit. The limit reads every number
once.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np

from bocage.core.arrays import Bool, Float32, Int16
from bocage.cubes.composite import median_composite
from perf.frame import Entry

N_DATES, N_BANDS, SIZE_PX = 30, 10, 1024
VALID_FRACTION = 0.6
GOAL_RATIO = 1 / 60


def make_series(size_px: int) -> tuple[Int16, Bool]:
    """(time, band, y, x) stored reflectance and (time, y, x) validity."""
    rng = np.random.default_rng(0)
    stored = rng.integers(-200, 10_000, (N_DATES, N_BANDS, size_px, size_px), dtype=np.int16)
    return stored, rng.random((N_DATES, size_px, size_px)) < VALID_FRACTION


def ours(stored: Int16, valid: Bool) -> Float32:
    period, threads = np.zeros(N_DATES, np.int16), os.cpu_count() or 1
    return median_composite(stored, valid, period=period, n_periods=1, threads=threads)[0][0]


def nanmedian(stored: Int16, valid: Bool) -> Float32:
    bands = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # pixels without any value
        for band in range(N_BANDS):
            values = np.where(valid, stored[:, band].astype(np.float32), np.float32(np.nan))
            bands.append(np.nan_to_num(np.nanmedian(values, axis=0), nan=0.0))
    return np.stack(bands)


def equal_bits(a: Float32, b: Float32) -> bool:
    return np.array_equal(a.view(np.uint32), b.view(np.uint32))


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    stored, valid = make_series(size_px)
    return Entry(
        name="median",
        title=f"Median of {N_DATES} dates, {N_BANDS} bands of {size_px} x {size_px}",
        ours=lambda: ours(stored, valid),
        peer=lambda: nanmedian(stored, valid),
        peer_name="numpy.nanmedian",
        limit=lambda: stored.sum(dtype=np.int64),
        limit_name="reading every number once",
        equal=equal_bits,
        goal_ratio=GOAL_RATIO,
    )

"""The same median by xarray over Dask, with all cores.

Ours is that of `median`; the peer computes `DataArray.median` over time on chunks of one band.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from bocage.core.arrays import Bool, Float32, Int16
from perf.frame import Entry
from perf.median import N_BANDS, N_DATES, SIZE_PX, equal_bits, make_series, ours

GOAL_RATIO = 1 / 25


def by_xarray(stored: Int16, valid: Bool) -> Float32:
    dims = ("time", "band", "y", "x")
    values = xr.DataArray(stored, dims=dims).chunk(band=1).astype(np.float32)
    median = values.where(xr.DataArray(valid, dims=("time", "y", "x"))).median("time").compute()
    return np.nan_to_num(median.values, nan=0.0)


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    stored, valid = make_series(size_px)
    return Entry(
        name="median_dask",
        title=f"Median of {N_DATES} dates, {N_BANDS} bands of {size_px} x {size_px}, beside xarray",
        ours=lambda: ours(stored, valid),
        peer=lambda: by_xarray(stored, valid),
        peer_name="xarray median over Dask",
        limit=lambda: stored.sum(dtype=np.int64),
        limit_name="reading every number once",
        equal=equal_bits,
        goal_ratio=GOAL_RATIO,
    )

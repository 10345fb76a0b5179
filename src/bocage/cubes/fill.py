"""Gaps in time -> estimates from the valid dates around them. Pure. A valid value is never changed."""

from __future__ import annotations

from typing import Literal, get_args

import numba
import numpy as np

from bocage.core.arrays import Bool, Float64, Int16, Int32
from bocage.core.errors import ConfigError, GridMismatch

Fill = Literal["neighbours", "linear", "nearest"]
_METHODS: tuple[str, ...] = get_args(Fill)
_LINEAR, _NEAREST = _METHODS.index("linear"), _METHODS.index("nearest")
_NONE = -1


def fill_gaps(stored: Int16, valid: Bool, days: Int32, *, method: Fill) -> tuple[Int16, Bool]:
    """Fill what is not valid from the same pixel's last valid date before and first valid date after.

    * "neighbours": the mean of the two;
    * "linear": on the straight line between the two, by days;
    * "nearest": the one fewer days away; of two as far, the one before.

    Before the first and after the last valid date the only one of the two is taken. Means are rounded half to even.

    Args:
        stored: (time, band, y, x) int16 stored reflectance.
        valid: (time, y, x) True where usable.
        days: (time,) days since 1970-01-01, ascending.
        method: see above.

    Returns:
        A filled copy of `stored`; and (time, y, x) True where it was filled. A pixel without any valid date stays.

    Raises:
        GridMismatch: if the shapes disagree.
        ConfigError: for another method.
    """
    t, _, h, w = stored.shape
    if (valid.shape, days.shape) != ((t, h, w), (t,)):
        raise GridMismatch(f"reflectance is {stored.shape}, but valid {valid.shape} and days {days.shape}")
    if method not in _METHODS:
        raise ConfigError(f"There is no gap filling '{method}'. Use one of {', '.join(_METHODS)}.")
    filled = stored.copy()
    gaps = ~valid & valid.any(axis=0)
    _fill(filled, valid, gaps, days.astype(np.float64), _METHODS.index(method))
    return filled, gaps


@numba.njit(nogil=True, cache=True, inline="always")
def _share(before: float, after: float, method: int) -> float:
    """Share of the date after, for a gap so many days after the one and before the other."""
    if method == _NEAREST:
        return 1.0 if after < before else 0.0
    if method == _LINEAR and before + after > 0:
        return before / (before + after)
    return 0.5  # also of two dates of one day: their mean


@numba.njit(nogil=True, cache=True)
def _fill(values: Int16, valid: Bool, gaps: Bool, days: Float64, method: int) -> None:
    """Row by row: where each gap has its last valid date before and its first after, then every band in turn."""
    n_times, n_bands, height, width = values.shape
    before = np.empty((n_times, width), np.int16)
    after = np.empty((n_times, width), np.int16)
    where = np.empty(width, np.int64)
    share = np.empty(width)  # of the date after, in each gap
    for y in range(height):
        _find_neighbours(valid, y, before, after)
        for t in range(n_times):
            n = 0
            for x in range(width):
                where[n] = x
                n += gaps[t, y, x]
            if n == 0:
                continue
            for i in range(n):
                p, q = before[t, where[i]], after[t, where[i]]
                share[i] = _share(days[t] - days[p], days[q] - days[t], method)
            for c in range(n_bands):
                for i in range(n):
                    x = where[i]
                    p, q = before[t, x], after[t, x]
                    if q == _NONE:
                        values[t, c, y, x] = values[p, c, y, x]
                    elif p == _NONE:
                        values[t, c, y, x] = values[q, c, y, x]
                    else:
                        first = float(values[p, c, y, x])
                        values[t, c, y, x] = np.int16(np.rint(first + share[i] * (values[q, c, y, x] - first)))


@numba.njit(nogil=True, cache=True)
def _find_neighbours(valid: Bool, y: int, before: Int16, after: Int16) -> None:
    """(time, x) positions of the last valid date up to, and of the first from, each date of a row; −1 for none."""
    n_times, width = before.shape
    for t in range(n_times):
        for x in range(width):
            earlier = before[t - 1, x] if t else np.int16(_NONE)
            before[t, x] = np.int16(t) if valid[t, y, x] else earlier
    for back in range(n_times):
        t = n_times - 1 - back
        for x in range(width):
            later = after[t + 1, x] if back else np.int16(_NONE)
            after[t, x] = np.int16(t) if valid[t, y, x] else later

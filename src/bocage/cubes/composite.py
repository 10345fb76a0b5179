"""Dates -> composites: median, mean or first of the valid observations of each period. Pure.

The observations of a few hundred pixels of one row fit the first-level cache. There a sorting network, which compares
whole rows of such a block in a fixed order, brings every pixel's values into order at once, with no branch a pixel; the
invalid ones come last. Source of the network: Batcher's merge exchange (Knuth, The Art of Computer Programming,
volume 3, algorithm 5.2.2M), cut to the comparators that the median needs.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numba
import numpy as np
from numpy.typing import NDArray

from bocage.core.arrays import AnyArray, Bool, Float32, Int16, Int64, UInt16
from bocage.core.errors import GridMismatch
from bocage.core.threads import even_parts, side_by_side
from bocage.cubes.options import Statistic

_CACHE_BYTES = 32 * 1024  # of one block; the first-level data cache of a common core holds 32 to 64 KiB
_STEP_PX, _MOST_PX = 64, 1024  # whole vector registers


def median_composite(
    reflectance: NDArray[np.int16] | NDArray[np.uint16] | Float32,
    valid: Bool,
    *,
    period: Int16,
    n_periods: int,
    threads: int = 1,
) -> tuple[Float32, UInt16]:
    """Median over the valid observations of each period; of an even count the mean of the two middle values.

    Equal bit for bit to `numpy.nanmedian` of the valid values as float32, and independent of the order of the dates.

    Args:
        reflectance: (time, band, y, x) int16, uint16 or float32, without NaN.
        valid: (time, y, x) True where the observation is usable.
        period: (time,) period number of each date, from 0; −1 for a date of no period.
        n_periods: how many periods there are.
        threads: CPU threads; each takes some of the rows.

    Returns:
        The composite (period, band, y, x) float32 in the unit of `reflectance`, 0 where nothing was valid; and the
        number of valid observations (period, y, x).

    Raises:
        GridMismatch: if the shapes disagree, or a period number is out of range.
    """
    t, c, h, w = reflectance.shape
    if (valid.shape, period.shape) != ((t, h, w), (t,)):
        raise GridMismatch(f"reflectance is {reflectance.shape}, but valid {valid.shape} and period {period.shape}")
    if t and (period.min() < -1 or period.max() >= n_periods):
        raise GridMismatch(f"period numbers go from {period.min()} to {period.max()}, but there are {n_periods}")
    composite = np.zeros((n_periods, c, h, w), np.float32)
    n_valid = np.zeros((n_periods, h, w), np.uint16)
    threads = max(threads, 1)
    for p in range(n_periods):
        dates = np.flatnonzero(period == p)
        if len(dates):
            width_px = _CACHE_BYTES // (len(dates) * reflectance.itemsize) // _STEP_PX * _STEP_PX
            block = np.empty((len(dates), min(max(width_px, _STEP_PX), _MOST_PX)), reflectance.dtype)
            work = partial(_median, reflectance, valid, dates, median_network(len(dates)))
            parts = [(block.copy(), _last(block), composite[p], n_valid[p], *rows) for rows in even_parts(h, threads)]
            side_by_side(work, parts, threads)
    return composite, n_valid


def reduce_dates(stored: Int16, valid: Bool, statistic: Statistic, *, threads: int = 1) -> tuple[Float32, UInt16]:
    """All dates become one image.

    Args:
        stored: (time, band, y, x), in order of time.
        valid: (time, y, x) True where the observation is usable.
        statistic: "median" as `median_composite` has it; "mean"; "first", the earliest.

    Returns:
        (band, y, x) float32 in the unit of `stored`, 0 where nothing was valid; (y, x) number of valid observations.
    """
    if statistic == "median":
        median, observed = median_composite(
            stored, valid, period=np.zeros(len(stored), np.int16), n_periods=1, threads=threads
        )
        return median[0], observed[0]
    n_valid = valid.sum(axis=0, dtype=np.uint16)
    image = np.zeros(stored.shape[1:], np.int64)
    if statistic == "mean":
        for values, seen in zip(stored, valid, strict=True):
            np.add(image, values, out=image, where=seen)
        return (image / np.maximum(n_valid, 1)).astype(np.float32), n_valid
    for values, seen in zip(stored[::-1], valid[::-1], strict=True):
        np.copyto(image, values, where=seen)
    return image.astype(np.float32), n_valid


@lru_cache
def median_network(n: int) -> Int64:
    """(comparators, 2) pairs (i, j), i < j: after all "put the smaller at i", the first n // 2 + 1 of n are in order.

    The median of any number of valid values among n lies there, since the invalid ones are sorted to the end.
    """
    pairs: list[tuple[int, int]] = []
    top = 1 << max((n - 1).bit_length() - 1, 0)
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs += [(i, i + d) for i in range(n - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    needed, kept = set(range(n // 2 + 1)), []
    for i, j in reversed(pairs):
        if i in needed or j in needed:
            kept.append((i, j))
            needed |= {i, j}
    return np.array(kept[::-1], np.int64).reshape(-1, 2)


def _last(block: AnyArray) -> AnyArray:
    """A value that no valid one exceeds; it sorts the invalid ones to the end. Equal to a valid one it does no harm."""
    highest = np.inf if block.dtype.kind == "f" else np.iinfo(block.dtype).max
    return np.array([highest], block.dtype)


@numba.njit(nogil=True, cache=True)
def _median(
    values: AnyArray,
    valid: Bool,
    dates: Int64,
    network: Int64,
    block: AnyArray,
    last: AnyArray,
    out: Float32,
    n_valid: UInt16,
    first_row: int,
    last_row: int,
) -> None:
    """Rows of one period: `dates` of `values` (time, band, y, x) -> `out` (band, y, x), `n_valid` (y, x)."""
    n_bands, _, width = out.shape
    width_px, highest = block.shape[1], last[0]
    for y in range(first_row, last_row):
        for left in range(0, width, width_px):
            n = min(width_px, width - left)
            counts = n_valid[y, left : left + n]
            for k in range(len(dates)):
                usable = valid[dates[k], y, left : left + n]
                for x in range(n):
                    counts[x] += np.uint16(usable[x])
            for c in range(n_bands):
                for k in range(len(dates)):
                    source = values[dates[k], c, y, left : left + n]
                    usable = valid[dates[k], y, left : left + n]
                    row = block[k]
                    for x in range(n):
                        row[x] = source[x] if usable[x] else highest
                for m in range(network.shape[0]):
                    _order(block[network[m, 0], :n], block[network[m, 1], :n])
                target = out[c, y, left : left + n]
                for x in range(n):
                    k = counts[x]
                    if k > 0:
                        low, high = np.float32(block[(k - 1) // 2, x]), np.float32(block[k // 2, x])
                        target[x] = (low + high) * np.float32(0.5)


@numba.njit(nogil=True, cache=True, inline="always")
def _order(a: AnyArray, b: AnyArray) -> None:
    """Pixel by pixel the smaller to `a`, the larger to `b`."""
    for x in range(len(a)):
        low, high = min(a[x], b[x]), max(a[x], b[x])
        a[x], b[x] = low, high

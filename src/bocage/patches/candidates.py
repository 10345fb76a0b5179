"""Quality of each date + labels → one row a candidate, with what its window holds. Reads through the stores.

Counting is one pass over each raster: a histogram of its values in every window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numba
import numpy as np
import pandas as pd

from bocage.core.arrays import IGNORE, AnyArray, Float64, Int32, Int64, UInt8
from bocage.core.errors import GridMismatch
from bocage.core.grid import Window, full_window
from bocage.cubes.quality import BRIGHT, N_QUALITY, NODATA, SATURATED, UNCLEAR
from bocage.cubes.store import CubeStore
from bocage.labels.store import LabelStore
from bocage.patches.options import FilterOptions, PatchOptions
from bocage.patches.windows import plan_windows

SHARES = ("nodata_fraction", "unclear_fraction", "bright_fraction")


def find_candidates(
    cube: CubeStore, labels: LabelStore, options: PatchOptions, *, n_classes: int, cube_name: str
) -> pd.DataFrame:
    """All candidates of one cube; see `tabulate` for the columns. Memory: one date's quality, and the labels.

    Raises:
        PatchLargerThanImage: if no window fits.
        GridMismatch: if cube and labels differ in grid.
    """
    if cube.grid != labels.grid:
        raise GridMismatch(f"Cube '{cube_name}' lies on {cube.grid}, its labels on {labels.grid}. Build labels again.")
    windows = plan_windows(full_window(cube.grid).shape, options.size_px, options.stride_px, border=options.border)
    table = tabulate(
        (cube.read_quality(dates=[t])[0] for t in range(len(cube.days))),
        labels.read()[0],
        windows,
        options,
        n_classes=n_classes,
        cube_name=cube_name,
        days=cube.days,
        scenes=cube.scenes,
    )
    table.insert(2, "region", cube_name.removesuffix(f"-{cube.tile}"))
    return table


def tabulate(
    quality: Iterable[UInt8],
    labels: UInt8,
    windows: Sequence[Window],
    options: PatchOptions,
    *,
    n_classes: int,
    cube_name: str,
    days: Int32,
    scenes: Sequence[str],
) -> pd.DataFrame:
    """One row a candidate: a window and a date (`dates: single`), or a window with all dates (`series`).

    Args:
        quality: (H, W) uint8 flags of each date, in order.
        labels: (H, W) uint8.
        windows: all of one size.
        n_classes: K, background included.
        days: (T,) days since 1970-01-01.
        scenes: T product ids.

    Returns:
        candidate_id, cube, row, col, height, width, dates (positions in the cube), days, scenes; n_px_0 … n_px_<K − 1>,
        n_px_255; nodata_fraction, unclear_fraction (neither clear nor without data), bright_fraction, over a series
        their means; foreground_fraction; n_clear_dates, how many of the dates meet the filters.
    """
    shape = windows[0].shape
    rows = np.array([w.row for w in windows], np.int64)
    cols = np.array([w.col for w in windows], np.int64)
    shares = np.stack([_quality_shares(count_values(q, rows, cols, shape, n=N_QUALITY)) for q in quality], axis=1)
    table = _describe_labels(count_values(labels, rows, cols, shape, n=IGNORE + 1), n_classes)
    table.insert(0, "row", rows)
    table.insert(1, "col", cols)
    table.insert(2, "height", shape[0])
    table.insert(3, "width", shape[1])
    clear = _is_clear(shares, options.filters)

    positions = range(len(days))
    window_ids = np.array([f"{cube_name}-{row:05d}-{col:05d}" for row, col in zip(rows, cols, strict=True)], object)
    if options.dates == "single":
        n = len(windows)
        dated = table.loc[np.tile(np.arange(n), len(days))].reset_index(drop=True)
        groups = [[t] for t in positions for _ in range(n)]
        ids = [f"{window}-{date}" for date in _date_names(days) for window in window_ids]
        quality_of = shares.transpose(1, 0, 2).reshape(-1, len(SHARES))
        n_clear = clear.T.reshape(-1).astype(np.int64)
    else:
        dated, groups, ids = table, [list(positions)] * len(windows), list(window_ids)
        quality_of, n_clear = shares.mean(axis=1), clear.sum(axis=1)
    dated.insert(0, "candidate_id", ids)
    dated.insert(1, "cube", cube_name)
    dated.insert(6, "dates", pd.Series(groups, dtype=object))
    dated.insert(7, "days", pd.Series([[int(days[t]) for t in g] for g in groups], dtype=object))
    dated.insert(8, "scenes", pd.Series([[str(scenes[t]) for t in g] for g in groups], dtype=object))
    for i, name in enumerate(SHARES):
        dated[name] = quality_of[:, i]
    dated["n_clear_dates"] = n_clear
    return dated


@numba.njit(nogil=True, cache=True)
def count_values(raster: UInt8, rows: Int64, cols: Int64, shape: tuple[int, int], n: int) -> Int32:
    """How often each value 0 … n − 1 occurs in each window: (windows, n). Values of n or more count as n − 1.

    Args:
        raster: (H, W) uint8.
        rows, cols: upper left corners of the windows; the windows lie inside.
        shape: (height, width) of every window.
    """
    counts = np.zeros((len(rows), n), np.int32)
    for w in range(len(rows)):
        for row in range(rows[w], rows[w] + shape[0]):
            for col in range(cols[w], cols[w] + shape[1]):
                counts[w, min(raster[row, col], n - 1)] += 1
    return counts


def _quality_shares(counts: Int32) -> Float64:
    """(windows, 3): shares of pixels without data; with data, but unclear or saturated; with data, but bright."""
    flags = np.arange(N_QUALITY)
    data = (flags & NODATA) == 0
    chosen = [~data, data & ((flags & (UNCLEAR | SATURATED)) != 0), data & ((flags & BRIGHT) != 0)]
    n_px = counts.sum(axis=1)
    return np.stack([counts[:, c].sum(axis=1) / n_px for c in chosen], axis=1)


def _describe_labels(counts: Int32, n_classes: int) -> pd.DataFrame:
    ids = [*range(n_classes), IGNORE]
    columns: dict[str, AnyArray] = {f"n_px_{k}": counts[:, k] for k in ids}
    return pd.DataFrame(columns | {"foreground_fraction": counts[:, 1:n_classes].sum(axis=1) / counts.sum(axis=1)})


def _is_clear(shares: Float64, filters: FilterOptions) -> AnyArray:
    """(windows, dates) True where a date meets all three limits."""
    limits = (filters.max_nodata_fraction, filters.max_unclear_fraction, filters.max_bright_fraction)
    return np.asarray((shares <= np.array(limits)).all(axis=2))


def _date_names(days: Int32) -> list[str]:
    """YYYYMMDD of each date; the second acquisition of a day gets "-2", and so on."""
    names = [str(d).replace("-", "") for d in np.asarray(days).astype("datetime64[D]")]
    seen = [names[: i + 1].count(name) for i, name in enumerate(names)]
    return [name if n == 1 else f"{name}-{n}" for name, n in zip(names, seen, strict=True)]

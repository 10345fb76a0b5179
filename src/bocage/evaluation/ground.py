"""Rows of a manifest → which of them show the same ground. Pure.

Windows are compared in whole pixels south and east of the origin of their CRS; only windows of one CRS and pixel size
can share ground.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bocage.core.arrays import Bool, Int64

LATTICE = ["crs", "resolution_m"]
Window = tuple[slice, slice]  # rows, columns


def window_bounds(manifest: pd.DataFrame) -> Int64:
    """(n, 4) first row, end of rows, first column, end of columns of each window, in pixels."""
    row = np.rint(-manifest["top"] / manifest["resolution_m"]).astype(np.int64)
    col = np.rint(manifest["left"] / manifest["resolution_m"]).astype(np.int64)
    return np.column_stack([row, row + manifest["height"], col, col + manifest["width"]]).astype(np.int64)


def find_overlaps(own: Int64, others: Int64) -> Iterator[tuple[int, Window, Window]]:
    """Where one window (4,) meets others (n, 4): the number of the other, and the shared pixels in each of the two."""
    first, end = np.maximum(own[::2], others[:, ::2]), np.minimum(own[1::2], others[:, 1::2])
    for i in np.flatnonzero((first < end).all(1)):
        yield int(i), _inside(own, first[i], end[i]), _inside(others[i], first[i], end[i])


def _inside(window: Int64, first: Int64, end: Int64) -> Window:
    rows, cols = (slice(int(first[k] - window[2 * k]), int(end[k] - window[2 * k])) for k in (0, 1))
    return rows, cols


def find_new_ground(manifest: pd.DataFrame) -> Iterator[Bool]:
    """For each row in turn, (H, W) True where no row before it of its country and year shows the ground."""
    bounds = window_bounds(manifest)
    kind = manifest.groupby([*LATTICE, "country", "year"], sort=False).ngroup().to_numpy()
    again = pd.DataFrame(bounds).assign(kind=kind).duplicated().to_numpy()
    first_shown = {k: np.flatnonzero((kind == k) & ~again) for k in np.unique(kind).tolist()}
    for i, own in enumerate(bounds):
        new = np.full((own[1] - own[0], own[3] - own[2]), not again[i])
        others = first_shown[int(kind[i])]
        if not again[i]:
            for _, here, _ in find_overlaps(own, bounds[others[: np.searchsorted(others, i)]]):
                new[here] = False
        yield new

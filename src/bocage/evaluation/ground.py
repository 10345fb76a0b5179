"""Rows of a manifest → which of them show the same ground. Pure.

Windows are compared in whole pixels south and east of the origin of their CRS; only windows of one CRS and pixel size
can share ground.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

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


class Windows:
    """Windows of one lattice, found by place: asking for those that meet one takes no look at all the others."""

    def __init__(self, bounds: Int64) -> None:
        """`bounds`: (n, 4) as `window_bounds` gives them."""
        self._bounds = bounds
        self._side = int(np.max(bounds[:, 1::2] - bounds[:, ::2], initial=1))  # of a cell: no window is larger
        self._in_cell: dict[tuple[int, int], list[int]] = {}
        for i, (row, col) in enumerate((bounds[:, ::2] // self._side).tolist()):
            self._in_cell.setdefault((row, col), []).append(i)

    def overlaps(self, own: Int64) -> Iterator[tuple[int, Window, Window]]:
        """Where a window (4,) meets these: the number of each, ascending, and the shared pixels in `own` and in it."""
        first, end = own[::2] // self._side - 1, (own[1::2] - 1) // self._side
        cells = product(range(int(first[0]), int(end[0]) + 1), range(int(first[1]), int(end[1]) + 1))
        for i in sorted(i for cell in cells for i in self._in_cell.get(cell, ())):
            other = self._bounds[i]
            low, high = np.maximum(own[::2], other[::2]), np.minimum(own[1::2], other[1::2])
            if (low < high).all():
                yield i, _inside(own, low, high), _inside(other, low, high)


def _inside(window: Int64, first: Int64, end: Int64) -> Window:
    rows, cols = (slice(int(first[k] - window[2 * k]), int(end[k] - window[2 * k])) for k in (0, 1))
    return rows, cols


def find_new_ground(manifest: pd.DataFrame) -> Iterator[Bool]:
    """For each row in turn, (H, W) True where no row before it of its country and year shows the ground."""
    bounds = window_bounds(manifest)
    kind = manifest.groupby([*LATTICE, "country", "year"], sort=False).ngroup().to_numpy()
    again = pd.DataFrame(bounds).assign(kind=kind).duplicated().to_numpy()
    shown = {k: np.flatnonzero((kind == k) & ~again) for k in np.unique(kind).tolist()}
    windows = {k: Windows(bounds[rows]) for k, rows in shown.items()}
    for i, own in enumerate(bounds):
        new = np.full((own[1] - own[0], own[3] - own[2]), not again[i])
        if not again[i]:
            for j, here, _ in windows[int(kind[i])].overlaps(own):
                if shown[int(kind[i])][j] < i:
                    new[here] = False
        yield new

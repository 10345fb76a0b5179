"""How many parcels lie upon each other, counted in bounded memory. Pure.

The rule: up to `MAX_PARCELS` parcels every pair is counted. Above, the ground is cut in cells of `CELL_DEG` degrees,
and whole cells are given up, by a hash of their position, until the parcels of the others fit; `looked_at_fraction`
then says which share of the cells is left. Pairs across the border of two cells count where both are left. The count
does not depend on the order of the parcels, and no random number is drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pandas.util import hash_array
from pyproj import CRS

from bocage.core.arrays import Float64, UInt64
from bocage.parcels.geometry import MIN_AREA_M2, areas_ha

MAX_PARCELS = 100_000
CELL_DEG = 0.1  # about 11 km from south to north


class OverlapCount:
    """Takes parcels as they come and keeps those of the cells that are looked at."""

    def __init__(self, max_parcels: int = MAX_PARCELS) -> None:
        self._max_parcels = max_parcels
        self._halvings = 0
        self._wkb: list[bytes] = []
        self._cells = np.empty(0, dtype=np.uint64)

    def add(self, geometries: NDArray[np.object_], boxes: Float64) -> None:
        """Parcels and their lon/lat boxes (n, 4)."""
        cells = _cells_of(boxes)
        chosen = self._is_looked_at(cells)
        self._wkb += shapely.to_wkb(geometries[chosen]).tolist()
        self._cells = np.concatenate([self._cells, cells[chosen]])
        while len(self._wkb) > self._max_parcels:
            self._halvings += 1
            left = self._is_looked_at(self._cells)
            self._wkb = [blob for blob, stays in zip(self._wkb, left, strict=True) if stays]
            self._cells = self._cells[left]

    def _is_looked_at(self, cells: UInt64) -> NDArray[np.bool_]:
        looked_at: NDArray[np.bool_] = cells >> np.uint64(64 - self._halvings) == 0 if self._halvings else cells >= 0
        return looked_at

    def count(self, crs: CRS) -> dict[str, Any]:
        """Pairs that share more than a square metre, and the hectares that they share."""
        shapes = shapely.from_wkb(np.array(self._wkb, dtype=object))
        a, b = shapely.STRtree(shapes).query(shapes)
        a, b = a[a < b], b[a < b]
        inside = ~shapely.touches(shapes[a], shapes[b]) & shapely.intersects(shapes[a], shapes[b])
        shared = areas_ha(shapely.intersection(shapes[a[inside]], shapes[b[inside]]), crs)
        shared = shared[shared * 10_000 > MIN_AREA_M2]
        return {
            "n_pairs": len(shared),
            "area_ha": round(float(shared.sum()), 4),
            "n_parcels": len(shapes),
            "looked_at_fraction": 0.5**self._halvings,
        }


def _cells_of(boxes: Float64) -> UInt64:
    """A hash of the cell in which the middle of each box lies."""
    x = np.floor((boxes[:, 0] + boxes[:, 2]) / 2 / CELL_DEG).astype(np.int64)
    y = np.floor((boxes[:, 1] + boxes[:, 3]) / 2 / CELL_DEG).astype(np.int64)
    cells: UInt64 = hash_array(y * 10_000 + x)
    return cells

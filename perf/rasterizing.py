"""Rasterizing: the numbers of 12,000 parcels on 4096 x 4096 pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely
from rasterio import features

from bocage.core.grid import Grid, make_grid
from bocage.labels.rasterize import rasterize_ids
from perf.frame import Entry

SIZE_PX = 4096
N_PARCELS = 12_000
GOAL_RATIO = 0.25  # four times as fast as rasterio


def make_parcels(n: int, grid: Grid, *, seed: int = 0) -> np.ndarray:
    """Field-like polygons of 8 … 24 corners, most of the size of their cell in a square pattern; some overlap."""
    generator = np.random.default_rng(seed)
    n_side = int(np.ceil(np.sqrt(n)))
    cell_m = grid.shape[1] * grid.affine.a / n_side
    corners = []
    for index in range(n):
        row, col = divmod(index, n_side)
        angle = np.sort(generator.uniform(0, 2 * np.pi, generator.integers(8, 25)))
        radius = cell_m * generator.uniform(0.35, 0.6, len(angle))
        x = grid.affine.c + (col + 0.5) * cell_m + radius * np.cos(angle)
        y = grid.affine.f - (row + 0.5) * cell_m + radius * np.sin(angle)
        corners.append(shapely.linearrings(np.column_stack([x, y])))
    return shapely.polygons(corners)


def make_entry(folder: Path, *, all_touched: bool = False) -> Entry:
    grid = make_grid("EPSG:32631", 600_000, 4_900_000, 10, (SIZE_PX, SIZE_PX))
    parcels = make_parcels(N_PARCELS, grid)
    numbers = np.arange(1, N_PARCELS + 1, dtype=np.uint32)

    def ours() -> np.ndarray:
        return rasterize_ids(parcels, numbers, grid, all_touched=all_touched)[0]

    def peer() -> np.ndarray:
        pairs = zip(parcels, numbers, strict=True)
        return features.rasterize(
            pairs, out_shape=grid.shape, transform=grid.affine, dtype="uint32", all_touched=all_touched
        )

    def limit() -> np.ndarray:
        return np.full(grid.shape, 1, np.uint32)

    return Entry(
        name="rasterizing",
        title=f"Parcel numbers of {N_PARCELS:,} parcels on {SIZE_PX} x {SIZE_PX} pixels",
        ours=ours,
        peer=peer,
        peer_name="rasterio.features.rasterize",
        limit=limit,
        limit_name="writing the raster once",
        equal=np.array_equal,
        goal_ratio=GOAL_RATIO,
    )

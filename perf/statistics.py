"""Parcel statistics: mean and standard deviation of ten bands of 12,000 parcels on 4096 x 4096 pixels.

Both sides start from polygons and int16 bands in memory, so that the raster of parcel numbers is part of the work.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rasterio import features

from bocage.core.grid import Grid, make_grid
from bocage.labels.rasterize import rasterize_ids
from bocage.patches.objects import add_pixels, empty_sums
from perf.frame import Entry
from perf.rasterizing import make_parcels

SIZE_PX = 4096
N_PARCELS = 12_000
N_BANDS = 10
GOAL_RATIO = 0.29  # of rasterio and np.bincount


Statistics = tuple[np.ndarray, np.ndarray, np.ndarray]  # count (N,), mean and std (C, N)


def make_fields(size_px: int, n_parcels: int, n_bands: int) -> tuple[np.ndarray, Grid, np.ndarray, np.ndarray]:
    """Polygons, their grid, bands (C, H, W) int16, and which pixels are valid: nine in ten."""
    grid = make_grid("EPSG:32631", 600_000, 4_900_000, 10, (size_px, size_px))
    generator = np.random.default_rng(0)
    image = generator.integers(-200, 6000, (n_bands, size_px, size_px), dtype=np.int16)
    return make_parcels(n_parcels, grid), grid, image, generator.random((size_px, size_px)) < 0.9


def ours(parcels: np.ndarray, grid: Grid, image: np.ndarray, valid: np.ndarray) -> Statistics:
    n = len(parcels)
    ids, _ = rasterize_ids(parcels, np.arange(1, n + 1, dtype=np.uint32), grid)
    sums = empty_sums(n, len(image))
    add_pixels(sums, image, valid, ids.astype(np.int32) - 1)
    return sums.count, sums.mean(), sums.std()


def make_entry(folder: Path, *, size_px: int = SIZE_PX, n_parcels: int = N_PARCELS, n_bands: int = N_BANDS) -> Entry:
    parcels, grid, image, valid = make_fields(size_px, n_parcels, n_bands)
    numbers = np.arange(1, n_parcels + 1, dtype=np.uint32)

    def peer() -> Statistics:
        pairs = zip(parcels, numbers, strict=True)
        ids = features.rasterize(pairs, out_shape=grid.shape, transform=grid.affine, dtype="uint32")
        used = valid & (ids > 0)
        slots = ids[used] - 1
        count = np.bincount(slots, minlength=n_parcels)
        mean, std = np.empty((2, n_bands, n_parcels))
        with np.errstate(invalid="ignore"):
            for band in range(n_bands):
                values = image[band][used].astype(np.float64)
                mean[band] = np.bincount(slots, values, n_parcels) / count
                squares = np.bincount(slots, values * values, n_parcels) / count
                std[band] = np.sqrt(np.maximum(squares - mean[band] ** 2, 0))
        return count, mean, std

    return Entry(
        name="statistics",
        title=f"Mean and std of {n_bands} bands, {n_parcels:,} parcels on {size_px} x {size_px} pixels",
        ours=lambda: ours(parcels, grid, image, valid),
        peer=peer,
        peer_name="rasterio.features.rasterize and np.bincount",
        limit=lambda: [int(band.view(np.uint64).max()) for band in image],
        limit_name="reading the bands once",
        equal=lambda a, b: (
            bool(np.array_equal(a[0], b[0]))
            and all(np.allclose(x, y, rtol=1e-12, atol=1e-9, equal_nan=True) for x, y in zip(a[1:], b[1:], strict=True))
        ),
        goal_ratio=GOAL_RATIO,
    )

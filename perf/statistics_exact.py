"""Parcel statistics beside exactextract: mean and standard deviation of ten bands of 12,000 parcels on 4096² pixels.

exactextract (raster-sequential, the faster of its two ways) weighs a pixel by the share that a parcel covers, ours
counts pixels by their centre: the numbers agree but at edges. `equal` holds when half of the parcels' means differ by
less than 0.5 %, and counts by less than 2 %. Equality with numpy is what the entry `statistics` checks.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np

from bocage.patches.exact import exact_sums
from bocage.patches.objects import Sums
from perf.frame import Entry
from perf.statistics import N_BANDS, N_PARCELS, SIZE_PX, Statistics, make_fields, ours

GOAL_RATIO = 1 / 6


def make_entry(folder: Path, *, size_px: int = SIZE_PX, n_parcels: int = N_PARCELS, n_bands: int = N_BANDS) -> Entry:
    parcels, grid, image, valid = make_fields(size_px, n_parcels, n_bands)
    outlines = gpd.GeoSeries(parcels, crs=grid.crs)

    def peer() -> Statistics:
        sums = Sums(*exact_sums(image, valid, outlines, grid))
        return sums.count, sums.mean(), sums.std()

    return Entry(
        name="statistics_exact",
        title=f"Mean and std of {n_bands} bands, {n_parcels:,} parcels on {size_px} x {size_px} pixels",
        ours=lambda: ours(parcels, grid, image, valid),
        peer=peer,
        peer_name="exactextract, raster-sequential",
        limit=lambda: [int(band.view(np.uint64).max()) for band in image],
        limit_name="reading the bands once",
        equal=agree,
        goal_ratio=GOAL_RATIO,
    )


def agree(a: Statistics, b: Statistics) -> bool:
    with np.errstate(invalid="ignore", divide="ignore"):
        counts, means = (np.abs(x / y - 1) for x, y in zip(a[:2], b[:2], strict=True))
    return bool(np.nanmedian(counts) < 0.02 and np.nanmedian(means) < 0.005)

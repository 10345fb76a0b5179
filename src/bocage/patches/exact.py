"""Parcel statistics weighted by the exact share of a pixel that a parcel covers, by the library exactextract. Pure."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from bocage.core.arrays import AnyArray, Bool, Float64
from bocage.core.errors import ConfigError
from bocage.core.grid import Grid, grid_bounds

_MISSING = -(2**31)


def exact_sums(image: AnyArray, valid: Bool, outlines: gpd.GeoSeries, grid: Grid) -> tuple[Float64, Float64, Float64]:
    """Of N parcels and C bands: (N,) covered pixels, (C, N) weighted sums of the values and of their squares.

    Args:
        image: (C, H, W) whole numbers.
        valid: (H, W) bool; other pixels do not count.
        outlines: (N,) polygons in the CRS of the grid; empty ones cover nothing.

    Raises:
        ConfigError: if exactextract is not installed.
    """
    try:
        from exactextract import exact_extract
        from exactextract.raster import NumPyRasterSource
    except ModuleNotFoundError:
        raise ConfigError("patches.objects.coverage: exact needs exactextract: pip install 'bocage[exact]'.") from None
    n = len(outlines)
    count, total, squares = np.zeros(n), np.zeros((len(image), n)), np.zeros((len(image), n))
    kept = np.flatnonzero(~outlines.is_empty.to_numpy())
    left, bottom, right, top = grid_bounds(grid)
    place = {"xmin": left, "ymin": bottom, "xmax": right, "ymax": top, "srs_wkt": outlines.crs.to_wkt()}
    parcels = gpd.GeoDataFrame(geometry=outlines.iloc[kept].reset_index(drop=True))
    bands = [
        NumPyRasterSource(np.where(valid, values, np.int32(_MISSING)), nodata=_MISSING, name=f"b{i}", **place)
        for i, values in enumerate(image)
    ]
    wanted = ["count", "mean", "variance"]
    found = exact_extract(bands, parcels, wanted, output="pandas", strategy="raster-sequential")
    for i in range(len(bands)):
        prefix = f"b{i}_" if len(bands) > 1 else ""
        mean, variance = (found[f"{prefix}{c}"].fillna(0).to_numpy() for c in wanted[1:])
        count[kept] = found[f"{prefix}count"]  # the same of every band
        total[i, kept] = mean * count[kept]
        squares[i, kept] = (variance + mean**2) * count[kept]
    return count, total, squares

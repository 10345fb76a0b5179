"""Votes of parcels + the cube of their map -> the NDVI of every parcel on every date. Reads the cube in strips."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from bocage.core.arrays import AnyArray, Float64, Int64
from bocage.core.grid import Window, grid_window
from bocage.core.progress import track
from bocage.cubes.indices import INDICES, spectral_index
from bocage.cubes.store import CubeStore
from bocage.labels.rasterize import rasterize_ids
from bocage.mapping.parcels import touches

STRIP_ROWS = 256
SERIES = ("ndvi_date", "ndvi", "ndvi_n_px")  # list columns of equal length, an entry a date of the cube


def add_ndvi(votes: gpd.GeoDataFrame, cube: CubeStore) -> gpd.GeoDataFrame:
    """The votes with a series each, or unchanged if the cube lacks the red or the near infrared band.

    Returns:
        With the list columns SERIES: the dates, ascending; the mean NDVI (−1 to 1, unitless) of the parcel's valid
        pixels, NaN where there is none; how many there are. Pixels belong to parcels as they do in the vote.
    """
    if not set(INDICES["ndvi"]) <= set(cube.bands):
        return votes
    total, n_px = sum_ndvi(votes.geometry.to_crs(str(cube.grid.crs)).to_numpy(), cube)
    days = list(cube.days.astype("datetime64[D]").astype(object))
    mean = np.divide(total, n_px, out=np.full(total.shape, np.nan), where=n_px > 0)
    series = pd.DataFrame(
        {
            "ndvi_date": [days] * len(votes),
            "ndvi": np.round(mean, 4).tolist(),
            "ndvi_n_px": n_px.tolist(),
        },
        index=votes.index,
    )
    place = votes.columns.get_loc(votes.geometry.name)
    both = pd.concat([votes.iloc[:, :place], series, votes.iloc[:, place:]], axis=1)
    return gpd.GeoDataFrame(both, geometry=votes.geometry.name, crs=votes.crs)


def sum_ndvi(shapes: AnyArray, cube: CubeStore) -> tuple[Float64, Int64]:
    """Sums of the NDVI of the valid pixels of N shapes (in the CRS of the cube) by date, and their numbers: (N, T)."""
    bounds = shapely.bounds(shapes)
    total, n_px = np.zeros((len(shapes), len(cube.days))), np.zeros((len(shapes), len(cube.days)), np.int64)
    height, width = (int(n) for n in cube.grid.shape)
    for row in track(range(0, height, STRIP_ROWS), "NDVI of parcels", unit="strips"):
        window = Window(row, 0, min(STRIP_ROWS, height - row), width)
        grid = grid_window(cube.grid, window)
        chosen = np.flatnonzero(touches(bounds, grid))
        if not len(chosen):
            continue
        ids, _ = rasterize_ids(shapes[chosen], np.arange(1, len(chosen) + 1, dtype=np.uint32), grid)
        for t in range(len(cube.days)):
            part = cube.read(window, [t])
            (ndvi,), (defined,) = spectral_index("ndvi", part.reflectance, part.bands, part.valid)
            own = ids[defined]
            total[chosen, t] += np.bincount(own, ndvi[defined], minlength=len(chosen) + 1)[1:]
            n_px[chosen, t] += np.bincount(own, minlength=len(chosen) + 1)[1:]
    return total, n_px


def list_ndvi(votes: gpd.GeoDataFrame) -> pd.DataFrame:
    """The series as a long table: id, date, ndvi, n_px; one row a parcel and date."""
    table = pd.DataFrame(votes[["id", *SERIES]]).explode(list(SERIES), ignore_index=True)
    table = table.rename(columns={"ndvi_date": "date", "ndvi_n_px": "n_px"}).astype({"ndvi": float, "n_px": int})
    return table.assign(date=pd.to_datetime(table["date"]))

"""A stored parcel table → its parcels around one grid. IO: reads the row groups that may hold some."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
from pyproj import CRS
from shapely.geometry import box

from bocage.core.errors import NothingLeft
from bocage.core.grid import Grid, footprint, project
from bocage.labels.store import describe_elsewhere
from bocage.parcels.read import open_parcel_file

_AROUND = 0.1  # of a grid's side: what is read beyond it, as its edges are no straight lines in the parcels' CRS
NEEDED = ("number", "class_id", "geometry")  # to draw labels


def read_parcels_around(path: Path, grid: Grid, columns: Sequence[str] | None = NEEDED) -> tuple[gpd.GeoDataFrame, int]:
    """The parcels whose boxes lie on a grid or near it, and how many others there are.

    Memory holds those around the grid, not those of the country.

    Args:
        columns: what is read of them; None for all.

    Raises:
        MissingFile, CorruptFile: if it is no classed parcel table.
        NothingLeft: if there is none, with where the parcels are.
    """
    table = open_parcel_file(path)
    crs = CRS.from_user_input(table.crs)
    left, bottom, right, top = footprint(grid, crs).bounds
    x, y = _AROUND * (right - left), _AROUND * (top - bottom)
    near = gpd.read_parquet(
        path, columns=None if columns is None else list(columns), bbox=(left - x, bottom - y, right + x, top + y)
    )
    if near.empty:
        everywhere = project(box(*table.geo["columns"][table.geometry]["bbox"]), crs, "EPSG:4326")
        raise NothingLeft(describe_elsewhere(table.n_rows, everywhere.bounds, grid))
    return near, table.n_rows - len(near)

"""A cube's grid, dates and bands -> coordinates and attributes by the CF conventions, version 1.8. Pure.

With them xarray, GDAL and rioxarray know where and when a cube lies without this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyproj import CRS

from bocage.core.arrays import MISSING_INT16, SCALE, AnyArray, Int32
from bocage.core.grid import Grid

CONVENTIONS = "CF-1.8"
CELL_METHODS = {"median": "time: median", "mean": "time: mean"}  # of composites; CF has no name for the first
_TIME_UNITS = "days since 1970-01-01"

REFLECTANCE: dict[str, Any] = {
    "long_name": "reflectance",
    "units": "1",
    "scale_factor": 1 / SCALE,
    "add_offset": 0.0,
    "_FillValue": MISSING_INT16,
    "grid_mapping": "spatial_ref",
    "coordinates": "spatial_ref",
}
QUALITY: dict[str, Any] = {
    "long_name": "what is wrong with a pixel",
    "flag_masks": [1, 2, 4, 8, 16],
    "flag_meanings": "nodata saturated unclear bright filled",
    "grid_mapping": "spatial_ref",
    "coordinates": "spatial_ref",
}
OBSERVATIONS: dict[str, Any] = {
    "long_name": "number of valid observations in the period",
    "units": "1",
    "grid_mapping": "spatial_ref",
    "coordinates": "spatial_ref",
}


@dataclass(frozen=True)
class Variable:
    """One small array of a file: name, names of its dimensions, values, attributes."""

    name: str
    dims: tuple[str, ...]
    values: AnyArray
    attributes: Mapping[str, Any]


def describe_axes(
    grid: Grid, bands: Sequence[str], days: Int32, bounds: Sequence[tuple[int, int]] = ()
) -> list[Variable]:
    """The coordinates of a cube: time, band, y, x, spatial_ref, and the bounds of its periods if it has any.

    Args:
        grid: north up.
        bands: band names.
        days: (time,) days since 1970-01-01.
        bounds: first day of each period, and the day after its last.
    """
    affine, (height, width) = grid.affine, grid.shape
    time = {"standard_name": "time", "units": _TIME_UNITS, "calendar": "proleptic_gregorian", "axis": "T"}
    metres = {"units": "m", "long_name": "centre of the pixel"}
    crs = CRS.from_user_input(str(grid.crs))
    transform = " ".join(repr(float(v)) for v in (affine.c, affine.a, affine.b, affine.f, affine.d, affine.e))
    variables = [
        Variable("time", ("time",), days, time | ({"bounds": "time_bounds"} if bounds else {})),
        Variable("band", ("band",), np.array(list(bands), dtype=np.dtypes.StringDType()), {"long_name": "band"}),
        Variable(
            *("y", ("y",), affine.f + (np.arange(height) + 0.5) * affine.e),
            {"standard_name": "projection_y_coordinate", "axis": "Y", **metres},
        ),
        Variable(
            *("x", ("x",), affine.c + (np.arange(width) + 0.5) * affine.a),
            {"standard_name": "projection_x_coordinate", "axis": "X", **metres},
        ),
        Variable("spatial_ref", (), np.array(0, np.int32), {**crs.to_cf(), "GeoTransform": transform}),
    ]
    if bounds:
        variables.append(Variable("time_bounds", ("time", "bounds"), np.array(bounds, np.int32), {}))
    return variables

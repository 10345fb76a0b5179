"""One NetCDF file or Zarr store -> a cube in memory, whoever wrote it. IO: reads one path.

Two layouts: `reflectance` (time, band, y, x) with `quality`, as `bocage cube` writes it; and a variable a band
(time, y, x) whose name ends in the band's, as openEO and its kin write it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pyproj import CRS
from pyproj.exceptions import CRSError

from bocage.core.arrays import SCALE, AnyArray, Bool, Float32
from bocage.core.bands import BANDS, CLEAR_SCL
from bocage.core.errors import CorruptFile, GridMismatch, MissingFile
from bocage.core.grid import Grid, make_grid
from bocage.cubes.quality import NODATA, to_flags
from bocage.cubes.store import Cube
from bocage.scenes.record import SCL

_TIMES = ("time", "t")
_SAME_SIZE = 1e-6  # by how much of itself a pixel's height may differ from its width


def read_cube_file(path: Path, group: str | None = None) -> Cube:
    """All of a cube file: reflectance, flags, days, bands, grid.

    Scale, offset and missing value are what the file says. If it says nothing: 1e-4, 0, and for whole numbers 65535
    (also as −1 where they are marked unsigned). A pixel that is 0 in every band is missing too, as in DN. Scene
    classes, where the file has them, make pixels unclear.

    Args:
        group: which one, of a file with several cubes: `r10m`, ….

    Raises:
        MissingFile: if there is nothing.
        CorruptFile: if it cannot be opened, has no band, does not say when or where it is, or is not north up in
            square pixels.
    """
    if not path.exists():
        raise MissingFile(f"There is no {path}.")
    try:
        opened = (
            xr.open_zarr(path, group=group, consolidated=False, mask_and_scale=False)
            if path.is_dir()
            else xr.open_dataset(path, group=group, mask_and_scale=False)
        )
    except (OSError, ValueError, KeyError) as error:
        raise CorruptFile(f"{path} cannot be opened as NetCDF or Zarr ({error}).") from error
    with opened:
        try:
            return _own(opened) if "reflectance" in opened else _variable_a_band(opened)
        except (KeyError, IndexError) as error:
            what = ", ".join(map(str, opened.variables))
            raise CorruptFile(f"{path} is no cube that is known: no {error}. It has {what}.") from error
        except (GridMismatch, CRSError) as error:
            raise CorruptFile(f"{path} does not say where its pixels lie: {error}") from error


def _own(opened: xr.Dataset) -> Cube:
    values, missing = _scaled(opened["reflectance"])
    quality = opened["quality"].values
    reflectance = np.where(missing | (quality & NODATA != 0)[:, None], np.float32(0), values)
    bands = tuple(str(b) for b in opened["band"].values)
    return Cube(reflectance, quality, _days(opened, "time"), bands, _grid(opened, opened["reflectance"]))


def _variable_a_band(opened: xr.Dataset) -> Cube:
    names = {}
    for name in map(str, opened.data_vars):
        if found := re.search(r"(?:^|[^A-Za-z0-9])(B\d[\dA]|SCL)$", name):
            names[found[1]] = name
    bands = tuple(b for b in BANDS if b in names)
    if not bands:
        raise KeyError("variable named like a band")
    time = next((d for d in opened[names[bands[0]]].dims if d in _TIMES), None)
    if time is None:
        raise KeyError(f"dimension {' or '.join(_TIMES)} of {names[bands[0]]}")
    layers = [_scaled(opened[names[b]].transpose(time, "y", "x")) for b in bands]
    values = np.stack([v for v, _ in layers], axis=1)
    missing = np.any([m for _, m in layers], axis=0) | (values == 0).all(axis=1)
    unclear = np.zeros_like(missing)
    if SCL in names:
        unclear = ~np.isin(opened[names[SCL]].transpose(time, "y", "x").values, CLEAR_SCL)
    none = np.zeros_like(missing)
    quality = to_flags(nodata=missing, saturated=none, unclear=unclear, bright=none)
    reflectance = np.where(missing[:, None], np.float32(0), values)
    return Cube(reflectance, quality, _days(opened, str(time)), bands, _grid(opened, opened[names[bands[0]]]))


def _scaled(variable: xr.DataArray) -> tuple[Float32, Bool]:
    """Reflectance, and where there is none."""
    raw, about = variable.values, variable.attrs | variable.encoding
    if about.get("_Unsigned") == "true" and raw.dtype.kind == "i":
        raw = raw.view(f"u{raw.dtype.itemsize}")
    missing = ~np.isfinite(raw) if raw.dtype.kind == "f" else np.zeros(raw.shape, bool)
    fill = about.get("_FillValue", about.get("missing_value", 65535 if raw.dtype == np.uint16 else None))
    if fill is not None:
        missing |= raw == np.asarray(fill).astype(raw.dtype)
    whole = raw.dtype.kind in "iu"
    scale, offset = float(about.get("scale_factor", 1 / SCALE if whole else 1)), float(about.get("add_offset", 0))
    return np.where(missing, 0, raw * np.float32(scale) + np.float32(offset)).astype(np.float32), missing


def _days(opened: xr.Dataset, time: str) -> AnyArray:
    return np.asarray(opened[time].values.astype("datetime64[D]").astype(np.int32))


def _grid(opened: xr.Dataset, variable: xr.DataArray) -> Grid:
    about: dict[str, Any] = variable.attrs | variable.encoding
    mapping = opened[str(about["grid_mapping"])].attrs
    crs = CRS.from_user_input(mapping.get("crs_wkt") or mapping["spatial_ref"])
    known = f"EPSG:{crs.to_epsg()}" if crs.to_epsg() else crs
    x, y = opened["x"].values, opened["y"].values
    if min(len(x), len(y)) < 2:
        raise GridMismatch(f"{len(y)} x {len(x)} pixels do not tell their size")
    size, step = float(x[-1] - x[0]) / (len(x) - 1), float(y[0] - y[-1]) / (len(y) - 1)
    if size <= 0 or abs(size - step) > _SAME_SIZE * size:
        raise GridMismatch(
            f"x goes by {size:g} and y by {-step:g}; square pixels from the north-west corner are read. Write it so."
        )
    return make_grid(known, float(x[0]) - size / 2, float(y[0]) + size / 2, size, (len(y), len(x)))

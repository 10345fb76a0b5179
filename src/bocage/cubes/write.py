"""Finished cubes -> files that other tools open: Zarr and NetCDF by the CF conventions. IO: writes one path.

Both carry time, band, y, x, `spatial_ref` (CRS and GeoTransform) and scaled int16 reflectance, so that plain
`xarray.open_zarr` or `xarray.open_dataset` shows reflectance with NaN where there is none.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import xarray as xr
import zarr

from bocage.core.errors import ConfigError
from bocage.core.grid import grid_resolution_m
from bocage.cubes.store import CubeStore

SUFFIXES = (".zarr", ".nc")


def check_suffix(path: Path) -> None:
    """Raise ConfigError unless the path's ending names a format that can be written."""
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"'{path}' is neither a .zarr nor a .nc path. End it with one of them.")


def write_cube(stores: Sequence[CubeStore], path: Path) -> None:
    """Write the arrays of cubes to a Zarr store (version 3) or a NetCDF 4 file, by the ending of `path`.

    One cube lies at the root; of several, which must differ in pixel size, each is a group: `r10m`, `r20m`, `r60m`. The
    file appears when it is complete. An older one is replaced. Memory holds a few chunks.

    Raises:
        ConfigError: for another ending.
    """
    check_suffix(path)
    unfinished = path.with_name(f"{path.name}.part")
    _remove(unfinished)
    path.parent.mkdir(parents=True, exist_ok=True)
    groups = {f"r{grid_resolution_m(s.grid):g}m": s for s in stores} if len(stores) > 1 else {"": stores[0]}
    if path.suffix == ".zarr":
        zarr.create_group(unfinished, zarr_format=3)
    for group, store in groups.items():
        if path.suffix == ".zarr":
            shutil.copytree(store.arrays, unfinished / group, dirs_exist_ok=True)
        else:
            _write_netcdf(store, unfinished, group)
    _remove(path)
    unfinished.rename(path)


def _write_netcdf(store: CubeStore, path: Path, group: str) -> None:
    chunks = {"time": 1, "band": len(store.bands), "y": 256, "x": 256}
    with xr.open_zarr(store.arrays, consolidated=False, decode_cf=False, chunks={}) as opened:
        encoding = {
            str(name): {
                "zlib": True,
                "complevel": 1,
                "shuffle": True,
                "chunksizes": tuple(min(chunks[str(d)], n) for d, n in array.sizes.items()),
            }
            for name, array in opened.data_vars.items()
            if array.ndim > 2
        }
        for variable in opened.variables.values():
            variable.encoding = {}
        mode: Literal["a", "w"] = "a" if path.exists() else "w"
        opened.to_netcdf(path, mode=mode, group=group or None, engine="h5netcdf", format="NETCDF4", encoding=encoding)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

"""Finished cubes -> files that other tools open: Zarr and NetCDF by the CF conventions. IO: writes one path.

Both carry time, band, y, x, `spatial_ref` (CRS and GeoTransform) and scaled int16 reflectance, so that plain
`xarray.open_zarr` or `xarray.open_dataset` shows reflectance with NaN where there is none.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import xarray as xr

from bocage.core.errors import ConfigError
from bocage.cubes.store import CubeStore

SUFFIXES = (".zarr", ".nc")


def check_suffix(path: Path) -> None:
    """Raise ConfigError unless the path's ending names a format that can be written."""
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"'{path}' is neither a .zarr nor a .nc path. End it with one of them.")


def write_cube(store: CubeStore, path: Path) -> None:
    """Write the cube's arrays to a Zarr store (version 3) or a NetCDF 4 file, by the ending of `path`.

    The file appears when it is complete. An older one is replaced. Memory holds a few chunks.

    Raises:
        ConfigError: for another ending.
    """
    check_suffix(path)
    unfinished = path.with_name(f"{path.name}.part")
    _remove(unfinished)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zarr":
        shutil.copytree(store.arrays, unfinished)
    else:
        _write_netcdf(store, unfinished)
    _remove(path)
    unfinished.rename(path)


def _write_netcdf(store: CubeStore, path: Path) -> None:
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
        opened.to_netcdf(path, engine="h5netcdf", format="NETCDF4", encoding=encoding)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

"""Files of a map and beside it: class rows, polygons of regions, a sample of its pixels. IO, read only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from rasterio.windows import Window as RasterWindow

from bocage.core.arrays import UInt8
from bocage.core.errors import ConfigError, CorruptFile, MissingFile, NothingLeft, SourceError
from bocage.mapping.write import BLOCK_PX


def read_class_rows(path: Path) -> Iterator[tuple[int, UInt8]]:
    """First row and class ids (rows, W) of each band of rows of a class map, from top to bottom."""
    with rasterio.open(path) as raster:
        for row in range(0, raster.height, BLOCK_PX):
            window = RasterWindow(0, row, raster.width, min(BLOCK_PX, raster.height - row))
            yield row, raster.read(1, window=window)


def read_regions(path: Path, name: str | None) -> gpd.GeoDataFrame:
    """The polygons of any vector file with their names; columns `name` (None where the file has none) and geometry.

    Args:
        name: column with the names; None: numbers from 1 in the order of the file.

    Raises:
        MissingFile, CorruptFile: if it is not there or cannot be read.
        SourceError: if it does not say its coordinate system.
        ConfigError: if it has no such column.
        NothingLeft: if it holds no polygons.
    """
    frame = _read_vector(path)
    if frame.crs is None:
        raise SourceError(f"{path} does not say its coordinate system. Write it again with one.")
    if name is not None and name not in frame.columns:
        columns = ", ".join(c for c in frame.columns if c != frame.geometry.name)
        raise ConfigError(f"{path} has no column '{name}' for the names of regions; it has {columns}.")
    kept = frame[frame.geometry.notna() & frame.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
    if kept.empty:
        raise NothingLeft(f"{path} holds no polygons, so there are no regions to count areas in.")
    names = [None if pd.isna(n) else str(n) for n in kept[name]] if name else [str(i + 1) for i in range(len(kept))]
    return gpd.GeoDataFrame(
        {"name": np.array(names, object)}, geometry=kept.geometry.make_valid().to_numpy(), crs=kept.crs
    )


def read_sample(path: Path) -> gpd.GeoDataFrame:
    """A sample of pixels that `bocage areas sample` drew.

    Raises:
        MissingFile, CorruptFile: if it is not there or cannot be read.
    """
    return _read_vector(path)


def _read_vector(path: Path) -> gpd.GeoDataFrame:
    if not path.exists():
        raise MissingFile(f"There is no {path}. Give an existing vector file.")
    try:
        return gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    except Exception as error:
        raise CorruptFile(f"{path} cannot be read as a vector file ({error}). Check the file.") from error

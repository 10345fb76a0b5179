"""Bands of rows -> Cloud Optimized GeoTIFF; votes -> GeoParquet. Writes files, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import rasterio
import rasterio.shutil
from rasterio.windows import Window as RasterWindow

from bocage.core.arrays import IGNORE, UInt8
from bocage.core.grid import Grid

BLOCK_PX = 256

WriteRows = Callable[[int, UInt8], None]


def class_colormap(colors: Sequence[str]) -> dict[int, tuple[int, int, int, int]]:
    """Colours "#rrggbb" by class id as GDAL wants them; no data is transparent."""
    table = {IGNORE: (0, 0, 0, 0)}
    for i, color in enumerate(colors):
        red, green, blue = bytes.fromhex(color.removeprefix("#"))
        table[i] = (red, green, blue, 255)
    return table


@contextmanager
def open_cog(
    path: Path,
    grid: Grid,
    *,
    description: str,
    overviews: str,
    colormap: Mapping[int, tuple[int, int, int, int]] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Iterator[WriteRows]:
    """Write a uint8 raster (no data 255) row band by row band; at the end it becomes a COG with overviews.

    A COG lists its overviews before its pixels, so rows go to a plain GeoTIFF first, which is then copied.

    Args:
        overviews: GDAL's name of the resampling of overviews: MODE for classes, AVERAGE for quantities.
        tags: of the band, such as the names of its values.
    """
    rows_path = path.with_name(f".{path.name}.{os.getpid()}.rows.tif")
    cog_path = path.with_name(f".{path.name}.{os.getpid()}.tmp.tif")
    height, width = (int(n) for n in grid.shape)
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": 1,
        "height": height,
        "width": width,
        "crs": str(grid.crs),
        "transform": grid.affine,
        "nodata": IGNORE,
        "tiled": True,
        "blockxsize": BLOCK_PX,
        "blockysize": BLOCK_PX,
        "bigtiff": "if_safer",
    }
    try:
        with rasterio.open(rows_path, "w", **profile) as raster:
            raster.set_band_description(1, description)
            raster.update_tags(1, **(tags or {}))
            if colormap:
                raster.write_colormap(1, colormap)

            def write_rows(row: int, values: UInt8) -> None:
                raster.write(values, 1, window=RasterWindow(0, row, width, len(values)))

            yield write_rows
        rasterio.shutil.copy(
            rows_path,
            cog_path,
            driver="COG",
            COMPRESS="DEFLATE",
            BLOCKSIZE=BLOCK_PX,
            OVERVIEW_RESAMPLING=overviews,
            NUM_THREADS="ALL_CPUS",
        )
        cog_path.replace(path)
    finally:
        rows_path.unlink(missing_ok=True)
        cog_path.unlink(missing_ok=True)


def write_votes(votes: gpd.GeoDataFrame, path: Path) -> None:
    """The parcels' votes as GeoParquet 1.1 with bounding boxes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    votes.to_parquet(temporary, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True)
    temporary.replace(path)

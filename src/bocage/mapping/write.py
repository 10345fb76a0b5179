"""Rows of a finished map -> Cloud Optimized GeoTIFF; votes -> GeoParquet, GeoPackage. Files are whole or not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import pyogrio
import rasterio
import rasterio.shutil
from rasterio.windows import Window as RasterWindow

from bocage.core.arrays import IGNORE, UInt8
from bocage.core.grid import Grid
from bocage.mapping.ndvi import SERIES, list_ndvi

BLOCK_PX = 256
CACHE_MB = 256  # GDAL's block cache; its default is a share of the machine's memory

ReadRows = Callable[[int, int], UInt8]
Colormap = Mapping[int, tuple[int, int, int, int]]


def class_colormap(colors: Sequence[str]) -> dict[int, tuple[int, int, int, int]]:
    """Colours "#rrggbb" by class id as GDAL wants them; no data is transparent."""
    table = {IGNORE: (0, 0, 0, 0)}
    for i, color in enumerate(colors):
        red, green, blue = bytes.fromhex(color.removeprefix("#"))
        table[i] = (red, green, blue, 255)
    return table


def write_cog(
    path: Path,
    grid: Grid,
    read_rows: ReadRows,
    *,
    scratch: Path,
    descriptions: Sequence[str],
    overviews: str,
    colormap: Colormap | None = None,
    tags: Mapping[str, str] | None = None,
    scale: float | None = None,
) -> None:
    """Write a uint8 raster (no data 255) as a COG with overviews, in memory that does not grow with its area.

    A COG lists its overviews before its pixels, so rows go to a plain GeoTIFF first, which is then copied.

    Args:
        read_rows: (first row, number of rows) -> (layer, rows, columns).
        scratch: an existing folder on the same disk for unfinished files.
        descriptions: one a layer.
        overviews: GDAL's name of the resampling of overviews: MODE for classes, AVERAGE for quantities.
        tags: of every layer, such as the names of its values.
        scale: what a stored number is multiplied with to get the quantity.
    """
    rows_path, cog_path = scratch / f"{path.name}.rows.tif", scratch / path.name
    height, width = (int(n) for n in grid.shape)
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": len(descriptions),
        "height": height,
        "width": width,
        "crs": str(grid.crs),
        "transform": grid.affine,
        "nodata": IGNORE,
        "tiled": True,
        "blockxsize": BLOCK_PX,
        "blockysize": BLOCK_PX,
        "interleave": "band",
        "bigtiff": "if_safer",
    }
    with rasterio.Env(GDAL_CACHEMAX=CACHE_MB):
        with rasterio.open(rows_path, "w", **profile) as raster:
            raster.descriptions = tuple(descriptions)
            for layer in range(1, len(descriptions) + 1):
                raster.update_tags(layer, **(tags or {}))
            if colormap:
                raster.write_colormap(1, colormap)
            if scale is not None:
                raster.scales = (scale,) * len(descriptions)
            for row in range(0, height, BLOCK_PX):
                values = read_rows(row, min(BLOCK_PX, height - row))
                raster.write(values, window=RasterWindow(0, row, width, values.shape[1]))
        rasterio.shutil.copy(
            rows_path,
            cog_path,
            driver="COG",
            COMPRESS="DEFLATE",
            BLOCKSIZE=BLOCK_PX,
            OVERVIEW_RESAMPLING=overviews,
            NUM_THREADS="ALL_CPUS",
            BIGTIFF="IF_SAFER",
        )
    rows_path.unlink()
    cog_path.replace(path)


def write_votes(votes: gpd.GeoDataFrame, path: Path, *, scratch: Path) -> None:
    """The parcels' votes as GeoParquet 1.1 with bounding boxes; series are list columns."""
    temporary = scratch / path.name
    votes.to_parquet(temporary, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True)
    temporary.replace(path)


def write_geopackage(votes: gpd.GeoDataFrame, path: Path, *, scratch: Path) -> None:
    """The same as a GeoPackage, for programs that do not read GeoParquet.

    Layer `parcels`; the NDVI, which a GeoPackage cannot hold as lists, in a table `ndvi` with a row a parcel and date.
    """
    temporary = scratch / path.name
    temporary.unlink(missing_ok=True)
    plain = votes.drop(columns=[c for c in SERIES if c in votes])
    plain.to_file(temporary, driver="GPKG", layer="parcels", engine="pyogrio")
    if "ndvi" in votes:
        pyogrio.write_dataframe(list_ndvi(votes), temporary, driver="GPKG", layer="ndvi", append=True)
    temporary.replace(path)


def write_sample(sample: gpd.GeoDataFrame, path: Path) -> None:
    """A sample of pixels as a GeoPackage, layer `sample`; whole or not at all, in a folder that is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".part-{path.name}")  # GDAL goes by the ending
    temporary.unlink(missing_ok=True)
    sample.to_file(temporary, driver="GPKG", layer="sample", engine="pyogrio")
    temporary.replace(path)

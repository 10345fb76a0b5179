"""The bands of one invented product on disk, for the entries that read; no entry itself.

Fields of 30 pixels with their own level, and sensor noise, compress about as real bands do. The JPEG 2000 files are
lossless and in blocks of 1024, as ESA writes them; the GeoTIFFs are Cloud Optimized as on Earth Search (deflate with a
predictor, blocks of 1024).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import odc.stac
import pystac
import rasterio
from affine import Affine
from rasterio.shutil import copy
from shapely.geometry import mapping

from bocage.core.arrays import UInt16
from bocage.core.bands import BANDS, DEFAULT_BANDS
from bocage.core.grid import footprint
from bocage.cubes.read import read_bands, read_scene_grid
from bocage.scenes.record import Asset, Scene

LEFT, TOP = 499980, 4900020
FORMATS = {
    "jp2": {
        "driver": "JP2OpenJPEG",
        "QUALITY": "100",
        "REVERSIBLE": "YES",
        "BLOCKXSIZE": "1024",
        "BLOCKYSIZE": "1024",
    },
    "tif": {"driver": "COG", "COMPRESS": "DEFLATE", "PREDICTOR": "YES", "BLOCKSIZE": "1024", "OVERVIEWS": "NONE"},
}


def write_product(folder: Path, suffix: str, size_px: int) -> Scene:
    """Ten bands under `folder` as jp2 or tif, those of 10 m with `size_px` pixels a side."""
    return Scene(
        id="S2A_MSIL2A_20200601T104031_N0400_R008_T31TEJ_20200601T140000",
        catalog="perf",
        level="L2A",
        platform="sentinel-2a",
        tile="31TEJ",
        datetime=datetime(2020, 6, 1, 10, 40, 31, tzinfo=UTC),
        generated="",
        baseline="04.00",
        cloud_cover_fraction=0.0,
        offset=-1000.0,
        offset_source="perf",
        assets={band: _write_band(folder, suffix, band, size_px) for band in DEFAULT_BANDS},
    )


def _write_band(folder: Path, suffix: str, band: str, size_px: int) -> Asset:
    resolution_m = BANDS[band].resolution_m
    size = size_px * 10 // resolution_m
    rng = np.random.default_rng(BANDS[band].index)
    field_px = 300 // resolution_m
    levels = rng.integers(1200, 4000, (size // field_px + 1, size // field_px + 1))
    fields = levels.repeat(field_px, 0).repeat(field_px, 1)[:size, :size]
    dn = (fields + rng.normal(0, 40, (size, size))).astype(np.uint16)
    path = folder / f"T31TEJ_20200601T104031_{band}_{resolution_m}m.{suffix}"
    shape = {"width": size, "height": size, "count": 1, "dtype": "uint16"}
    transform = Affine(resolution_m, 0, LEFT, 0, -resolution_m, TOP)
    with rasterio.io.MemoryFile() as memory:
        with memory.open(driver="GTiff", crs="EPSG:32631", transform=transform, **shape) as target:
            target.write(dn, 1)
        with memory.open() as source:
            copy(source, path, **FORMATS[suffix])
    return Asset(str(path), resolution_m)


def read_ours(scene: Scene) -> list[UInt16]:
    """All bands on the 10 m grid."""
    return [dn for _, dn in read_bands(scene, list(scene.assets), read_scene_grid(scene))]


def make_odc_reader(scene: Scene, n_threads: int) -> Any:
    """The same by `odc.stac.load`, on the same grid, with threads: a callable that gives a list of (y, x) DN."""
    grid = read_scene_grid(scene)
    outline = footprint(grid)
    item = pystac.Item(scene.id, mapping(outline), list(outline.bounds), scene.datetime, {"proj:code": str(grid.crs)})
    item.stac_extensions.append("https://stac-extensions.github.io/projection/v2.0.0/schema.json")
    for band, asset in scene.assets.items():
        own = read_scene_grid(scene, band)
        fields = {"proj:shape": list(own.shape), "proj:transform": list(own.affine)[:6]}
        item.add_asset(band, pystac.Asset(asset.href, roles=["data"], extra_fields=fields))

    def read() -> list[UInt16]:
        loaded = odc.stac.load([item], bands=list(scene.assets), geobox=grid, pool=n_threads, dtype="uint16")
        return [loaded[band].values[0] for band in scene.assets]

    return read


def decode(path: str) -> None:
    """Decode one file with one thread; nothing else."""
    with rasterio.open(path) as source:
        source.read(1)


def equal_bands(a: list[UInt16], b: list[UInt16]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))

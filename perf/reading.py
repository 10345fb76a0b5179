"""Ten bands (10 and 20 m) of a JPEG 2000 product onto one 10 m grid.

Ours reads every band as it is and repeats the 20 m pixels; the peer lets rasterio resample while reading, as most
scripts do; the limit only decodes. The files are a fifth of a tile in each direction, lossless, in blocks of 1024 as
ESA writes them, with fields and noise that compress about as real bands do. The goal is against the limit: at most 1.15
times the decoding.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import Resampling

from bocage.core.arrays import UInt16
from bocage.core.bands import BANDS, DEFAULT_BANDS
from bocage.cubes.read import read_bands, read_scene_grid
from bocage.scenes.record import Asset, Scene
from perf.frame import Entry

SIZE_PX = 2196  # of a 10 m band; a tile has 10,980


def make_entry(folder: Path) -> Entry:
    """Write the bands under `folder`; read them three ways."""
    assets = {band: write_band(folder, band) for band in DEFAULT_BANDS}
    scene = Scene(
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
        assets=assets,
    )
    paths = [asset.href for asset in assets.values()]
    return Entry(
        name="reading",
        title=f"Ten JPEG 2000 bands (10 and 20 m) onto one grid of {SIZE_PX} × {SIZE_PX}",
        ours=lambda: ours(scene),
        peer=lambda: [read_resampled(path) for path in paths],
        peer_name="rasterio, read with out_shape",
        limit=lambda: [decode(path) for path in paths],
        limit_name="decoding alone, all threads",
        equal=lambda a, b: all(np.array_equal(x, y) for x, y in zip(a, b, strict=True)),
    )


def ours(scene: Scene) -> list[UInt16]:
    return [dn for _, dn in read_bands(scene, DEFAULT_BANDS, read_scene_grid(scene))]


def read_resampled(path: str) -> UInt16:
    with rasterio.open(path) as source:
        dn: UInt16 = source.read(1, out_shape=(SIZE_PX, SIZE_PX), resampling=Resampling.nearest)
        return dn


def decode(path: str) -> UInt16:
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"), rasterio.open(path) as source:
        dn: UInt16 = source.read(1)
        return dn


def write_band(folder: Path, band: str) -> Asset:
    """One band: fields of 30 pixels with their own level, and sensor noise."""
    resolution_m = BANDS[band].resolution_m
    size = SIZE_PX * 10 // resolution_m
    rng = np.random.default_rng(BANDS[band].index)
    field_px = 300 // resolution_m
    levels = rng.integers(1200, 4000, (size // field_px + 1, size // field_px + 1))
    fields = levels.repeat(field_px, 0).repeat(field_px, 1)[:size, :size]
    dn = (fields + rng.normal(0, 40, (size, size))).astype(np.uint16)
    path = folder / f"T31TEJ_20200601T104031_{band}_{resolution_m}m.jp2"
    profile = {
        "driver": "JP2OpenJPEG",
        "width": size,
        "height": size,
        "count": 1,
        "dtype": "uint16",
        "crs": "EPSG:32631",
        "transform": Affine(resolution_m, 0, 499980, 0, -resolution_m, 4900020),
    }
    options = {"QUALITY": "100", "REVERSIBLE": "YES", "tiled": True, "blockxsize": 1024, "blockysize": 1024}
    with rasterio.open(path, "w", **profile, **options) as target:
        target.write(dn, 1)
    return Asset(str(path), resolution_m)

"""What a data set is built from: three products (SAFE or COG) and the parcels on them, on disk. IO.

The bands are fields of 300 m with their own level and sensor noise, which compress about as real bands do; two of the
three dates carry the offset of the newer baselines; clouds cover some ground; a quarter of the land has no parcel.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import yaml
from affine import Affine

from bocage.core.arrays import AnyArray
from bocage.core.bands import BANDS, DEFAULT_BANDS
from bocage.core.grid import footprint, make_grid
from perf.rasterizing import make_parcels

TILE, EPSG, LEFT, TOP = "31TEJ", 32631, 499_980, 4_900_020
DATES = ((date(2020, 4, 16), 0), (date(2020, 6, 5), -1000), (date(2020, 8, 4), -1000))  # day, offset
CROPS = {"3301010600": 1, "3301060400": 2, "3301010100": 3}  # HCAT code -> class of eurocrops-10
WINDOW_PX = 256
METADATA = """<?xml version="1.0"?><P><PRODUCT_URI>{name}.SAFE</PRODUCT_URI>
<PRODUCT_START_TIME>{day}T10:40:31.024Z</PRODUCT_START_TIME><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
<BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE>
<BOA_ADD_OFFSET_VALUES_LIST>{offsets}</BOA_ADD_OFFSET_VALUES_LIST></P>"""


@dataclass(frozen=True)
class World:
    """Where everything is: `files` by date and band (SCL too), in the order of DATES."""

    folder: Path
    experiment: Path
    parcels: Path
    files: tuple[dict[str, str], ...]


def write_world(folder: Path, kind: str, size_px: int, n_parcels: int) -> World:
    """Write products as `kind` ("safe" or "cog"), parcels and the experiment that builds from them."""
    files = tuple(_write_product(folder / "products", kind, size_px, i) for i in range(len(DATES)))
    grid = make_grid(f"EPSG:{EPSG}", LEFT, TOP, 10, (size_px, size_px))
    declared = make_grid(f"EPSG:{EPSG}", LEFT, TOP, 10, (size_px, round(size_px * 0.75)))
    shapes = make_parcels(n_parcels, declared)
    inside = [s.centroid.y > TOP - 10 * size_px for s in shapes]
    codes = np.random.default_rng(1).choice([*CROPS], len(shapes))
    frame = gpd.GeoDataFrame({"EC_hcat_c": codes, "EC_hcat_n": ""}, geometry=shapes, crs=EPSG)[inside]
    parcels = folder / "FR_2020_EC21.gpkg"
    frame.to_file(parcels, driver="GPKG")
    experiment = folder / "experiment.yaml"
    experiment.write_text(yaml.safe_dump(_experiment(folder, kind, parcels)))
    if kind == "cog":
        _write_items(folder / "products", files, json.loads(json.dumps(footprint(grid).__geo_interface__)))
    return World(folder, experiment, parcels, files)


def _experiment(folder: Path, kind: str, parcels: Path) -> dict[str, object]:
    catalog = {"safe": "local_safe", "cog": "stac_static"}[kind]
    limits = {"max_nodata_fraction": 0.2, "max_unclear_fraction": 0.2, "max_bright_fraction": 1.0}
    return {
        "name": "building",
        "parcels": {"kind": "eurocrops", "path": str(parcels), "year": 2020, "country": "FR"},
        "scenes": {"catalog": catalog, "path": str(folder / "products")},
        "cubes": {"bands": list(DEFAULT_BANDS), "dilate_m": 0, "dark_check": "off"},
        "labels": {"overlaps": "last"},
        "patches": {
            "size_px": WINDOW_PX,
            "border": False,
            "filters": {**limits, "min_foreground_fraction": 0.01},
            "objects": {"statistics": ["mean", "std"]},
        },
        "datasets": {"store": "shards"},
    }


def _write_product(folder: Path, kind: str, size_px: int, i: int) -> dict[str, str]:
    day, offset = DATES[i]
    stamp, baseline = f"{day:%Y%m%d}T104031", "04.00" if offset else "03.01"
    name = f"S2A_MSIL2A_{stamp}_N{baseline.replace('.', '')}_R008_T{TILE}_{day:%Y%m%d}T140000"
    root = folder / f"{name}.SAFE"
    files = {}
    for band in (*DEFAULT_BANDS, "SCL"):
        resolution_m = 20 if band == "SCL" else BANDS[band].resolution_m
        pixels = _clouds(size_px // 2, i) if band == "SCL" else _band(band, size_px * 10 // resolution_m, offset, i)
        ending = "jp2" if kind == "safe" else "tif"
        path = root / f"GRANULE/L2A_T{TILE}/IMG_DATA/R{resolution_m}m/T{TILE}_{stamp}_{band}_{resolution_m}m.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_raster(path, pixels, resolution_m, kind)
        files[band] = str(path)
    offsets = "".join(f'<BOA_ADD_OFFSET band_id="{b.index}">{offset}</BOA_ADD_OFFSET>' for b in BANDS.values())
    text = METADATA.format(name=name, day=day, baseline=baseline, offsets=offsets if offset else "")
    (root / "MTD_MSIL2A.xml").write_text(text)
    return files


def _band(band: str, size: int, offset: int, i: int) -> AnyArray:
    rng = np.random.default_rng([BANDS[band].index, i])
    field_px = 300 // BANDS[band].resolution_m
    levels = rng.integers(400, 3000, (size // field_px + 1, size // field_px + 1))
    fields = levels.repeat(field_px, 0).repeat(field_px, 1)[:size, :size]
    return (fields + rng.normal(0, 40, (size, size)) - offset).clip(1).astype(np.uint16)


def _clouds(size: int, i: int) -> AnyArray:
    """Scene classes: vegetation (4), and a fifth of the ground under cloud (9) in disks."""
    rng = np.random.default_rng([99, i])
    scl = np.full((size, size), 4, np.uint8)
    y, x = np.ogrid[:size, :size]
    for row, col in rng.uniform(0, size, (12, 2)):
        scl[(y - row) ** 2 + (x - col) ** 2 < (0.07 * size) ** 2] = 9
    return scl


def _write_raster(path: Path, pixels: AnyArray, resolution_m: int, kind: str) -> None:
    jpeg2000 = {"tiled": True, "blockxsize": 1024, "blockysize": 1024, "QUALITY": "100", "REVERSIBLE": "YES"}
    cog = {"compress": "deflate", "predictor": 2, "blocksize": 512, "overviews": "NONE"}
    profile = {
        "driver": "JP2OpenJPEG" if kind == "safe" else "COG",
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "count": 1,
        "dtype": pixels.dtype.name,
        "crs": EPSG,
        "transform": Affine(resolution_m, 0, LEFT, 0, -resolution_m, TOP),
        **(jpeg2000 if kind == "safe" else cog),
    }
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"), rasterio.open(path, "w", **profile) as target:
        target.write(pixels, 1)


def _write_items(folder: Path, files: tuple[dict[str, str], ...], outline: object) -> None:
    """A STAC item a product, beside the SAFE-like folders that hold its GeoTIFFs."""
    for (day, offset), paths in zip(DATES, files, strict=True):
        product = next(part for part in Path(paths["B02"]).parts if part.endswith(".SAFE")).removesuffix(".SAFE")
        properties = {
            "datetime": f"{day}T10:40:31Z",
            "platform": "sentinel-2a",
            "s2:product_uri": f"{product}.SAFE",
            "s2:processing_baseline": "04.00" if offset else "03.01",
            "grid:code": f"MGRS-{TILE}",
        }
        item = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": product,
            "geometry": outline,
            "properties": properties,
            "assets": {band: {"href": path} for band, path in paths.items()},
            "links": [],
        }
        (folder / f"{product}.json").write_text(json.dumps(item))

"""Options -> a country on disk: SAFE products, parcel files, land cover, truth. IO.

A country is built in a folder beside its final one and renamed when complete, so that what stands is whole.
`country.json` records what it is; the same options find it there and write nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
from rasterio.features import rasterize
from rasterio.warp import Resampling, calculate_default_transform, reproject

from bocage.core.arrays import UInt8
from bocage.core.artifacts import read_json, write_json
from bocage.core.digest import digest_value
from bocage.core.errors import ConfigError
from bocage.core.grid import Grid, footprint, grid_bounds, grid_to_json
from bocage.core.progress import bar
from bocage.core.seeds import generator
from bocage.synthetic.countries import COUNTRIES, Country
from bocage.synthetic.crops import CROP_NAMES, CROPS
from bocage.synthetic.declarations import add_people, declare_parcels, to_eurocrops, to_national
from bocage.synthetic.landscape import Landscape, make_landscape
from bocage.synthetic.options import CountryCode, SyntheticOptions
from bocage.synthetic.scene import Conditions, Growth, grow, photograph
from bocage.synthetic.write_safe import make_product, write_safe

RECORD = "country.json"
VERSION = 1  # raise when the same options begin to give other files
_WORLDCOVER = {"wood": 10, "hedge": 10, "margin": 30, "garden": 30, "quarry": 60, "water": 80}
_WORLDCOVER_CROPLAND, _WORLDCOVER_GRASS, _WORLDCOVER_TREES, _WORLDCOVER_BUILT = 40, 30, 10, 50
_WORLDCOVER_DEGREES = 1 / 12_000


@dataclass(frozen=True)
class SyntheticCountry:
    """One country and year on disk.

    Attributes:
        folder: everything below is in it.
        code, year, tile, crs: ISO code, crop year, MGRS tile, CRS of the products.
        safe_folder: L2A products. l1c_folder: one L1C product.
        eurocrops_path: shapefile with EC_ columns. national_path: GeoPackage as the country publishes.
        worldcover_path: land cover, ESA WorldCover codes, longitude/latitude.
        truth_folder: crop.tif, legend.json, parcels.parquet.
        record: the whole of country.json.
    """

    folder: Path
    code: str
    year: int
    tile: str
    crs: str
    safe_folder: Path
    l1c_folder: Path
    eurocrops_path: Path
    national_path: Path
    worldcover_path: Path
    truth_folder: Path
    record: Mapping[str, Any]


def write_world(folder: Path, options: SyntheticOptions) -> list[SyntheticCountry]:
    """Every country in every year of the options, one sub-folder each, such as `FR-2021`."""
    return [
        write_country(folder / f"{code}-{year}", options, code=code, year=year)
        for code in options.countries
        for year in options.years
    ]


def write_country(
    folder: Path, options: SyntheticOptions, *, code: CountryCode | None = None, year: int | None = None
) -> SyntheticCountry:
    """One country and year (the first of the options unless told otherwise) in `folder`.

    Raises:
        ConfigError: if `folder` holds something else than a synthetic country.
    """
    folder = folder.absolute()
    country, year = COUNTRIES[code or options.countries[0]], year or options.years[0]
    key = digest_value({"version": VERSION, "options": options, "country": country.code, "year": year})
    found = _read_record(folder)
    if found.get("key") == key:
        return read_country(folder)
    if folder.exists() and not found and (folder.is_file() or any(folder.iterdir())):
        raise ConfigError(
            f"{folder} was asked to hold a synthetic country, but it holds other things. Give an empty or new folder."
        )
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    _write_all(part, country, year, options, key)
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    return read_country(folder)


def _read_record(folder: Path) -> dict[str, Any]:
    """The record of a country in the folder; empty where there is none, or a file of another kind under its name."""
    record = read_json(folder / RECORD) if (folder / RECORD).is_file() else None
    return record if isinstance(record, dict) and {"key", "options", "products"} <= record.keys() else {}


def read_country(folder: Path) -> SyntheticCountry:
    """The record of a country that `write_country` finished."""
    record = read_json(folder / RECORD)
    paths = record["paths"]
    return SyntheticCountry(
        folder=folder,
        code=record["country"],
        year=record["year"],
        tile=record["tile"],
        crs=record["grid"]["crs"],
        safe_folder=folder / paths["safe"],
        l1c_folder=folder / paths["l1c"],
        eurocrops_path=folder / paths["eurocrops"],
        national_path=folder / paths["national"],
        worldcover_path=folder / paths["worldcover"],
        truth_folder=folder / paths["truth"],
        record=record,
    )


def plan_conditions(options: SyntheticOptions, code: str, year: int) -> list[Conditions]:
    """When and under what sky each product of a year is taken. Pure.

    Cloud shares differ from date to date and average `cloud_fraction`; the stated shares of products are hazy or cut
    by the edge of the swath.
    """
    rng = generator(options.seed, code, year, "conditions")
    n = len(options.dates)
    weights = rng.gamma(1.2, 1.0, n)
    clouds = np.clip(options.cloud_fraction * weights / weights.mean(), 0, 0.95)
    hazy = rng.permutation(n) < round(options.haze_fraction * n)
    edge = rng.permutation(n) < round(options.swath_edge_fraction * n)
    return [
        Conditions(
            day=date.fromisoformat(f"{year}-{day}"),
            cloud_fraction=float(clouds[k]),
            hazy=bool(hazy[k]),
            swath_edge=bool(edge[k]),
            sensor_noise=options.sensor_noise,
        )
        for k, day in enumerate(options.dates)
    ]


def _write_all(part: Path, country: Country, year: int, options: SyntheticOptions, key: str) -> None:
    """Everything of one country, into an empty folder."""
    landscape = make_landscape(country, options.size_px, options.seed)
    growth = grow(landscape, country, year, options.seed)
    paths = {
        "safe": "s2",
        "l1c": "s2_l1c",
        "eurocrops": f"parcels/{country.code}_{year}_EC21.shp",
        "national": f"parcels/{country.layer.lower()}_{year}.gpkg",
        "worldcover": "worldcover.tif",
        "truth": "truth",
    }
    for name in ("safe", "l1c", "truth"):
        (part / paths[name]).mkdir()
    (part / "parcels").mkdir()
    truth = declare_parcels(growth, options)
    _write_parcels(part, paths, truth, country, year, options.seed)
    _write_truth(part / paths["truth"], truth, landscape.grid)
    _write_worldcover(part / paths["worldcover"], growth)
    write_json(
        part / RECORD,
        {
            "key": key,
            "country": country.code,
            "year": year,
            "tile": country.tile,
            "grid": grid_to_json(landscape.grid),
            "bbox": list(footprint(landscape.grid).bounds),
            "options": options.model_dump(mode="json"),
            "n_fields": len(growth.crops),
            "paths": paths,
            "products": _write_products(part, paths, growth, options),
        },
    )


def _write_products(
    part: Path, paths: Mapping[str, str], growth: Growth, options: SyntheticOptions
) -> list[dict[str, Any]]:
    """All products; the L1C one shows the ground of the second date. Returns a record of each."""
    records = []
    grid, tile = growth.landscape.grid, growth.country.tile
    plan = plan_conditions(options, growth.country.code, growth.year)
    with bar(f"Photographing {growth.country.code} {growth.year}", len(plan) + 1, unit="products") as progress:
        for order, conditions in enumerate(plan):
            day = datetime.combine(conditions.day, datetime.min.time(), tzinfo=UTC)
            baseline = options.baselines[order % len(options.baselines)]
            levels = ("L2A", "L1C") if order == min(1, len(plan) - 1) else ("L2A",)
            for level in levels:
                product = make_product(tile, day, order, baseline, level)
                scene = photograph(growth, conditions, options.seed, with_top=level == "L1C")
                folder = part / paths["safe" if level == "L2A" else "l1c"]
                write_safe(folder, product, scene, grid)
                records.append(
                    {
                        "id": product.name,
                        "level": level,
                        "datetime": product.sensed.isoformat(),
                        "baseline": baseline,
                        "offset": product.offset,
                        "cloud_cover_fraction": round(scene.sky.cloud_cover_fraction, 4),
                        "nodata_fraction": round(float(1 - scene.sky.swath.mean()), 4),
                        "hazy": conditions.hazy,
                    }
                )
                progress.advance(note=product.name)
    return records


def _write_parcels(
    part: Path, paths: Mapping[str, str], truth: gpd.GeoDataFrame, country: Country, year: int, seed: int
) -> None:
    """The shapefile in EuroCrops' style and the GeoPackage in the country's."""
    to_eurocrops(truth, country, year).to_file(part / paths["eurocrops"], driver="ESRI Shapefile", encoding="UTF-8")
    national = add_people(to_national(truth, country, year), country, seed)
    national.to_file(part / paths["national"], driver="GPKG", layer=country.layer)


def _write_truth(folder: Path, truth: gpd.GeoDataFrame, grid: Grid) -> None:
    """Crop raster (1 + place in CROP_NAMES, 0 elsewhere), its legend, and the parcels with true and declared crop."""
    number = {name: place + 1 for place, name in enumerate(CROP_NAMES)}
    burns = [(shape, number[crop]) for shape, crop in zip(truth.geometry, truth["true_crop"], strict=True)]
    crops = rasterize(burns, out_shape=tuple(grid.shape), transform=grid.affine, dtype=np.uint8)
    _write_raster(folder / "crop.tif", crops, str(grid.crs), grid.affine)
    legend = [{"value": number[c.name], "crop": c.name, "class_name": c.class_name} for c in CROPS]
    write_json(folder / "legend.json", [{"value": 0, "crop": None, "class_name": "background"}, *legend])
    truth.to_parquet(folder / "parcels.parquet")


def _write_worldcover(path: Path, growth: Growth) -> None:
    """Land cover with ESA WorldCover's codes, in its CRS and pixel size (1/12 000 degree); 0 outside the image."""
    grid = growth.landscape.grid
    codes = worldcover_codes(growth.landscape, growth.crops)[1::2, 1::2]
    bounds = grid_bounds(grid)
    transform, width, height = calculate_default_transform(
        str(grid.crs), "EPSG:4326", grid.shape[1], grid.shape[0], *bounds, resolution=_WORLDCOVER_DEGREES
    )
    out = np.zeros((height, width), dtype=np.uint8)
    reproject(
        codes,
        out,
        src_transform=grid.affine,
        src_crs=str(grid.crs),
        dst_transform=transform,
        dst_crs="EPSG:4326",
        resampling=Resampling.nearest,
    )
    _write_raster(path, out, "EPSG:4326", transform)


def worldcover_codes(landscape: Landscape, crops: tuple[str, ...]) -> UInt8:
    """WorldCover code of every 5 m cell; `crops` are those of the fields. Pure."""
    fields = {"pasture": _WORLDCOVER_GRASS, "orchard": _WORLDCOVER_TREES}
    table = [fields.get(crop, _WORLDCOVER_CROPLAND) for crop in crops]
    table += [_WORLDCOVER.get(name, _WORLDCOVER_BUILT) for name in landscape.surroundings]
    return np.array(table, dtype=np.uint8)[landscape.units]


def _write_raster(path: Path, values: UInt8, crs: str, transform: Any) -> None:
    height, width = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=1,
        dtype="uint8",
        crs=crs,
        transform=transform,
        compress="deflate",
    ) as dataset:
        dataset.write(values, 1)

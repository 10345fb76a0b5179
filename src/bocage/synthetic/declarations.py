"""Fields -> what farmers declared: names in the country's language, mistakes, overlaps. Pure."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from bocage.core.seeds import generator
from bocage.synthetic.countries import Country, native_crops
from bocage.synthetic.crops import COVERS, CROPS
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.scene import Growth


def declare_parcels(growth: Growth, options: SyntheticOptions) -> gpd.GeoDataFrame:
    """The truth about all fields, and what of it was declared.

    Returns:
        One row a field, in the image's UTM zone: id, true_crop, season, declared (bool), declared_crop,
        declared_season, mislabelled (bool), overlapping (bool: drawn into its neighbours), area_ha, geometry (as
        declared). A field that nobody declared keeps its row, with declared False.
    """
    country, n = growth.country, len(growth.crops)
    rng = generator(options.seed, country.code, growth.year, "declarations")
    mislabelled = rng.random(n) < options.label_noise_fraction
    overlapping = rng.random(n) < options.overlap_fraction
    declared = rng.random(n) >= options.undeclared_fraction
    crops, seasons = list(growth.crops), list(growth.seasons)
    for place in np.flatnonzero(mislabelled):
        crops[place], seasons[place] = _another_crop(rng, country, crops[place])
    reach_m = np.where(overlapping, rng.uniform(6, 20, n), 0)
    shapes = np.asarray(growth.landscape.fields).copy()
    shapes[overlapping] = shapely.buffer(shapes[overlapping], reach_m[overlapping], join_style="mitre")
    return gpd.GeoDataFrame(
        {
            "id": [f"{growth.year % 100:02d}{number + 1:06d}" for number in range(n)],
            "true_crop": growth.crops,
            "season": growth.seasons,
            "declared": declared,
            "declared_crop": crops,
            "declared_season": seasons,
            "mislabelled": mislabelled,
            "overlapping": overlapping,
            "area_ha": np.round(shapely.area(shapes) / 1e4, 4),
        },
        geometry=shapes,
        crs=f"EPSG:{country.epsg}",
    )


def to_national(truth: gpd.GeoDataFrame, country: Country, year: int) -> gpd.GeoDataFrame:
    """The declared parcels with the country's own columns, in its national CRS."""
    shown = truth[truth["declared"]]
    named = native_crops(country.code)
    crops = [named[key] for key in zip(shown["declared_crop"], shown["declared_season"], strict=True)]
    known = {
        "id": shown["id"].to_numpy(),
        "area_ha": shown["area_ha"].to_numpy(),
        "code": [crop.code for crop in crops],
        "name": [crop.name for crop in crops],
        "year": np.full(len(shown), year),
    }
    columns = {native: known[ours] for ours, native in country.columns.items()}
    frame = gpd.GeoDataFrame(columns, geometry=shown.geometry.to_numpy(), crs=truth.crs)
    return frame.to_crs(epsg=country.national_epsg)


def to_eurocrops(truth: gpd.GeoDataFrame, country: Country, year: int) -> gpd.GeoDataFrame:
    """The national columns, cut to a shapefile's ten letters, plus EuroCrops' EC_trans_n, EC_hcat_n, EC_hcat_c."""
    shown = truth[truth["declared"]]
    named = native_crops(country.code)
    crops = [named[key] for key in zip(shown["declared_crop"], shown["declared_season"], strict=True)]
    return (
        to_national(truth, country, year)
        .rename(columns=lambda name: name[:10])
        .assign(
            EC_trans_n=[crop.name_en for crop in crops],
            EC_hcat_n=[crop.hcat_name for crop in crops],
            EC_hcat_c=[crop.hcat_code for crop in crops],
        )
    )


def add_people(national: gpd.GeoDataFrame, country: Country, seed: int) -> gpd.GeoDataFrame:
    """Add the column of (invented) applicants' names that some releases carried and no reader may keep."""
    rng = generator(seed, country.code, "people")
    return national.assign(**{country.person_column: rng.choice(country.people, len(national))})


def _another_crop(rng: np.random.Generator, country: Country, crop: str) -> tuple[str, str]:
    """A wrong declaration: another crop by its share in the country, and one of its seasons."""
    others = [c for c in CROPS if c.name != crop]
    shares = np.array([c.share * country.preferences.get(c.name, 1.0) for c in others])
    name = others[int(rng.choice(len(others), p=shares / shares.sum()))].name
    seasons = COVERS[name].seasons
    return name, seasons[int(rng.integers(len(seasons)))].name

"""Boxes with most cropland around named places, on a small land-cover map."""

import json
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from rasterio.transform import from_bounds
from shapely.geometry import Point

from bocage.core.errors import CorruptFile, NothingLeft
from bocage.core.grid import project
from bocage.regions.landscapes import french_landscapes, rank_cropland
from bocage.regions.options import RegionOptions
from bocage.regions.plan import plan_regions


@pytest.fixture
def worldcover(tmp_path: Path) -> Path:
    """Around Béziers: cropland (40) north of 43.40 and built-up land (50) south of it; nothing known east of 3.3."""
    numbers = np.full((600, 600), 50, np.uint8)
    numbers[:200] = 40
    numbers[:, 500:] = 0
    path = tmp_path / "worldcover.tif"
    profile = {"driver": "GTiff", "width": 600, "height": 600, "count": 1, "dtype": "uint8", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", **profile, nodata=0, transform=from_bounds(2.9, 43.0, 3.5, 43.6, 600, 600)) as target:
        target.write(numbers, 1)
    return path


def plan(**options: object) -> list[tuple[str, float, float]]:
    regions = plan_regions(RegionOptions.model_validate({"kind": "landscapes", **options}))
    return [(r.name, round(r.geometry.centroid.x, 2), round(r.geometry.centroid.y, 2)) for r in regions]


@pytest.fixture
def town(tmp_path: Path) -> Path:
    places = geopandas.GeoDataFrame({"town": ["Béziers!"]}, geometry=[Point(3.216, 43.344)], crs="EPSG:4326")
    places.to_file(tmp_path / "places.gpkg")
    return tmp_path / "places.gpkg"


def test_the_boxes_are_where_the_cropland_is(worldcover: Path, town: Path) -> None:
    options = {"path": str(town), "name_column": "town", "landcover": [str(worldcover)], "reach_m": 20_000}
    found = plan(**options, max_cells=3)
    assert [name for name, _, _ in found] == ["Beziers_1", "Beziers_2", "Beziers_3"]
    assert all(latitude > 43.4 for _, _, latitude in found)
    assert all(longitude < 3.3 for _, longitude, _ in found)
    (best,) = plan_regions(RegionOptions.model_validate({"kind": "landscapes", **options, "max_cells": 1}))
    left, bottom, right, top = project(best.geometry, "EPSG:4326", "EPSG:32631").bounds
    assert (right - left, top - bottom) == pytest.approx((10_000, 10_000), abs=1)


def test_a_stac_item_leads_to_its_map(worldcover: Path, town: Path) -> None:
    item = worldcover.with_name("item.json")
    item.write_text(json.dumps({"assets": {"map": {"href": worldcover.name}}}))
    options = {"path": str(town), "name_column": "town", "max_cells": 2}
    expected = plan(**options, landcover=[str(worldcover)])
    assert plan(**options, landcover=[str(item)]) == expected
    assert plan(**options, landcover=[str(worldcover.parent)]) == expected  # a folder: all GeoTIFFs in it


def test_the_eight_french_landscapes_need_maps_of_all_of_them(worldcover: Path) -> None:
    places = french_landscapes()
    assert len(places) == len({name for name, _, _ in places}) == 8
    assert all(-2 < longitude < 8 and 43 < latitude < 50 for _, longitude, latitude in places)
    with pytest.raises(NothingLeft, match="Within 30 km of 'nord_picardie'"):
        plan(landcover=[str(worldcover)])


def test_a_map_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match=r"gone\.tif"):
        plan(landcover=[str(tmp_path / "gone.tif")])
    with pytest.raises(ValueError, match="needs it"):
        RegionOptions(kind="landscapes")


def test_cells_by_cropland_then_by_distance_within_reach() -> None:
    cropland = np.zeros((6, 6), bool)  # 3 × 3 cells of 2 × 2
    cropland[0:2, 0:2] = cropland[2:4, 4] = cropland[4:6, 4:6] = True
    cropland[2, 2:4] = True
    assert rank_cropland(cropland, 3, 1.5) == [(0, 0), (2, 2), (1, 1), (1, 2)]
    assert rank_cropland(cropland, 3, 1.0) == [(1, 1), (1, 2)]

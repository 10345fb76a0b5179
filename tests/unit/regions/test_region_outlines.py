"""Regions from options, from a text, from a file."""

import geopandas
import pytest
from shapely.geometry import box

from bocage.core.errors import ConfigError, CorruptFile, MissingFile, NothingLeft, SourceError
from bocage.regions.options import RegionOptions
from bocage.regions.plan import Region, check_overlap, plan_regions, region_from_text


def test_by_default_the_region_is_wherever_the_scenes_are():
    assert plan_regions(RegionOptions()) == [Region("scenes", None)]


def test_a_box():
    (region,) = plan_regions(region_from_text("3.2, 43.6, 3.3, 43.7"))
    assert (region.name, region.geometry.bounds) == ("box", (3.2, 43.6, 3.3, 43.7))


@pytest.mark.parametrize("text", ["3.3,43.6,3.2,43.7", "1,2,3", "3.2,43.6,3.3,143.7"])
def test_numbers_that_are_no_box(text):
    with pytest.raises(ConfigError, match="left,bottom,right,top"):
        region_from_text(text)


def test_the_shapes_of_a_file_are_united_in_longitude_and_latitude(tmp_path):
    path = tmp_path / "my area.gpkg"
    squares = [box(500_000, 4_800_000, 500_100, 4_800_100), box(500_100, 4_800_000, 500_200, 4_800_100)]
    geopandas.GeoDataFrame(geometry=squares, crs="EPSG:32631").to_file(path)
    (region,) = plan_regions(region_from_text(str(path)))
    assert region.name == "my_area"
    left, bottom, right, top = region.geometry.bounds
    assert (left, bottom) == pytest.approx((3.0, 43.3529), abs=1e-4)
    assert (right - left, top - bottom) == pytest.approx((0.00247, 0.0009), abs=1e-4)


def test_files_that_cannot_say_where(tmp_path):
    with pytest.raises(MissingFile):
        plan_regions(region_from_text(str(tmp_path / "nowhere.gpkg")))
    (tmp_path / "text.gpkg").write_text("no geopackage")
    with pytest.raises(CorruptFile, match="cannot be read"):
        plan_regions(region_from_text(str(tmp_path / "text.gpkg")))
    geopandas.GeoDataFrame(geometry=[box(0, 0, 1, 1)]).to_parquet(tmp_path / "no_crs.parquet")
    with pytest.raises(SourceError, match="coordinate system"):
        plan_regions(region_from_text(str(tmp_path / "no_crs.parquet")))
    geopandas.GeoDataFrame(geometry=[], crs="EPSG:4326").to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(NothingLeft, match="holds no shapes"):
        plan_regions(region_from_text(str(tmp_path / "empty.parquet")))


def test_options_that_contradict_their_kind():
    with pytest.raises(ValueError, match="kind: bbox"):
        RegionOptions(kind="bbox")
    with pytest.raises(ValueError, match="kind: file"):
        RegionOptions(kind="scenes", path="x")


def test_a_region_that_misses_the_images_says_where_both_are():
    images = [box(3.2, 43.6, 3.3, 43.7), box(3.3, 43.6, 3.4, 43.7)]
    check_overlap(Region("a", box(3.25, 43.6, 3.26, 43.61)), images)
    check_overlap(Region("everywhere", None), images)
    with pytest.raises(NothingLeft, match=r"lon 10\.000…11\.000, lat 50\.000…51\.000.*lon 3\.200…3\.400"):
        check_overlap(Region("b", box(10, 50, 11, 51)), images)

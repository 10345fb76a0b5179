"""Parcels that are declared for another country than the one they lie in."""

import geopandas as gpd
import pytest
from shapely.geometry import box

from bocage.core.errors import DataError
from bocage.parcels.options import ParcelOptions
from bocage.parcels.places import check_country, country_boxes
from bocage.parcels.read import read_parcels, stream_parcels


@pytest.fixture
def near_beziers(tmp_path):
    path = tmp_path / "parcels.gpkg"
    outlines = [box(720_000, 6_250_000, 720_100, 6_250_100), box(720_200, 6_250_000, 720_300, 6_250_100)]
    rows = {"EC_hcat_c": ["3301010101", "3301010102"], "EC_hcat_n": ["winter_common_soft_wheat", "spring"]}
    gpd.GeoDataFrame(rows, geometry=outlines, crs=2154).to_file(path)
    return path


def test_parcels_of_another_country_are_refused_and_nothing_is_written(near_beziers, tmp_path):
    wrong = ParcelOptions(kind="eurocrops", path=str(near_beziers), country="SE", year=2018)
    with pytest.raises(DataError, match=r"declared for SE, but lie at longitude 3\.2.*could be in .*FR.*parcels\.crs"):
        stream_parcels(wrong, tmp_path / "out.parquet")
    assert [p.name for p in tmp_path.iterdir()] == [near_beziers.name]
    assert len(read_parcels(wrong.model_copy(update={"country": "FR"})).frame) == 2


@pytest.mark.parametrize(
    ("country", "place"),
    [("FR", (55.2, -21.4, 55.8, -20.9)), ("FR", (-61.2, 14.4, -60.8, 14.9)), ("ES", (-17.9, 28.0, -13.4, 29.3))],
)
def test_islands_far_away_belong_to_their_country(country, place):
    check_country(country, place)


def test_a_country_that_is_not_listed_passes():
    assert "XX" not in country_boxes()
    check_country("XX", (0, 0, 1, 1))
    check_country("", (0, 0, 1, 1))


def test_parcels_far_from_the_country_of_their_source_are_told(near_beziers, tmp_path):
    moved = tmp_path / "labelled.gpkg"
    frame = gpd.read_file(near_beziers).assign(CODE_CULTU="BTH")
    frame.set_crs(32631, allow_override=True).to_file(moved)
    notes = stream_parcels(ParcelOptions(kind="rpg_france", path=str(moved)), tmp_path / "out.parquet").notes
    assert notes["elsewhere"].startswith("The parcels are declared for FR, but lie at longitude")
    frame.to_file(moved)
    assert "elsewhere" not in read_parcels(ParcelOptions(kind="rpg_france", path=str(moved))).notes

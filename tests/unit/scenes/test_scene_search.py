"""Search: what is kept, what is dropped, and why."""

import json
from datetime import date

import pytest
from shapely.geometry import MultiPolygon, box, mapping

from bocage.core.errors import ConfigError, MissingFile, NothingLeft, UnknownName
from bocage.scenes.options import SceneOptions
from bocage.scenes.search import fingerprint_catalog, guess_catalog, search_scenes


@pytest.fixture
def archive(safe, tmp_path):
    """Five products of 2018 in two folders, among other things."""
    root = tmp_path / "archive"
    for month, cloud in ((4, 1), (5, 40), (6, 2)):
        safe.write_safe(root / "clear", {}, time=f"2018{month:02d}10T104021", cloud_percent=cloud)
    safe.write_safe(root / "deep" / "er", {}, time="20180620T104021", tile="31TDJ")
    safe.write_safe(root, {}, time="20180510T104021", level="L1C")
    return root


def search(root, **options):
    scenes, tally = search_scenes(SceneOptions(path=str(root), **options))
    return [f"{s.datetime:%m-%d} {s.tile}" for s in scenes], tally


def test_all_products_below_a_folder_in_time_order(archive):
    found, tally = search(archive)
    assert found == ["04-10 31TEJ", "05-10 31TEJ", "06-10 31TEJ", "06-20 31TDJ"]
    assert tally.to_json() == {"kept": 4, "dropped": {"another level": 1}}


def test_the_season_includes_its_first_and_last_day(archive):
    found, tally = search(archive, season=(date(2018, 4, 10), date(2018, 6, 10)))
    assert found == ["04-10 31TEJ", "05-10 31TEJ", "06-10 31TEJ"]
    assert tally.dropped["outside the season"] == 1


def test_each_filter_gives_its_reason(archive):
    found, tally = search(archive, max_cloud_fraction=0.1, tiles=("31TEJ",))
    assert found == ["04-10 31TEJ", "06-10 31TEJ"]
    assert tally.to_json()["dropped"] == {"another level": 1, "too cloudy": 1, "another tile": 1}


def write_items(folder, *footprints):
    """A static catalogue of items 'TILE baseline': name -> footprint, all of one overflight."""
    items = []
    for name, outline in footprints:
        tile, baseline = name.split()
        product = f"S2A_MSIL2A_20210801T104021_N{baseline.replace('.', '')}_R008_T{tile}_20210801T{baseline[3:]}0000"
        properties = {"datetime": "2021-08-01T10:40:21Z", "grid:code": f"MGRS-{tile}", "platform": "sentinel-2a"}
        properties |= {"s2:processing_baseline": baseline, "s2:product_type": "S2MSI2A"}
        items.append({"type": "Feature", "id": product, "properties": properties, "geometry": mapping(outline)})
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    return SceneOptions(catalog="stac_static", path=str(folder / "items.json"))


def test_duplicates_overlaps_two_zones_and_misses_are_resolved_by_the_rules(tmp_path):
    """A region over the zones 31 and 32; what stays does not depend on the order of the catalog."""
    products = [
        ("31TGJ 03.01", box(4.8, 43, 6.1, 44)),
        ("31TGJ 05.00", box(4.8, 43, 6.1, 44)),  # made again: the higher baseline stays
        ("32TLP 05.00", box(5.9, 43, 7.3, 44)),  # the next zone: ground of its own
        ("32TKP 05.00", box(5.0, 43, 6.0, 44)),  # the next zone's tile over the same ground
        ("31TGH 05.00", box(4.8, 42, 6.1, 42.9)),  # beside the region
    ]
    region = box(5.2, 43.4, 6.5, 43.6)
    for order in (products, products[::-1]):
        scenes, tally = search_scenes(write_items(tmp_path, *order), region)
        assert sorted((s.tile, s.baseline, s.crs) for s in scenes) == [
            ("31TGJ", "05.00", "EPSG:32631"),
            ("32TLP", "05.00", "EPSG:32632"),
        ]
        assert tally.dropped == {
            "reprocessed duplicate": 1,
            "covered by an overlapping tile": 1,
            "outside the region": 1,
        }
    named, _ = search_scenes(write_items(tmp_path, *products).model_copy(update={"tiles": ("32TKP",)}), region)
    assert [s.tile for s in named] == ["32TKP"]


def test_a_footprint_between_two_fields_misses_them(tmp_path):
    fields = MultiPolygon([box(5.0, 43.0, 5.1, 43.1), box(7.0, 43.0, 7.1, 43.1)])
    products = [("31TGJ 05.00", box(4.8, 42.5, 5.5, 44)), ("32TLP 05.00", box(5.6, 42.5, 6.9, 44))]
    scenes, tally = search_scenes(write_items(tmp_path, *products), fields)
    assert [s.tile for s in scenes] == ["31TGJ"]
    assert tally.dropped == {"outside the region": 1}


def test_of_reprocessed_products_the_highest_baseline_then_the_latest_stays(safe, tmp_path):
    safe.write_safe(tmp_path, {}, baseline="02.07")
    safe.write_safe(tmp_path, {}, baseline="05.00", generated="20230101T000000", offset=-1000)
    safe.write_safe(tmp_path, {}, baseline="05.00", generated="20230601T000000", offset=-1000)
    scenes, tally = search_scenes(SceneOptions(path=str(tmp_path)))
    assert [s.generated[:7] for s in scenes] == ["2023-06"]
    assert tally.to_json() == {"kept": 1, "dropped": {"reprocessed duplicate": 2}}


def test_one_product_is_a_catalog_too(safe, tmp_path):
    product = safe.write_safe(tmp_path, {})
    assert len(search(product)[0]) == 1


def test_what_is_no_product_is_counted(archive):
    (archive / "S2A_MSIL2A_HALF.SAFE").mkdir()
    (archive / "S2A_MSIL2A_PACKED.SAFE.zip").write_bytes(b"PK")
    (archive / "S2A_MSIL2A_FILE.SAFE").write_bytes(b"")
    dropped = search(archive)[1].dropped
    assert dropped["no product metadata"] == 1
    assert dropped["damaged archive"] == 1
    assert dropped["a file, not a folder"] == 1


def test_nothing_left_says_what_was_asked_and_what_is_there(archive):
    with pytest.raises(NothingLeft) as caught:
        search(archive, season=(date(2019, 1, 1), date(2019, 12, 31)))
    message = str(caught.value)
    assert message.startswith(f"No scene of '{archive}' (local_safe) is left")
    assert "season 2019-01-01/2019-12-31" in message
    assert "holds 5 scenes of 2018-04-10 to 2018-06-20" in message
    assert "4 outside the season" in message


def test_a_region_elsewhere_leaves_nothing_and_both_places_are_named(archive):
    with pytest.raises(NothingLeft, match=r"lon 10\.000…10\.100.*lon 2\.900…4\.400"):
        search_scenes(SceneOptions(path=str(archive)), box(10, 50, 10.1, 50.1))


def test_a_product_that_is_a_file_and_a_folder_without_products(tmp_path):
    (tmp_path / "X.SAFE").write_bytes(b"")
    with pytest.raises(MissingFile, match="is a file"):
        search(tmp_path / "X.SAFE")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFile, match=r"no \.SAFE product"):
        search(tmp_path / "empty")
    with pytest.raises(MissingFile, match="is not there"):
        search(tmp_path / "nowhere")


def test_wrong_options_are_configuration_errors():
    with pytest.raises(ConfigError, match="is the whole world"):
        search_scenes(SceneOptions(catalog="earth_search"))
    with pytest.raises(ConfigError, match="needs a path"):
        search_scenes(SceneOptions())
    with pytest.raises(UnknownName, match="Did you mean 'local_safe'"):
        search_scenes(SceneOptions(catalog="local_saef", path="."))
    with pytest.raises(ValueError, match="before it begins"):
        SceneOptions(season=(date(2018, 5, 1), date(2018, 4, 1)))


def test_the_fingerprint_follows_the_content(safe, archive):
    options = SceneOptions(path=str(archive))
    before = fingerprint_catalog(options)
    assert before == fingerprint_catalog(options)
    safe.write_safe(archive, {}, time="20180710T104021")
    assert before != fingerprint_catalog(options)


def test_dangling_links_of_a_static_catalogue_are_counted(tmp_path):
    properties = {
        "datetime": "2023-08-15T10:00:00Z",
        "grid:code": "MGRS-33TWM",
        "s2:product_type": "S2MSI2A",
        "s2:processing_baseline": "05.09",
    }
    item = {"type": "Feature", "id": "one", "properties": properties, "assets": {"B02": {"href": "B02.tif"}}}
    (tmp_path / "one.json").write_text(json.dumps(item))
    links = [{"rel": "item", "href": h} for h in ("./one.json", "./gone.json")]
    (tmp_path / "collection.json").write_text(json.dumps({"type": "Collection", "links": links}))
    root = {"type": "Catalog", "links": [{"rel": "child", "href": "collection.json"}, {"rel": "self", "href": "x"}]}
    (tmp_path / "catalog.json").write_text(json.dumps(root))
    for path in (tmp_path, tmp_path / "catalog.json", tmp_path / "collection.json"):
        scenes, tally = search_scenes(SceneOptions(catalog="stac_static", path=str(path)))
        assert [s.assets["B02"].href for s in scenes] == [str((tmp_path / "B02.tif").resolve())]
        assert tally.to_json() == {"kept": 1, "dropped": {"dangling link": 1}}
    assert guess_catalog(tmp_path) == guess_catalog(tmp_path / "one.json") == "stac_static"


def test_the_real_series_has_ten_products_without_an_offset(samples):
    scenes, tally = search_scenes(SceneOptions(path=str(samples / "beziers-2018" / "s2")))
    assert tally.to_json() == {"kept": 10, "dropped": {}}
    assert {s.offset for s in scenes} == {0.0}
    assert {s.tile for s in scenes} == {"31TEJ"}
    assert [s.datetime.date().isoformat() for s in scenes][:3] == ["2018-01-23", "2018-01-28", "2018-02-12"]
    assert {len(s.assets) for s in scenes} == {11}


def test_the_real_static_catalogue_has_three_products_and_eight_dangling_links(samples):
    options = SceneOptions(catalog="stac_static", path=str(samples / "earthsearch-33twm"))
    scenes, tally = search_scenes(options)
    assert tally.to_json() == {"kept": 3, "dropped": {"dangling link": 8}}
    assert {(s.offset, s.offset_source) for s in scenes} == {(0.0, "earthsearch:boa_offset_applied is true")}

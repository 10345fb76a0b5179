"""STAC items -> scenes: whose offset counts, and where the bytes are."""

import json
from pathlib import Path

import numpy as np
import pytest

from bocage.core.errors import CorruptFile
from bocage.scenes.options import SceneOptions
from bocage.scenes.search import search_scenes
from bocage.scenes.stac import scene_from_item

RASTER = [{"scale": 0.0001, "offset": -0.1}]


def item(*, assets=None, **properties):
    return {
        "type": "Feature",
        "id": "S2A_33TWM_20230815_0_L2A",
        "properties": {
            "datetime": "2023-08-15T09:57:57.246000Z",
            "grid:code": "MGRS-33TWM",
            "s2:product_type": "S2MSI2A",
            "s2:processing_baseline": "05.09",
            "eo:cloud_cover": 12.5,
        }
        | properties,
        "assets": assets or {"blue": {"href": "B02.tif", "gsd": 10, "raster:bands": RASTER}},
    }


@pytest.mark.parametrize(
    ("properties", "offset", "source"),
    [
        ({"earthsearch:boa_offset_applied": True}, 0.0, "earthsearch:boa_offset_applied is true"),
        ({"earthsearch:boa_offset_applied": False}, -1000.0, "baseline 05.09 is 04.00 or later (…is false)"),
        ({"earthsearch:payload_id": "x"}, -1000.0, "baseline 05.09 is 04.00 or later (…is missing)"),
        (
            {"earthsearch:boa_offset_applied": False, "s2:processing_baseline": "02.12"},
            0.0,
            "baseline 02.12 is before 04.00 (…is false)",
        ),
        ({}, -1000.0, "raster offset of the item's assets"),
    ],
)
def test_earth_search_is_asked_for_its_flag_others_for_their_raster_offset(properties, offset, source):
    scene = scene_from_item(item(**properties), base=Path("/items"))
    assert scene.offset == offset
    assert scene.offset_source == source.replace("…", "earthsearch:boa_offset_applied ")


def test_where_nothing_is_stated_the_baseline_decides():
    assets = {"B02": {"href": "B02.tif"}}
    new = scene_from_item(item(assets=assets), base=Path("/"))
    old = scene_from_item(item(assets=assets, **{"s2:processing_baseline": "03.01"}), base=Path("/"))
    unknown = scene_from_item(item(assets=assets, **{"s2:processing_baseline": None}), base=Path("/"))
    assert (new.offset, old.offset, unknown.offset) == (-1000.0, 0.0, 0.0)
    assert "no baseline is known" in unknown.offset_source


def test_band_names_of_three_catalogs_mean_the_same():
    assets = {
        "rededge1": {"href": "./B05.tif", "gsd": 20},
        "rededge1-jp2": {"href": "s3://other/B05.jp2"},
        "B03": {"href": "/data/B03.tif"},
        "B04_20m": {"href": "r20/B04.jp2"},
        "B04_10m": {"href": "r10/B04.jp2"},
        "scl": {"href": "https://x/SCL.tif"},
        "visual": {"href": "TCI.tif"},
    }
    scene = scene_from_item(item(assets=assets), base=Path("/items"))
    assert {b: (a.href, a.resolution_m) for b, a in scene.assets.items()} == {
        "B03": ("/data/B03.tif", 10),
        "B04": ("/items/r10/B04.jp2", 10),
        "B05": ("/items/B05.tif", 20),
        "SCL": ("https://x/SCL.tif", 20),
    }


@pytest.mark.parametrize(
    ("file", "tile", "baseline", "offset"),
    [("cdse-s2b-2020.json", "36NYH", "05.00", -1000.0), ("planetary-computer-35MNM.json", "35MNM", None, None)],
)
def test_recorded_answers_of_other_catalogs(samples, file, tile, baseline, offset):
    answer = json.loads((samples / "stac" / file).read_text())
    scenes = [scene_from_item(i, base=Path("/")) for i in answer["features"]]
    assert {s.tile for s in scenes} == {tile}
    for scene in scenes:
        assert {"B02", "B8A", "B11", "SCL"} <= set(scene.assets)
        assert scene.assets["B02"].resolution_m == 10
        assert scene.assets["B11"].resolution_m == 20
        if baseline:
            assert (scene.baseline, scene.offset) == (baseline, offset)
        else:  # Planetary Computer states no offset: the baseline decides
            assert scene.offset == (-1000.0 if scene.baseline >= "04.00" else 0.0)


def test_an_item_that_is_no_sentinel_2_scene_is_refused():
    with pytest.raises(CorruptFile, match="no MGRS tile"):
        scene_from_item({"id": "x", "properties": {"datetime": "2020-01-01T00:00:00Z"}}, base=Path("/"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"datetime": "soon"},
        {"eo:cloud_cover": "n/a"},
        {"grid:code": "MGRS-XX"},
        {"s2:sequence": {}, "proj:epsg": {}, "datetime": 5},
    ],
)
def test_an_item_with_a_text_where_a_number_belongs_is_named(wrong):
    with pytest.raises(CorruptFile, match="S2A_33TWM_20230815_0_L2A cannot be read"):
        scene_from_item(item(**wrong), base=Path("/items"))


def test_an_item_that_says_null_or_a_number_is_read():
    scene = scene_from_item(item(**{"grid:code": None, "s2:mgrs_tile": "33TWM"}), base=Path("/items"))
    assert scene.tile == "33TWM"
    assert scene_from_item(item(**{"s2:processing_baseline": 5.09}), base=Path("/items")).baseline == "5.09"
    for document in ({"id": "a", "properties": [1]}, [], None):
        with pytest.raises(CorruptFile):
            scene_from_item(document, base=Path("/items"))
    with pytest.raises(CorruptFile, match="KeyError: 'href'"):
        scene_from_item(item(assets={"blue": {}}), base=Path("/items"))


def test_one_bad_item_is_counted_and_the_others_are_found(tmp_path):
    found = {"type": "FeatureCollection", "features": [item(), item(datetime="soon"), None, 7]}
    (tmp_path / "found.json").write_text(json.dumps(found))
    scenes, tally = search_scenes(SceneOptions(catalog="stac_static", path=str(tmp_path / "found.json")))
    assert (len(scenes), tally.dropped) == (1, {"not a Sentinel-2 scene": 3})


def test_a_time_of_another_zone_is_of_the_day_in_utc():
    scene = scene_from_item(item(datetime="2023-08-15T00:30:00+02:00"), base=Path("/items"))
    assert scene.datetime.isoformat() == "2023-08-14T22:30:00+00:00"
    assert str(np.datetime64(scene.day, "D")) == "2023-08-14"

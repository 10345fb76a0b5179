"""Search through a real STAC API: stac-server over the sample items and many invented ones."""

import json

import pytest

from bocage.cli.main import main
from bocage.scenes.catalogs import CATALOGS
from bocage.scenes.options import SceneOptions
from bocage.testing.catalogs import check_catalog

pytestmark = pytest.mark.slow
HERE, ELSEWHERE = (3.0, 43.0, 3.1, 43.1), (9.0, 43.0, 9.1, 43.1)  # longitude/latitude


def invented(day: int, *, tile="31TEJ", box=HERE, cloud=5.0, version="05.00") -> dict:
    """An item as the Copernicus Data Space writes it, of day 0 … 299 of 2021."""
    date = f"2021{day // 28 + 1:02d}{day % 28 + 1:02d}"
    name = f"S2A_MSIL2A_{date}T104021_N{version.replace('.', '')}_R008_T{tile}_{date}T140000"
    left, bottom, right, top = box
    ring = [[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]]
    href = f"s3://eodata/{name}.SAFE/B02.jp2"
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "sentinel-2-l2a",
        "bbox": list(box),
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": f"{date[:4]}-{date[4:6]}-{date[6:]}T10:40:21Z",
            "grid:code": f"MGRS-{tile}",
            "platform": "sentinel-2a",
            "product:type": "S2MSI2A",
            "processing:version": version,
            "eo:cloud_cover": cloud,
        },
        "assets": {"B02_10m": {"href": href, "raster:bands": [{"scale": 0.0001, "offset": -0.1}]}},
        "links": [],
    }


def search(capsys, address, *arguments):
    code = main(["scenes", "search", "--catalog", address, *arguments, "--json", "--quiet"])
    captured = capsys.readouterr()
    return json.loads(captured.out) if code == 0 else (code, captured.err)


def test_every_page_is_followed_and_every_filter_holds(stac_api, capsys):
    items = [invented(day, cloud=80.0 if day % 3 == 0 else 5.0) for day in range(250)]  # three pages of 100
    items += [invented(day, tile="32TLP", box=ELSEWHERE) for day in range(5)]
    items += [invented(7, version="04.00")]  # made again later: the higher baseline stays
    address = stac_api(items)
    everything = search(capsys, address)
    assert (everything["tally"]["kept"], everything["tally"]["dropped"]) == (255, {"reprocessed duplicate": 1})
    here = search(capsys, address, "--region", "3.02,43.02,3.04,43.04", "--max-cloud-fraction", "0.1")
    assert {s["tile"] for s in here["scenes"]} == {"31TEJ"}
    assert (here["tally"]["kept"], here["tally"]["dropped"]["too cloudy"]) == (166, 84)
    days = [s["datetime"][:10] for s in search(capsys, address, "--season", "2021-03-01/2021-03-10")["scenes"]]
    assert days == [f"2021-03-{d:02d}" for d in range(1, 11)]
    assert search(capsys, address, "--region", "40,10,41,11")[0] == 4
    assert here["scenes"][0]["catalog"] == "stac"
    assert {(s["offset"], s["offset_source"]) for s in here["scenes"]} == {
        (-1000, "raster offset of the item's assets")
    }


def test_real_items_of_four_catalogs_come_back_as_they_are(stac_api, capsys, samples):
    pages = [json.loads(p.read_text()) for p in sorted((samples / "stac").glob("*.json"))]
    items = [item for page in pages for item in page.get("response", page)["features"]]
    items += [json.loads(p.read_text()) for p in sorted((samples / "earthsearch-33twm").glob("S2*/S2*.json"))]
    address = stac_api(items)
    found = search(capsys, address)["scenes"]
    by_collection = {c: len([i for i in items if i["collection"] == c]) for c in {i["collection"] for i in items}}
    assert len(found) == by_collection["sentinel-2-l2a"]
    offsets = {s["tile"]: (s["offset"], s["offset_source"]) for s in found}
    assert offsets["33TWM"] == (0, "earthsearch:boa_offset_applied is true")
    assert offsets["36NYH"] == (-1000, "raster offset of the item's assets")
    assert offsets["35MNM"] == (0, "baseline 02.12 is before 04.00 (the item states no raster offset)")
    (top_of_atmosphere, *_) = search(capsys, address, "--level", "L1C")["scenes"]
    assert top_of_atmosphere["level"] == "L1C"
    for name in ("stac", "earth_search", "planetary_computer", "cdse"):
        scenes = check_catalog(CATALOGS[name], SceneOptions(catalog=name, path=address))
        assert len(scenes) == len(found)
    collection1 = search(capsys, address, "--collection", "sentinel-2-c1-l2a")["scenes"]
    assert len(collection1) == by_collection["sentinel-2-c1-l2a"]


def test_an_address_without_a_stac_api_is_a_source_error(stac_api, capsys):
    address = stac_api([invented(1)])
    code, message = search(capsys, f"{address}/collections")
    assert code == 3
    assert f"{address}/collections does not answer as a STAC API" in message
    code, message = search(capsys, address, "--collection", "sentinel-9")
    assert code == 4
    assert "collection sentinel-9" in message

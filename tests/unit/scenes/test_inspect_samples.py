"""`bocage scenes inspect` on every product and item among the sample data: the offset, and which rule decided it."""

import json
import re

import pytest

from bocage.cli.main import main

NONE_BEFORE = r"MTD_MSIL{}\.xml has no {}_ADD_OFFSET \(baseline {}\)"
# where, how many, (collection) -> offset and rule
CASES = [
    ("beziers-2018/s2/*.SAFE", None, 10, 0, NONE_BEFORE.format("2A", "BOA", "02.0[678]")),
    ("safe-metadata/S2A_MSIL1C_*_N0301_*.SAFE", None, 1, 0, NONE_BEFORE.format("1C", "RADIO", "03.01")),
    ("safe-metadata/S2A_MSIL2A_*_N0212_*.SAFE", None, 1, 0, NONE_BEFORE.format("2A", "BOA", "02.12")),
    ("safe-metadata/S2B_MSIL2A_*_N0400_*.SAFE", None, 1, -1000, r"BOA_ADD_OFFSET of MTD_MSIL2A\.xml"),
    ("safe-metadata/*/expected_output.json", "L2A N0400", 1, -1000, r"raster offset of the item's assets"),
    ("safe-metadata/*/expected_output.json", "before", 2, 0, r"raster offset of the item's assets"),
    ("earthsearch-33twm/S2*/S2*.json", None, 3, 0, r"earthsearch:boa_offset_applied is true"),
    ("stac/earth-search-search-page.json", "sentinel-2-l2a", 4, 0, r"earthsearch:boa_offset_applied is true"),
    (
        "stac/earth-search-search-page.json",
        "sentinel-2-l1c",
        3,
        -1000,
        r"baseline 05\.11 is 04\.00 or later .*missing\)",
    ),
    ("stac/earth-search-search-page.json", "sentinel-2-c1-l2a", 3, -1000, r"baseline 05\.11 is 04\.00 or later .*"),
    ("stac/planetary-computer-35MNM.json", None, 13, 0, r"baseline 02\.12 is before 04\.00 \(the item states no .*"),
    ("stac/cdse-s2b-2020.json", None, 1, -1000, r"raster offset of the item's assets"),
]
KIND = {
    "L2A N0400": lambda item: item["properties"].get("s2:processing_baseline") == "04.00",
    "before": lambda item: item["properties"].get("s2:processing_baseline", "9") < "04.00",
}


def items_of(path, tmp_path):
    """The items of a STAC file; those of a page each in a file of their own."""
    document = json.loads(path.read_text())
    document = document.get("response", document)
    if document["type"] == "Feature":
        return [(path, document)]
    for item in document["features"]:
        (tmp_path / f"{item['id']}.json").write_text(json.dumps(item))
    return [(tmp_path / f"{item['id']}.json", item) for item in document["features"]]


def inspect(path, capsys):
    assert main(["scenes", "inspect", str(path), "--json", "--quiet"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("where", "which", "n", "offset", "rule"), CASES)
def test_offset_and_source_of_every_sample(samples, tmp_path, capsys, where, which, n, offset, rule):
    paths = [p for p in sorted(samples.glob(where)) if p.is_dir()]
    for path in sorted(samples.glob(where)):
        if path.is_file():
            is_meant = KIND.get(which, lambda item: which in (None, item["collection"]))
            paths += [file for file, item in items_of(path, tmp_path) if is_meant(item)]
    assert len(paths) == n
    for path in paths:
        scene = inspect(path, capsys)
        assert scene["offset"] == offset
        assert re.fullmatch(rule, scene["offset_source"]), scene["offset_source"]
        assert {*scene["offset_by_band"].values()} <= {offset}
        assert scene["quantification"] == 10_000


def test_no_product_or_item_among_the_samples_is_left_out(samples, tmp_path):
    files = [p for p in samples.rglob("*.json") if p.stat().st_size < 10**6]
    items = []
    for path in files:
        document = json.loads(path.read_text())
        page = document.get("response", document) if isinstance(document, dict) else {}
        items += [i for i in page.get("features", [page]) if "stac_version" in i and i.get("type") == "Feature"]
    assert len(items) + len(list(samples.rglob("*.SAFE"))) == sum(n for _, _, n, _, _ in CASES)


def test_inspect_agrees_with_the_items_of_another_tool(samples, capsys):
    for folder in sorted((samples / "safe-metadata").iterdir()):
        ours, theirs = inspect(folder, capsys), json.loads((folder / "expected_output.json").read_text())
        p = theirs["properties"]
        assert ours["id"] == p["s2:product_uri"].removesuffix(".SAFE")
        assert ours["baseline"] == p["s2:processing_baseline"]
        assert ours["cloud_cover_fraction"] == pytest.approx(p["eo:cloud_cover"] / 100)
        assert ours["crs"] == p.get("proj:code", f"EPSG:{p.get('proj:epsg')}")
        assert ours["platform"] == p["platform"].lower()
        assert ours["datetime"][:19] == p["datetime"][:19]
        stated = [a["raster:bands"][0] for a in theirs["assets"].values() if "reflectance" in a.get("roles", ())]
        assert {round(s["offset"] / s["scale"]) for s in stated} == {ours["offset"]}

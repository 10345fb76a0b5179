"""SAFE folders -> scenes: names, offsets, files that are really there."""

import re
from pathlib import PurePath

import pytest

from bocage.core.errors import CorruptFile, MissingBand, MissingFile
from bocage.scenes.read import check_scene_files, open_scene
from bocage.scenes.record import Scene, utm_of_tile
from bocage.scenes.safe import find_assets, manifest_entries, parse_xml


def test_both_ways_of_naming_band_files_are_read():
    files = [
        PurePath("R10m/L2A_T31TEJ_20180123T104329_B02_10m.jp2"),
        PurePath("R20m/T31TEJ_20180123T104329_B8A_20m.jp2"),
        PurePath("R20m/T31TEJ_20180123T104329_SCL_20m.jp2"),
        PurePath("T46RER_20210908T042701_B10.jp2"),  # L1C: no resolution in the name
        PurePath("R10m/T31TEJ_20180123T104329_TCI_10m.jp2"),  # a picture, no band
        PurePath("R10m/T31TEJ_20180123T104329_B02_10m.jp2.aux.xml"),
    ]
    assets = find_assets(files)
    assert {band: asset.resolution_m for band, asset in assets.items()} == {"B02": 10, "B8A": 20, "B10": 60, "SCL": 20}


def test_the_native_resolution_of_a_band_wins():
    files = [PurePath(f"T31TEJ_20180123T104329_{band}_{m}m.jp2") for band in ("B02", "B05") for m in (60, 20, 10)]
    assert {b: a.resolution_m for b, a in find_assets(files).items()} == {"B02": 10, "B05": 20}


def test_without_its_native_resolution_a_band_comes_from_its_finest():
    assets = find_assets([PurePath(f"T31TEJ_20180123T104329_B02_{m}m.jp2") for m in (60, 20)])
    assert assets["B02"].resolution_m == 20


@pytest.mark.parametrize(
    ("baseline", "declared", "offset", "source"),
    [
        ("02.07", None, 0.0, "MTD_MSIL2A.xml has no BOA_ADD_OFFSET (baseline 02.07)"),
        ("04.00", -1000, -1000.0, "BOA_ADD_OFFSET of MTD_MSIL2A.xml"),
        ("05.00", -1000, -1000.0, "BOA_ADD_OFFSET of MTD_MSIL2A.xml"),  # reprocessed archive: a date of 2018
        ("05.00", 0, 0.0, "BOA_ADD_OFFSET of MTD_MSIL2A.xml"),  # the product's word counts, not its baseline
        ("05.00", None, -1000.0, "baseline 05.00 is 04.00 or later (MTD_MSIL2A.xml has no BOA_ADD_OFFSET)"),
    ],
)
def test_the_product_decides_its_offset_never_the_date(safe, tmp_path, baseline, declared, offset, source):
    scene = open_scene(safe.write_safe(tmp_path, {}, baseline=baseline, offset=declared))
    assert (scene.offset, scene.offset_source) == (offset, source)
    assert scene.offset_of("B8A") == offset


def test_an_l1c_product_has_its_own_offset_and_flat_names(safe, tmp_path):
    numbers = {"B02": safe.flat_numbers()["B02"], "B10": safe.flat_numbers()["SCL"]}
    scene = open_scene(safe.write_safe(tmp_path, numbers, level="L1C", baseline="04.00", offset=-1000))
    assert (scene.level, scene.offset, scene.offset_source) == ("L1C", -1000.0, "RADIO_ADD_OFFSET of MTD_MSIL1C.xml")
    assert {b: a.resolution_m for b, a in scene.assets.items()} == {"B02": 10, "B10": 60}


def test_a_scene_says_what_its_metadata_say_and_survives_json(safe, tmp_path):
    scene = open_scene(safe.write_safe(tmp_path, safe.flat_numbers()))
    assert scene.id == "S2A_MSIL2A_20180501T104021_N0207_R008_T31TEJ_20180501T120000"
    assert (scene.tile, scene.crs, scene.platform, scene.baseline) == ("31TEJ", "EPSG:32631", "sentinel-2a", "02.07")
    assert (scene.cloud_cover_fraction, scene.quantification) == (0.03, 10_000.0)
    assert scene.datetime.isoformat() == "2018-05-01T10:40:21+00:00"
    assert scene.day == 17652
    assert scene.footprint["coordinates"][0][0] == [2.9, 44.2]  # longitude first
    assert Scene.from_json(scene.to_json()) == scene


def test_tiles_south_of_the_equator_have_a_southern_crs():
    assert utm_of_tile("07HFE") == "EPSG:32707"
    assert utm_of_tile("31TEJ") == "EPSG:32631"


def test_a_product_that_is_a_file_is_named_as_such(tmp_path):
    path = tmp_path / "S2A_MSIL2A_X.SAFE"
    path.write_bytes(b"PK")
    with pytest.raises(MissingFile, match=r"is a file of 2 bytes, but a SAFE product is a folder.*unpack it"):
        open_scene(path)


def test_a_folder_without_metadata_is_no_product(tmp_path):
    with pytest.raises(MissingFile, match=r"neither MTD_MSIL2A\.xml nor MTD_MSIL1C\.xml"):
        open_scene(tmp_path)


def test_metadata_that_declare_entities_are_refused():
    bomb = b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    with pytest.raises(CorruptFile, match="not readable XML"):
        parse_xml(bomb, "MTD_MSIL2A.xml")


def test_missing_bands_name_the_product_and_what_it_has(safe, tmp_path):
    numbers = safe.flat_numbers()
    whole = open_scene(safe.write_safe(tmp_path, numbers))
    part = open_scene(safe.write_safe(tmp_path, {"B02": numbers["B02"]}, time="20180511T104021"))
    with pytest.raises(MissingBand, match=r"1 of 2 products.*20180511.* has no B05, B8A \(it has B02\)"):
        check_scene_files([whole, part], ["B02", "B05", "B8A"])


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("Cloud_Coverage_Assessment", "n/a"),
        ("PRODUCT_START_TIME", "yesterday"),
        ("BOA_QUANTIFICATION_VALUE", "x"),
        ("BOA_QUANTIFICATION_VALUE", "0"),
    ],
)
def test_metadata_with_a_text_where_a_number_belongs_are_named(safe, tmp_path, tag, text):
    folder = safe.write_safe(tmp_path, {})
    file = folder / "MTD_MSIL2A.xml"
    file.write_text(re.sub(rf"(<{tag}[^>]*>)[^<]*<", rf"\g<1>{text}<", file.read_text()))
    with pytest.raises(CorruptFile, match=r"MTD_MSIL2A.xml of S2"):
        open_scene(folder)


def test_a_manifest_that_states_no_size_fits_no_file():
    xml = b'<a><byteStream size="x"><fileLocation href="./b"/></byteStream></a>'
    assert manifest_entries(parse_xml(xml, "manifest.safe"))["b"].size == -1

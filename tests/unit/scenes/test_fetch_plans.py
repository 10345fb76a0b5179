"""What will be fetched, under which name, and that nothing signed or unsafe gets anywhere. No network."""

import hashlib
import json
import socket
import stat
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from shapely.geometry import box, mapping

from bocage.core.errors import CorruptFile, SourceError
from bocage.scenes.catalogs import CATALOGS
from bocage.scenes.fetch_http import find_difference, parse_multihash
from bocage.scenes.options import SceneOptions
from bocage.scenes.patience import hide_queries
from bocage.scenes.plan_fetch import item_of, plan_fetch
from bocage.scenes.read import open_scene
from bocage.scenes.read_credentials import S3Auth, S3Keys, Signer, read_s3_keys
from bocage.scenes.record import Scene
from bocage.scenes.search import select_newest, select_tiles
from bocage.scenes.stac import scene_from_item
from bocage.scenes.write_unpacked import unpack_archive

BANDS = ("B02", "B03", "B04", "B08")


def recorded(samples, name):
    answer = json.loads((samples / "stac" / name).read_text())
    return answer.get("response", answer)["features"]


@pytest.fixture
def cdse(samples) -> Scene:
    return scene_from_item(recorded(samples, "cdse-s2b-2020.json")[0], base=Path("/"))


def test_cdse_states_sizes_checksums_and_two_addresses(cdse):
    band = cdse.assets["B02"]
    assert (band.size, band.resolution_m) == (114_601_346, 10)
    assert band.href.startswith("s3://eodata/")
    assert band.alternate.startswith("https://zipper.dataspace.copernicus.eu/")
    assert parse_multihash(band.checksum)[0] == "sha3_256"
    assert parse_multihash(cdse.archive.checksum) == ("md5", "10488fb662e3f72b63b1c718af34bf3023"[2:])


def test_a_plan_names_files_by_band_and_prefers_https(cdse, tmp_path):
    (plan,), failed = plan_fetch([cdse], BANDS, tmp_path)
    assert [f.path.name for f in plan.files] == ["B02.jp2", "B03.jp2", "B04.jp2", "B08.jp2", "SCL.jp2"]
    assert not failed
    assert all(f.asset.href.startswith("https://") for f in plan.files)
    (from_s3,), _ = plan_fetch([cdse], BANDS, tmp_path, s3=True)
    assert all(f.asset.href.startswith("s3://") for f in from_s3.files)
    (whole,), _ = plan_fetch([cdse], BANDS, tmp_path, archive=True)
    assert [f.path.name for f in whole.files] == [f"{cdse.id}.SAFE.zip"]


def test_a_product_without_a_band_fails_alone(cdse, tmp_path):
    no_20m = replace(cdse, id="without", assets={b: a for b, a in cdse.assets.items() if a.resolution_m != 20})
    plans, failed = plan_fetch([cdse, no_20m], (*BANDS, "B11"), tmp_path)
    assert [p.scene.id for p in plans] == [cdse.id]
    assert "no B11, SCL" in failed["without"]


def test_a_product_on_this_machine_is_not_fetched(safe, tmp_path):
    scene = open_scene(safe.write_safe(tmp_path, safe.flat_numbers()))
    plans, failed = plan_fetch([scene], BANDS, tmp_path)
    assert not plans
    assert "on this machine already" in failed[scene.id]


def test_a_product_name_cannot_leave_the_folder(cdse, tmp_path):
    with pytest.raises(SourceError, match="no product name"):
        plan_fetch([replace(cdse, id="../../etc/x")], BANDS, tmp_path)


def test_the_item_of_a_fetched_product_gives_the_same_scene(cdse, tmp_path):
    (plan,), _ = plan_fetch([cdse], BANDS, tmp_path)
    again = scene_from_item(json.loads(json.dumps(item_of(plan))), base=tmp_path)
    for name in ("id", "tile", "level", "datetime", "baseline", "offset", "offset_source", "footprint", "crs"):
        assert getattr(again, name) == getattr(cdse, name)
    assert again.cloud_cover_fraction == pytest.approx(cdse.cloud_cover_fraction)
    assert again.assets["B02"].grid == cdse.assets["B02"].grid


def test_checksums_are_multihashes(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"ten pixels")
    sha = "1220" + hashlib.sha256(b"ten pixels").hexdigest()
    md5 = hashlib.md5(b"ten pixels").hexdigest()
    assert find_difference(file, size=10, checksum=sha) is None
    assert find_difference(file, size=None, checksum="d50110" + md5) is None
    assert find_difference(file, size=None, checksum=md5) is None
    assert "11" in find_difference(file, size=11, checksum=None)
    assert "sha256" in find_difference(file, size=10, checksum="1220" + "0" * 64)
    assert find_difference(file, size=10, checksum="no hex") is None
    assert parse_multihash("110e" + "00" * 14) == ("md5", "110e" + "00" * 14)  # no SHA-1 has 14 bytes


def test_a_signed_address_is_kept_without_its_token(samples):
    item = recorded(samples, "earth-search-search-page.json")[0]
    place = "https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/B02.tif"
    item["assets"]["blue"] = {"href": f"{place}?se=2026-01-01&sig=SECRET"}
    scene = scene_from_item(item, base=Path("/"))
    assert scene.assets["B02"].href == place
    assert "SECRET" not in json.dumps(scene.to_json())


def test_neither_queries_nor_logins_of_addresses_are_shown():
    text = "https://user:pw@host/a.tif?X-Amz-Signature=abc cannot be read, nor s3://b/c@d?e=f; mail a@b"
    assert hide_queries(text) == "https://…@host/a.tif?… cannot be read, nor s3://b/c@d?… mail a@b"


def test_signature_is_that_of_the_aws_example():
    """The GET Object example of the AWS documentation of Signature Version 4."""
    keys = S3Keys(
        "https://s3.amazonaws.com", "us-east-1", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    )
    request = requests.Request(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        headers={"Range": "bytes=0-9", "x-amz-content-sha256": hashlib.sha256(b"").hexdigest()},
    ).prepare()
    signed = S3Auth(keys, datetime(2013, 5, 24, tzinfo=UTC))(request).headers["Authorization"]
    assert signed.endswith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    assert "wJalr" not in repr(keys)


def test_keys_that_end_and_a_requester_who_pays_are_signed(monkeypatch):
    monkeypatch.setenv("AWS_REQUEST_PAYER", "requester")
    request = requests.Request("GET", "https://s3.amazonaws.com/b/k").prepare()
    headers = S3Auth(S3Keys("https://s3.amazonaws.com", "us-east-1", "key", "secret", "session-token"))(request).headers
    assert (headers["x-amz-security-token"], headers["x-amz-request-payer"]) == ("session-token", "requester")
    names = "host;x-amz-content-sha256;x-amz-date;x-amz-request-payer;x-amz-security-token"
    assert f"SignedHeaders={names}," in headers["Authorization"]


def test_keys_come_from_the_environment_or_the_usual_file(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "CDSE_S3_ACCESS_KEY", "AWS_PROFILE", "AWS_S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = k\naws_secret_access_key = s%1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    assert (read_s3_keys("any").key, read_s3_keys("any").secret) == ("k", "s%1")
    assert read_s3_keys("eodata").endpoint == "https://eodata.dataspace.copernicus.eu"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert Signer().sign("s3://any/key/a b.tif")[0].endswith("/any/key/a%20b.tif")
    assert read_s3_keys("any").key is None


def archive_with(path, name, *, link=False):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("P.SAFE/MTD_MSIL2A.xml", "<a/>")
        info = zipfile.ZipInfo(name)
        if link:
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    return path


@pytest.mark.parametrize(
    ("name", "link"),
    [("../evil", False), ("P.SAFE/../../evil", False), ("/evil", False), ("P.SAFE/link", True), ("Q.SAFE/x", False)],
)
def test_archives_that_leave_their_folder_are_refused(tmp_path, name, link):
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(CorruptFile):
        unpack_archive(archive_with(tmp_path / "a.SAFE.zip", name, link=link), inside)
    assert not list(inside.iterdir())


def test_an_archive_that_cannot_be_inflated_is_refused(tmp_path):
    path = tmp_path / "S2A.SAFE.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("S2A.SAFE/a", b"ten pixels" * 1000)
    data = bytearray(path.read_bytes())
    data[30 + len("S2A.SAFE/a")] |= 0b110  # a kind of block that deflate does not have
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match="no whole zip"):
        unpack_archive(path, tmp_path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("./", b"")
    with pytest.raises(CorruptFile, match="not to be trusted"):
        unpack_archive(path, tmp_path)


def test_a_zipped_product_reads_as_its_folder(safe, tmp_path, monkeypatch):
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / "cache"))
    product = safe.write_safe(tmp_path / "a", safe.flat_numbers())
    zipped = tmp_path / "zips" / f"{product.name}.zip"
    zipped.parent.mkdir()
    with zipfile.ZipFile(zipped, "w") as file:
        for path in product.rglob("*"):
            file.write(path, path.relative_to(product.parent))
    (found,) = CATALOGS["local_safe"].find(SceneOptions(path=str(zipped.parent)))
    assert found.id == open_scene(product).id == open_scene(zipped).id
    zipped.write_bytes(zipped.read_bytes()[:-100])
    (found,) = CATALOGS["local_safe"].find(SceneOptions(path=str(zipped.parent)))
    assert found.reason == "damaged archive"


def test_the_highest_sequence_of_earth_search_wins(samples):
    first = CATALOGS["earth_search"]._scene(recorded(samples, "earth-search-search-page.json")[0])
    later = replace(first, id=first.id.replace("20250731T132745", "20250801T000000"), sequence=1)
    kept, tally = select_newest([later, first])
    assert kept == [later]
    assert tally.dropped == {"reprocessed duplicate": 1}


def test_the_two_halves_of_a_tile_between_two_receptions_both_stay(cdse):
    def scene(name, left, right):
        return replace(cdse, id=cdse.id[:-6] + name, footprint=mapping(box(left, 0, right, 10)))

    west, east, again = scene("100000", 0, 6), scene("110000", 5, 10), scene("120000", 0, 6.2)
    assert select_newest([west, east])[0] == [west, east]
    kept, tally = select_newest([west, east, again])
    assert (kept, tally.dropped) == ([east, again], {"reprocessed duplicate": 1})
    assert select_newest([west, replace(east, footprint=None)])[1].kept == 1


def test_a_tile_that_shows_nothing_new_goes(cdse):
    def scene(tile, *bounds):
        return replace(cdse, id=tile, tile=tile, footprint=mapping(box(*bounds)))

    west, east = scene("31TEJ", 0, 0, 10, 10), scene("31TFJ", 9, 0, 19, 10)
    assert select_tiles([west, east], box(8, 1, 9.5, 2))[0] == [west]
    kept, tally = select_tiles([west, east], box(8, 1, 12, 2))
    assert (kept, tally.kept) == ([west, east], 2)
    other_zone = scene("32TEJ", 9, 0, 19, 10)  # ground of its own in the next zone stays
    assert select_tiles([west, other_zone], box(5, 1, 12, 2))[0] == [west, other_zone]
    assert select_tiles([west, east], None)[0] == [west, east]


def test_units_reach_no_network():
    with pytest.raises(AssertionError, match="unit test"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)

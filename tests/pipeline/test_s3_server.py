"""`s3://` against a real S3 service: signed requests, ranges, downloads, windowed reads, a build from it."""

import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bocage.cli.main import main
from bocage.core.errors import CorruptFile, MissingFile, SourceError
from bocage.core.grid import Window, grid_window
from bocage.cubes.read import read_asset, read_scene_grid
from bocage.scenes.fetch_http import Fetcher
from bocage.scenes.options import SceneOptions
from bocage.scenes.patience import Patience
from bocage.scenes.read import check_scene_files, open_scene
from bocage.scenes.record import Asset
from bocage.scenes.search import search_scenes
from bocage.scenes.stac import scene_from_item

pytestmark = pytest.mark.slow
QUICK = Patience(retries=2, backoff_s=0.01, longest_wait_s=1)


def as_item(scene, folder) -> dict:
    """As the Copernicus Data Space lists a product, its files in the bucket `eodata`."""
    assets = {}
    for band, asset in scene.assets.items():
        path = Path(asset.href)
        raster = {"scale": 1 / scene.quantification, "offset": scene.offset / scene.quantification}
        assets[f"{band}_{asset.resolution_m}m"] = {
            "href": f"s3://eodata/{path.relative_to(folder).as_posix()}",
            "file:size": path.stat().st_size,
            "file:checksum": "1220" + hashlib.sha256(path.read_bytes()).hexdigest(),
            **({} if band == "SCL" else {"raster:bands": [raster]}),
        }
    properties = {
        "datetime": scene.datetime.isoformat(),
        "grid:code": f"MGRS-{scene.tile}",
        "platform": scene.platform,
        "product:type": "S2MSI2A",
        "processing:version": scene.baseline,
        "processing:datetime": scene.generated,
        "eo:cloud_cover": scene.cloud_cover_fraction * 100,
    }
    (ring,) = scene.footprint["coordinates"]
    x, y = zip(*ring, strict=True)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": scene.id,
        "collection": "sentinel-2-l2a",
        "bbox": [min(x), min(y), max(x), max(y)],
        "geometry": scene.footprint,
        "properties": properties,
        "assets": assets,
        "links": [],
    }


@pytest.fixture
def bucket(tmp_path, s3):
    """The bucket `eodata`, an empty folder, and rclone's own address."""
    folder = tmp_path / "buckets" / "eodata"
    folder.mkdir(parents=True)
    return folder, s3(folder.parent)


@pytest.fixture
def products(country, tmp_path, s3):
    """The country's products as items, in the bucket `eodata`."""
    (tmp_path / "buckets").mkdir()
    (tmp_path / "buckets" / "eodata").symlink_to(country.safe_folder)
    s3(tmp_path / "buckets")
    return [as_item(open_scene(p), country.safe_folder) for p in sorted(country.safe_folder.glob("*.SAFE"))]


BODY = bytes(range(256)) * 4000


@pytest.mark.parametrize("status_of_a_part", [206, 200])
def test_ranges_sizes_and_resumed_downloads(bucket, tmp_path, monkeypatch, status_of_a_part):
    folder, rclone = bucket
    if status_of_a_part == 200:
        monkeypatch.setenv("AWS_S3_ENDPOINT", rclone)
    (folder / "a b.bin").write_bytes(BODY)
    fetcher, href, target = Fetcher(patience=QUICK), "s3://eodata/a b.bin", tmp_path / "file"
    assert fetcher.fetch_size(href) == len(BODY)
    assert fetcher.fetch_tail(href, 2) == (BODY[-2:], len(BODY))
    stated = {"size": len(BODY), "checksum": "1220" + hashlib.sha256(BODY).hexdigest()}
    (tmp_path / "file.part").write_bytes(BODY[:100_000])
    assert fetcher.fetch_file(href, target, **stated) == len(BODY) - 100_000
    assert target.read_bytes() == BODY
    target.unlink()
    (tmp_path / "file.part").write_bytes(BODY)  # killed between the last byte and the new name
    assert fetcher.fetch_file(href, target) <= len(BODY)
    assert target.read_bytes() == BODY
    with pytest.raises(CorruptFile, match="sha256"):
        fetcher.fetch_file(href, tmp_path / "other", checksum="1220" + "0" * 64)
    with pytest.raises(MissingFile, match="not there"):
        fetcher.fetch_size("s3://eodata/nothing.bin")


def test_a_killed_download_goes_on(bucket, tmp_path):
    """Another process is killed in the middle; the next one takes only the rest."""
    big = bucket[0] / "big.bin"
    with big.open("wb") as file:
        file.truncate(200_000_000)
    target, part = tmp_path / "big.bin", tmp_path / "big.bin.part"
    code = (
        "import sys; from pathlib import Path; from bocage.scenes.fetch_http import Fetcher;"
        "Fetcher().fetch_file('s3://eodata/big.bin', Path(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(target)])
    while process.poll() is None and not (part.exists() and part.stat().st_size > 0):
        time.sleep(0.002)
    process.kill()
    process.wait()
    have = part.stat().st_size
    assert 0 < have < 200_000_000
    assert Fetcher(patience=QUICK).fetch_file("s3://eodata/big.bin", target, size=200_000_000) == 200_000_000 - have


def test_wrong_keys_are_an_error_that_names_the_variables(products, monkeypatch):
    scene = scene_from_item(products[0], base=Path("/"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-and-secret")
    for ask in (lambda: check_scene_files([scene], ["B02"]), lambda: read_scene_grid(scene)):
        with pytest.raises(SourceError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") as caught:
            ask()
        assert "wrong-and-secret" not in str(caught.value)


@pytest.mark.parametrize("where", ["the environment", "variables of the provider", "the usual file"])
def test_windows_are_read_with_keys_of_every_usual_place(where, products, country, monkeypatch, tmp_path):
    remote, local = scene_from_item(products[0], base=Path("/")), open_scene(sorted(country.safe_folder.iterdir())[0])
    key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    if where != "the environment":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    if where == "variables of the provider":
        monkeypatch.setenv("CDSE_S3_ACCESS_KEY", key)
        monkeypatch.setenv("CDSE_S3_SECRET_KEY", secret)
    if where == "the usual file":
        file = tmp_path / "credentials"
        file.write_text(f"[field]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
        monkeypatch.setenv("AWS_PROFILE", "field")
    check_scene_files([remote], ("B02", "B05", "SCL"))
    grid = read_scene_grid(remote)
    assert grid == read_scene_grid(local)
    part = grid_window(grid, Window(row=40, col=60, height=64, width=80))
    for band in ("B02", "B05", "SCL"):
        ours, theirs = (read_asset(s.assets[band], part, resampling="nearest", threads=1) for s in (remote, local))
        assert np.array_equal(ours, theirs)
        assert ours.any()


def test_a_file_cut_in_the_bucket_is_named_before_a_pixel_is_read(products, country, tmp_path):
    scene = scene_from_item(products[0], base=Path("/"))
    href = scene.assets["B03"].href
    cut = replace(scene, assets={**scene.assets, "B03": replace(scene.assets["B03"], size=99)})
    with pytest.raises(CorruptFile, match=r"(?s)1 damaged file:.*B03_10m\.jp2: it has .* the catalog says 99"):
        check_scene_files([cut], ("B02", "B03"))
    shorter = tmp_path / "buckets" / "cut"
    shorter.mkdir()
    content = (country.safe_folder / href.removeprefix("s3://eodata/")).read_bytes()
    (shorter / "B03.jp2").write_bytes(content[: len(content) * 6 // 10])
    cut = replace(scene, assets={**scene.assets, "B03": Asset("s3://cut/B03.jp2", 10)})
    with pytest.raises(CorruptFile, match=r"s3://cut/B03\.jp2: cut: no end-of-codestream"):
        check_scene_files([cut], ("B02", "B03"))


def test_fetch_takes_what_it_can_and_says_what_it_cannot(products, country, stac_api, tmp_path, capsys):
    whole, damaged = products[:2]
    lacking = whole | {"id": whole["id"].replace("S2A_", "S2B_").replace("S2B_MSIL2A_2021", "S2B_MSIL2A_2022")}
    lacking["properties"] = whole["properties"] | {"datetime": "2022-05-26T10:50:31Z"}
    lacking["assets"] = {k: a for k, a in whole["assets"].items() if k.endswith("_10m")}  # its 20 m folder is missing
    right = damaged["assets"]["B03_10m"]["file:checksum"]
    damaged["assets"]["B03_10m"]["file:checksum"] = "1220" + "0" * 64
    bands = ["B02_10m", "B03_10m", "B05_20m", "SCL_20m"]

    def fetch(address, *more):
        out = ["--bands", "B02,B03,B05", "--out", str(tmp_path / "fetched"), "--json", "--quiet"]
        code = main(["scenes", "fetch", "--catalog", address, *out, *more])
        return code, json.loads(capsys.readouterr().out)

    address = stac_api([whole, damaged, lacking])
    code, estimate = fetch(address, "--dry-run")
    sizes = [item["assets"][band]["file:size"] for item in (whole, damaged) for band in bands]
    assert (code, estimate["bytes"], estimate["requests"], estimate["n_unknown_size"]) == (0, sum(sizes), 8, 0)
    assert not (tmp_path / "fetched").exists()
    code, first = fetch(address)
    assert (code, first["fetched"]) == (3, [whole["id"]])
    assert "came damaged twice: its sha256 is" in first["failed"][damaged["id"]]
    assert first["failed"][lacking["id"]] == "it has no B05, SCL (it has B02, B03, B04, B08)"
    damaged["assets"]["B03_10m"]["file:checksum"] = right
    code, second = fetch(stac_api([whole, damaged]))
    assert (code, second["fetched"], second["cached"]) == (0, [damaged["id"]], [whole["id"]])
    assert second["bytes"] == damaged["assets"]["B03_10m"]["file:size"]  # the other bands were there
    local, _ = search_scenes(SceneOptions(catalog="stac_static", path=str(tmp_path / "fetched" / "catalog.json")))
    for scene, item in zip(local, (whole, damaged), strict=True):
        assert (scene.id, scene.offset) == (item["id"], -1000.0 if item is whole else 0.0)
        theirs = country.safe_folder / item["assets"]["B05_20m"]["href"].removeprefix("s3://eodata/")
        assert Path(scene.assets["B05"].href).read_bytes() == theirs.read_bytes()


def test_a_data_set_from_a_stac_api_and_s3_equals_the_one_from_folders(
    products, stac_api, experiment_file, cache, tmp_path, capsys, caplog, monkeypatch
):
    servers = {"catalog": "stac", "path": stac_api(products)}
    folders_file = experiment_file("folders", models=[])
    servers_file = experiment_file("servers", models=[], scenes=servers)
    assert main(["build", str(folders_file), "--out", str(tmp_path / "folders"), "--quiet"]) == 0
    with caplog.at_level(logging.DEBUG):
        with monkeypatch.context() as wrong:
            wrong.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
            assert main(["build", str(servers_file), "--out", str(tmp_path / "servers"), "--quiet"]) == 3
        assert main(["build", str(servers_file), "--out", str(tmp_path / "servers"), "--quiet"]) == 0
    told = capsys.readouterr()
    assert "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in told.err
    data_sets = [str(tmp_path / name / "dataset") for name in ("folders", "servers")]
    assert main(["dataset", "diff", *data_sets, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["same"]
    # neither the right nor the wrong secret is anywhere: events, manifest, store, messages, logs at debug level
    written = [p.read_bytes() for folder in (tmp_path / "servers", cache) for p in folder.rglob("*") if p.is_file()]
    for text in (*written, caplog.text.encode(), (told.out + told.err).encode()):
        assert b"bocage-test-secret" not in text
        assert b"wrong-secret" not in text
    assert len(written) > 20
    assert "urllib3" in caplog.text
    assert "rasterio" in caplog.text

"""Search and `scenes fetch` against a bad-tempered server on this machine; well-behaved real ones are tested in
test_stac_api_server.py and test_s3_server.py.
"""

import hashlib
import http.server
import json
import threading
import time
import zipfile
from collections import defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import rasterio
from affine import Affine
from shapely.geometry import box

from bocage.core.errors import CorruptFile, SourceError
from bocage.scenes.catalogs import CATALOGS
from bocage.scenes.catalogs.stac_api import StacApi
from bocage.scenes.fetch import fetch_scenes
from bocage.scenes.fetch_http import Fetcher
from bocage.scenes.options import SceneOptions
from bocage.scenes.patience import Patience
from bocage.scenes.plan_fetch import plan_fetch
from bocage.scenes.record import Asset, Scene, parse_time
from bocage.scenes.search import search_scenes
from bocage.scenes.stac import scene_from_item

QUICK = Patience(retries=3, backoff_s=0.01, longest_wait_s=1)


class Server(http.server.BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    items: ClassVar[list[dict]] = []
    moods: ClassVar[list[str]] = []  # what the next requests meet: 429, "429 1" (retry after 1 s), 503, cut, 401
    seen: ClassVar[list[tuple[str, str | None]]] = []
    pages: ClassVar[list[dict]] = []  # recorded answers, given one after the other in place of `items`
    bodies: ClassVar[list[dict]] = []  # of searches
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.seen.append((self.path, self.headers.get("Range")))
        mood = self.moods.pop(0) if self.moods else ""
        if mood[:3].isdigit():
            elsewhere = f"http://localhost:{self.server.server_port}/a"
            return self.answer(int(mood[:3]), b"", {"Retry-After": mood[4:] or "0", "Location": elsewhere})
        if self.path in ("/", "/search") or self.path.startswith("/search?"):
            return self.answer(200, json.dumps(self.document()).encode(), {"Content-Type": "application/json"})
        body = self.files.get(self.path)
        if body is None:
            return self.answer(404, b"")
        start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0] or 0)
        extra = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if self.headers.get("Range") else {}
        return self.answer(206 if extra else 200, body[start:], extra, cut=mood == "cut")

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.bodies.append(json.loads(self.rfile.read(length)))
        self.do_GET()

    def document(self):
        base = f"http://127.0.0.1:{self.server.server_port}"
        if self.path == "/":
            links = [{"rel": "search", "type": "application/geo+json", "method": "POST", "href": f"{base}/search"}]
            conforms = [f"https://api.stacspec.org/v1.0.0/{c}" for c in ("core", "item-search")]
            return {"type": "Catalog", "id": "x", "stac_version": "1.0.0", "description": "x", "links": links} | {
                "conformsTo": conforms
            }
        if self.pages:
            return self.pages.pop(0)
        page = int(self.bodies[-1].get("token", 0))
        more = {"rel": "next", "method": "POST", "href": f"{base}/search", "merge": True, "body": {"token": page + 1}}
        links = [more] if page + 1 < len(self.items) else []
        return {"type": "FeatureCollection", "features": self.items[page : page + 1], "links": links}

    def answer(self, code, body, headers=None, *, cut=False):
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    Server.files, Server.items, Server.moods, Server.seen, Server.pages, Server.bodies = {}, [], [], [], [], []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


BODY = bytes(range(256)) * 4000


def fetch(server, target, **stated):
    return Fetcher(patience=QUICK).fetch_file(f"{server}/a", target, **stated)


@pytest.mark.parametrize("moods", [["429"], ["503", "429"], ["cut"], ["cut", "503", "cut"]])
def test_busy_and_broken_answers_are_tried_again(server, tmp_path, moods):
    Server.files, Server.moods = {"/a": BODY}, list(moods)
    fetch(server, tmp_path / "a", size=len(BODY), checksum="1220" + hashlib.sha256(BODY).hexdigest())
    assert (tmp_path / "a").read_bytes() == BODY
    assert not (tmp_path / "a.part").exists()


def test_a_token_in_an_address_is_in_no_message(server, tmp_path):
    fetcher = Fetcher(patience=QUICK)
    for mood, ask in (
        ("403", fetcher.fetch_size),
        ("404", fetcher.fetch_size),
        ("", lambda a: fetcher.fetch_tail(a, 2)),
    ):
        Server.moods[:] = [mood] * 4 if mood else []
        with pytest.raises(SourceError) as refused:
            ask(f"{server}/none?sig=SECRET")
        assert "SECRET" not in str(refused.value)
        assert f"{server}/none?…" in str(refused.value)


def test_keys_do_not_follow_a_service_to_another_place(server, tmp_path, monkeypatch):
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    for name, value in (keys | {"AWS_S3_ENDPOINT": server}).items():
        monkeypatch.setenv(name, value)
    Server.moods[:] = ["307"]
    with pytest.raises(SourceError, match=r"to another place \(HTTP 307\), where keys do not go. Set AWS_REGION"):
        Fetcher(patience=QUICK).fetch_file("s3://bucket/a", tmp_path / "a")
    assert len(Server.seen) == 1


def test_two_processes_fetch_into_one_folder_one_after_the_other(server, tmp_path, samples):
    item = json.loads((samples / "stac" / "earth-search-search-page.json").read_text())
    scene = scene_from_item(item.get("response", item)["features"][0], base=tmp_path)
    tiff = tmp_path / "band.tif"
    with rasterio.open(
        tiff, "w", driver="GTiff", height=64, width=64, count=1, dtype="uint16", transform=Affine.scale(10, -10)
    ) as file:
        file.write(np.ones((1, 64, 64), np.uint16))
    Server.files["/band.tif"] = tiff.read_bytes()
    assets = {
        band: replace(scene.assets[band], href=f"{server}/band.tif", size=None, checksum=None)
        for band in ("B02", "SCL")
    }
    plans, _ = plan_fetch([replace(scene, assets=assets)], ("B02",), tmp_path / "out")
    fetched = []
    both = [
        threading.Thread(target=lambda: fetched.append(fetch_scenes(plans, tmp_path / "out", Fetcher(patience=QUICK))))
        for _ in range(2)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted((len(f.fetched), len(f.cached)) for f in fetched) == [(0, 1), (1, 0)]
    assert len(Server.seen) == 2


def test_a_killed_download_goes_on_where_it_stopped(server, tmp_path):
    Server.files = {"/a": BODY}
    (tmp_path / "a.part").write_bytes(BODY[:1000])
    assert fetch(server, tmp_path / "a", size=len(BODY)) == len(BODY) - 1000
    assert Server.seen == [("/a", "bytes=1000-")]
    assert (tmp_path / "a").read_bytes() == BODY


def test_what_does_not_get_better_is_an_error(server, tmp_path):
    Server.files = {"/a": BODY}
    with pytest.raises(CorruptFile, match="sha256"):
        fetch(server, tmp_path / "a", checksum="1220" + "0" * 64)
    assert not list(tmp_path.iterdir())
    Server.moods = ["503"] * 9
    with pytest.raises(SourceError, match="busy"):
        fetch(server, tmp_path / "a")
    Server.moods = ["401"] * 9
    with pytest.raises(SourceError, match="token may have ended"):
        fetch(server, tmp_path / "a")


@pytest.mark.parametrize(("asked_s", "longest_s"), [(1, 5), (600, 1)])
def test_the_wait_that_a_server_asks_for_is_kept_within_a_bound(server, tmp_path, asked_s, longest_s):
    Server.files, Server.moods = {"/a": BODY}, [f"429 {asked_s}"]
    patience = Patience(retries=1, backoff_s=0.01, longest_wait_s=longest_s)
    before = time.monotonic()
    Fetcher(patience=patience).fetch_file(f"{server}/a", tmp_path / "a")
    assert 1 <= time.monotonic() - before < 30


def test_a_search_that_stays_busy_or_is_refused_is_an_error(server):
    def search():
        return list(StacApi(patience=QUICK).find(SceneOptions(catalog="stac", path=server)))

    for moods, message in ((["429"] * 9, r"still busy \(HTTP 429\)"), (["403"], r"refuses the search \(HTTP 403\)")):
        Server.moods = moods
        with pytest.raises(SourceError, match=message):
            search()
    with pytest.raises(SourceError, match="cannot be reached"):
        list(StacApi(patience=QUICK).find(SceneOptions(catalog="stac", path="http://127.0.0.1:9")))


def test_an_archive_is_unpacked_or_refused_and_then_fetched_anew(server, tmp_path):
    def archive_of(*members):
        with zipfile.ZipFile(tmp_path / "made.zip", "w") as file:
            for name in members:
                file.writestr(name, "<a/>")
        return (tmp_path / "made.zip").read_bytes()

    name = "S2A_MSIL2A_20210801T104021_N0500_R008_T31TGJ_20210801T000000"
    whole = archive_of(f"{name}.SAFE/MTD_MSIL2A.xml", f"{name}.SAFE/GRANULE/a.jp2")
    time, archive = parse_time("2021-08-01T10:40:21Z"), Asset(f"{server}/a", 10)
    scene = Scene(name, "cdse", "L2A", "s2", "31TGJ", time, "", None, None, 0, "", {}, archive=archive)
    folder = tmp_path / "products"
    plans, _ = plan_fetch([scene], (), folder, archive=True)
    for content, reason in (
        (archive_of(f"{name}.SAFE/../../evil"), "leaves its folder"),
        (whole[:-30], "no whole zip"),
    ):
        Server.files = {"/a": content}
        done = fetch_scenes(plans, folder, Fetcher(patience=QUICK))
        assert reason in done.failed[name]
        assert [p.name for p in folder.iterdir()] == ["fetch.json"]
        assert not (tmp_path / "evil").exists()
    Server.files = {"/a": whole}
    assert fetch_scenes(plans, folder, Fetcher(patience=QUICK)).fetched == [name]
    assert (folder / f"{name}.SAFE" / "GRANULE" / "a.jp2").is_file()
    assert fetch_scenes(plans, folder, Fetcher(patience=QUICK)).cached == [name]


@pytest.mark.parametrize(
    ("catalog", "file", "n_pages", "by_collection"),
    [
        (
            "earth_search",
            "earth-search-search-page.json",
            2,
            {
                "sentinel-2-l2a": (4, 0, "earthsearch:boa_offset_applied is true"),
                "sentinel-2-l1c": (3, -1000, "baseline 05.11 is 04.00 or later"),
                "sentinel-2-c1-l2a": (3, -1000, "baseline 05.11 is 04.00 or later"),
            },
        ),
        ("planetary_computer", "planetary-computer-35MNM.json", 1, {"sentinel-2-l2a": (13, 0, "before 04.00")}),
        ("cdse", "cdse-s2b-2020.json", 1, {"sentinel-2-l2a": (1, -1000, "raster offset of the item's assets")}),
    ],
)
def test_recorded_answers_replay_through_the_clients(server, samples, catalog, file, n_pages, by_collection):
    """Earth Search's page is cut in two, and its own link leads to the second; the others were one page."""
    answer = json.loads((samples / "stac" / file).read_text())
    page = answer.get("response", answer)
    links = [link for link in page.get("links", []) if link["rel"] == "next"]
    items = page["features"]
    first, second = (items[:6], items[6:]) if links else (items, [])
    follow = [link | {"href": f"{server}/search"} for link in links]
    Server.pages = [page | {"features": first, "links": follow}, page | {"features": second, "links": []}]
    options = SceneOptions(catalog=catalog, path=server, season=(date(2020, 1, 1), date(2020, 12, 31)))
    found = list(CATALOGS[catalog].find(options, box(1, 2, 3, 4)))
    assert [s.catalog for s in found] == [catalog] * len(items)
    asked, *more = Server.bodies
    assert asked["collections"] == ["sentinel-2-l2a"]
    assert asked["bbox"] == [1, 2, 3, 4]
    assert asked["datetime"] == "2020-01-01T00:00:00Z/2020-12-31T23:59:59.999Z"
    assert len(more) == n_pages - 1
    assert [body.get("next") for body in more] == [link["body"]["next"] for link in links]
    told = defaultdict(list)
    for item, scene in zip(items, found, strict=True):
        told[item["collection"]].append(scene)
        assert Scene.from_json(json.loads(json.dumps(scene.to_json()))) == scene
    for collection, (n, offset, source) in by_collection.items():
        assert len(told[collection]) == n
        assert {s.offset for s in told[collection]} == {offset}
        assert all(source in s.offset_source for s in told[collection])


def test_from_search_to_a_catalogue_that_reads_the_same(server, tmp_path, samples):
    source = samples / "earthsearch-33twm"
    for path in sorted(source.glob("S2*/S2*.json")):
        item = json.loads(path.read_text())
        for asset in item["assets"].values():
            local = path.parent / Path(asset["href"]).name
            if local.suffix == ".tif" and local.is_file():
                name = f"/{path.parent.name}/{local.name}"
                Server.files[name], asset["href"] = local.read_bytes(), server + name
        Server.items.append(item)
    Server.moods = ["", "429", "503"]
    bands = ("B02", "B03", "B04", "B08")
    options = SceneOptions(catalog="stac", path=server)
    scenes = list(StacApi(patience=QUICK).find(options))
    assert len(scenes) == 3  # one a page
    plans, failed = plan_fetch(scenes, bands, tmp_path)
    assert not failed
    lost = plans[0].files[0]
    body = Server.files.pop(lost.asset.href.removeprefix(server))
    done = fetch_scenes(plans, tmp_path, Fetcher(patience=QUICK), workers=2, place="here")
    assert (len(done.fetched), list(done.failed)) == (2, [plans[0].scene.id])
    Server.files[lost.asset.href.removeprefix(server)] = body
    states = json.loads((tmp_path / "fetch.json").read_text())["products"]
    assert sorted(s["state"] for s in states.values()) == ["failed", "fetched", "fetched"]
    again = fetch_scenes(plans, tmp_path, Fetcher(patience=QUICK), workers=2, place="there")
    assert (again.fetched, len(again.cached), again.n_bytes) == ([plans[0].scene.id], 2, len(body))
    states = json.loads((tmp_path / "fetch.json").read_text())["products"]
    assert {(s["state"], *s["regions"]) for s in states.values()} == {("fetched", "here", "there")}
    local, tally = search_scenes(SceneOptions(catalog="stac_static", path=str(tmp_path / "catalog.json")))
    assert tally.kept == 3
    expected = sorted((s.id, s.offset, s.offset_source) for s in scenes)
    assert sorted((s.id, s.offset, s.offset_source) for s in local) == expected

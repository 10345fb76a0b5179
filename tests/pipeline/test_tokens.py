"""Tokens that end, are refused or never come, at a provider of our own that the real host names lead to by a proxy."""

import http.server
import json
import logging
import threading
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import rasterio
from affine import Affine

from bocage.core.errors import SourceError
from bocage.cubes.read import read_asset, read_scene_grid
from bocage.scenes import read_remote
from bocage.scenes.fetch_http import Fetcher
from bocage.scenes.patience import Patience
from bocage.scenes.read_credentials import Signer
from bocage.scenes.record import Asset, Scene, parse_time

QUICK = Patience(retries=2, backoff_s=0.01, longest_wait_s=1)
CDSE = "http://zipper.dataspace.copernicus.eu/odata/B02.jp2"
AZURE = "http://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/B02.tif"
SECRETS = ("pass-word", "bearer-", "signature-")


class Provider(http.server.BaseHTTPRequestHandler):
    """Both providers: gives out numbered tokens, and files to who shows the newest."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        state, url = self.server.state, urlsplit(self.path)
        if url.path.startswith("/sas/"):
            state.n += 1
            expiry = "2099-01-01T00:00:00Z" if state.lasts_s > 60 else "2020-01-01T00:00:00Z"
            return self.answer(200, {"token": f"se=2099&sig=signature-{state.n}", "msft:expiry": expiry})
        given = parse_qs(url.query).get("sig", [self.headers.get("Authorization", "").removeprefix("Bearer ")])[0]
        state.given.append(given)
        if given.rpartition("-")[2] != str(state.valid or state.n):
            return self.answer(403 if "blob" in url.netloc else 401, {"error": f"{given} has ended"})
        return self.send_file()

    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        state = self.server.state
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        state.headers.append(dict(self.headers))
        if state.moods:
            return self.answer(state.moods.pop(0), {})
        if form["password"] != ["pass-word"] or form["client_id"] != ["cdse-public"]:
            return self.answer(401, {"error": "invalid_grant"})
        state.n += 1
        return self.answer(200, {"access_token": f"bearer-{state.n}", "expires_in": state.lasts_s})

    def send_file(self):
        body, start, end = self.server.state.file, 0, None
        if text := self.headers.get("Range", "").removeprefix("bytes="):
            start, end = (int(n) if n else None for n in text.split("-"))
        part = body[start : None if end is None else end + 1]
        self.send_response(206 if text else 200)
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)

    def answer(self, code, document):
        body = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def provider(monkeypatch, tmp_path):
    """State of the provider: `n` tokens given out, `valid` the only one taken, or 0 for the newest."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.state = SimpleNamespace(n=0, valid=0, lasts_s=600, moods=[], given=[], headers=[], file=b"file")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    for name in ("CDSE_ACCESS_TOKEN", "PC_SDK_SUBSCRIPTION_KEY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"http_proxy": address, "CDSE_USERNAME": "me", "CDSE_PASSWORD": "pass-word"}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.state.signer = Signer(pc_token=f"{address}/sas", cdse_identity=f"{address}/token", patience=QUICK)
    server.state.fetcher = Fetcher(server.state.signer, QUICK)
    yield server.state
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("href", [CDSE, AZURE])
def test_a_token_serves_many_files_and_is_renewed_when_it_is_refused(provider, tmp_path, href):
    for i in range(3):
        provider.fetcher.fetch_file(href, tmp_path / str(i))
    assert provider.n == 1
    provider.valid = 2  # the first has ended before its time
    provider.fetcher.fetch_file(href, tmp_path / "after")
    assert (provider.n, len(provider.given)) == (2, 5)
    provider.valid = 9  # nothing helps: one new token, then an error
    with pytest.raises(SourceError, match="refused"):
        provider.fetcher.fetch_file(href, tmp_path / "never")
    assert (provider.n, len(provider.given)) == (3, 7)
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("href", [CDSE, AZURE])
def test_a_token_about_to_end_is_renewed_before_it_is_used(provider, tmp_path, href):
    provider.lasts_s = 30
    for i in range(3):
        provider.fetcher.fetch_file(href, tmp_path / str(i))
    assert (provider.n, len(provider.given)) == (3, 3)


def test_the_login_is_asked_again_while_busy_and_goes_alone(provider, tmp_path):
    provider.moods = [503, 429]
    provider.fetcher.fetch_file(CDSE, tmp_path / "file")
    assert len(provider.headers) == 3
    assert not any("Authorization" in headers for headers in provider.headers)  # ~/.netrc stays out of it


def test_what_is_wrong_with_a_login_names_the_variables_to_set(provider, tmp_path, monkeypatch):
    provider.moods = [503] * 9
    with pytest.raises(SourceError, match=r"gives no token \(HTTP 503\)"):
        provider.fetcher.fetch_file(CDSE, tmp_path / "file")
    provider.moods = []
    monkeypatch.setenv("CDSE_PASSWORD", "another")
    with pytest.raises(SourceError, match=r"HTTP 401\)\. Set CDSE_USERNAME and CDSE_PASSWORD") as caught:
        provider.fetcher.fetch_file(CDSE, tmp_path / "file")
    assert "another" not in str(caught.value)
    monkeypatch.delenv("CDSE_PASSWORD")
    with pytest.raises(SourceError, match=r"need an account\. Set CDSE_USERNAME"):
        provider.fetcher.fetch_file(CDSE, tmp_path / "file")
    monkeypatch.setenv("CDSE_ACCESS_TOKEN", "bearer-old")
    with pytest.raises(SourceError, match=r"HTTP 401.*a new CDSE_ACCESS_TOKEN") as caught:
        provider.fetcher.fetch_file(CDSE, tmp_path / "file")
    assert provider.given == ["bearer-old"]  # it cannot be renewed, so it is not tried twice
    assert "bearer-old" not in str(caught.value)


def test_windows_of_signed_files_are_read_and_nothing_signed_is_told(provider, tmp_path, monkeypatch, caplog, capfd):
    monkeypatch.setattr(read_remote, "_SIGNER", provider.signer)
    numbers = np.random.default_rng(0).integers(1, 9000, (256, 256)).astype(np.uint16)
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint16", "height": 256, "width": 256, "tiled": True}
    grid = {"crs": "EPSG:32631", "transform": Affine(10, 0, 500_000, 0, -10, 4_800_000), "blockxsize": 64}
    with rasterio.open(tmp_path / "a.tif", "w", **profile, **grid, blockysize=64) as target:
        target.write(numbers, 1)
    provider.file = (tmp_path / "a.tif").read_bytes()
    time = parse_time("2021-05-01T10:00:00Z")
    scene = Scene("x", "stac", "L2A", "s2", "31TEJ", time, "", None, None, 0, "", {"B02": Asset(AZURE, 10)})
    told = []
    with caplog.at_level(logging.DEBUG), rasterio.Env(CPL_DEBUG=True):
        part = read_scene_grid(scene)[64:128, 0:192]

        def read(name):
            return read_asset(Asset(AZURE.replace("B02", name), 10), part, resampling="nearest", threads=1)

        assert np.array_equal(read("B02"), numbers[64:128, :192])
        provider.valid = 2  # the first is refused, the second is taken
        assert np.array_equal(read("B03"), numbers[64:128, :192])
        assert provider.n == 2
        provider.fetcher.fetch_file(AZURE, tmp_path / "file")
        for name, content in (("cut", provider.file[:40_000]), ("page", b"<html>Too many requests</html>")):
            provider.file = content
            with pytest.raises(SourceError, match=name) as caught:
                read(name)
            told.append(str(caught.value))
        provider.valid = 99
        with pytest.raises(SourceError, match="token may have ended") as caught:
            read("ended")
        with pytest.raises(SourceError, match="a new CDSE_ACCESS_TOKEN") as of_login:
            provider.fetcher.fetch_file(CDSE, tmp_path / "none")
    output = capfd.readouterr()
    for text in (*told, str(caught.value), str(of_login.value), output.out, output.err, caplog.text):
        assert not [secret for secret in SECRETS if secret in text]
    assert "urllib3" in caplog.text
    assert "VSICURL" in caplog.text

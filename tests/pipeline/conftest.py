"""A very small invented country, written once, and an experiment on it that runs in seconds."""

import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
import yaml

from bocage.cli.main import main
from bocage.core.artifacts import write_json
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import write_country

TINY = SyntheticOptions(seed=3, size_px=288, dates=("05-26", "07-05"), cloud_fraction=0.02)


@pytest.fixture(scope="session")
def country(tmp_path_factory):
    return write_country(tmp_path_factory.mktemp("land") / "country", TINY)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An artifact store of its own, for this process and for the commands it starts."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BOCAGE_CACHE", str(folder))
    return folder


@pytest.fixture
def experiment_file(country, tmp_path):
    """Write the tiny experiment, with changes; returns its path."""

    def write(name="tiny", **changes) -> Path:
        sections = {
            "name": "tiny",
            "seed": 1,
            "parcels": {"kind": "eurocrops", "path": str(country.eurocrops_path), "year": country.year},
            "scenes": {"catalog": "local_safe", "path": str(country.safe_folder)},
            "patches": {"size_px": 32, "dates": "series"},
            "splits": {"block_m": 640},
            "models": [
                {"name": "unet", "kind": "unet4_gn", "options": {"base_channels": 8}},
                {"name": "forest", "kind": "random_forest", "options": {"n_trees": 5}},
            ],
            "training": {"epochs": 1, "batch_size": 8, "threads": 1, "pixels_per_class": 300},
            "evaluation": {"bootstrap": 100},
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**sections, **changes}))
        return path

    return write


@pytest.fixture
def environment(cache):
    return {**os.environ, "BOCAGE_CACHE": str(cache), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def bocage(capsys):
    """Run one command line with --json; returns the exit code and the object printed."""

    def run(*arguments):
        code = main([*map(str, arguments), "--json", "--quiet"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def serve():
    """Start a server program here and wait until it answers; it ends with the test, which skips where it is absent."""
    running = []

    def start(name, *arguments, environment=None) -> str:
        program = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        if program is None:
            pytest.skip(f"no {name}: install the extra `dev`")
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        command = [program, *(str(a).replace("ADDRESS", address) for a in arguments)]
        running.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
        host, port = address.split(":")
        for _ in range(200):
            with closing(socket.socket()) as client:
                if client.connect_ex((host, int(port))) == 0:
                    return f"http://{address}"
            assert running[-1].poll() is None, running[-1].stderr.read().decode()
            time.sleep(0.05)
        raise AssertionError(f"{name} does not answer")

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def stac_api(serve, tmp_path):
    """Serve items as a STAC API (stac-server, which the wheel of rustac carries). Returns its address."""

    def start(items) -> str:
        file = tmp_path / "items.json"
        write_json(file, {"type": "FeatureCollection", "features": items})
        return serve("rustac", "serve", "--addr", "ADDRESS", "--create-collections", file)

    return start


class PartialContent(http.server.BaseHTTPRequestHandler):
    """Passes requests on to rclone, whose S3 (1.75) answers 200 to a range: GDAL takes that part for the whole file."""

    protocol_version = "HTTP/1.1"
    behind = ""

    def do_GET(self):
        with closing(http.client.HTTPConnection(self.behind)) as rclone:
            rclone.request(self.command, self.path, headers=dict(self.headers))
            answer = rclone.getresponse()
            self.send_response(206 if answer.status == 200 and answer.headers["Content-Range"] else answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):  # a killed download
                shutil.copyfileobj(answer, self.wfile)

    def do_HEAD(self):
        self.do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def s3(serve, tmp_path, monkeypatch):
    """Serve a folder of buckets as S3 with signed requests and ranges, the keys in the environment (rclone).

    Returns rclone's own address.
    """
    passing = []

    def start(folder) -> str:
        for name in [n for n in os.environ if n.startswith(("AWS_", "CDSE_"))]:
            monkeypatch.delenv(name)
        keys = {"AWS_ACCESS_KEY_ID": "bocage-test-key", "AWS_SECRET_ACCESS_KEY": "bocage-test-secret"}
        options = ("--copy-links", "--dir-cache-time", "0s", "--addr", "ADDRESS", "--auth-key", ",".join(keys.values()))
        config = {**os.environ, "RCLONE_CONFIG": str(tmp_path / "rclone.conf")}
        address = serve("rclone", "serve", "s3", *options, folder, environment=config)
        handler = type("Handler", (PartialContent,), {"behind": address.removeprefix("http://")})
        passing.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=passing[-1].serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("AWS_S3_ENDPOINT", f"http://127.0.0.1:{passing[-1].server_port}")
        for name, value in keys.items():
            monkeypatch.setenv(name, value)
        return address

    yield start
    for server in passing:
        server.shutdown()
        server.server_close()

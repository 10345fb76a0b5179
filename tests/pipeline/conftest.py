"""A very small invented country, written once, and an experiment on it that runs in seconds."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import yaml

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
def serve():
    """Start a server program on this machine and wait until it answers; ends with the test, skips where it is absent."""
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


@pytest.fixture
def s3(serve, tmp_path, monkeypatch):
    """Serve a folder of buckets as S3 with signed requests and ranges (rclone), its keys in the environment."""

    def start(folder) -> str:
        for name in [n for n in os.environ if n.startswith(("AWS_", "CDSE_"))]:
            monkeypatch.delenv(name)
        config = {**os.environ, "RCLONE_CONFIG": str(tmp_path / "rclone.conf")}
        keys = ("bocage-test-key", "bocage-test-secret")
        options = ("--copy-links", "--addr", "ADDRESS", "--auth-key", ",".join(keys))
        address = serve("rclone", "serve", "s3", *options, folder, environment=config)
        monkeypatch.setenv("AWS_S3_ENDPOINT", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys[0])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys[1])
        return address

    return start

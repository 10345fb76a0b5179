"""A browser, and the report of a real run for it to open."""

import os
import shutil
import subprocess

import pytest
import yaml

from bocage.cli.main import main
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import write_country

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"),
)


@pytest.fixture(scope="session")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    return path


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    country = write_country(folder / "country", SyntheticOptions(seed=4, size_px=288, dates=("05-26", "07-05")))
    experiment = {
        "name": "page",
        "parcels": {"path": str(country.eurocrops_path), "year": country.year},
        "scenes": {"path": str(country.safe_folder)},
        "patches": {"size_px": 32, "dates": "series"},
        "splits": {"block_m": 640},
        "models": [
            {"name": "unet", "kind": "unet4_gn", "options": {"base_channels": 8}},
            {"name": "forest", "kind": "random_forest", "options": {"n_trees": 5}},
        ],
        "training": {"epochs": 2, "batch_size": 8, "pixels_per_class": 300},
    }
    (folder / "page.yaml").write_text(yaml.safe_dump(experiment))
    before = os.environ.get("BOCAGE_CACHE")
    os.environ["BOCAGE_CACHE"] = str(folder / "cache")
    try:
        assert main(["run", str(folder / "page.yaml"), "--out", str(folder / "run"), "--quiet"]) == 0
    finally:
        os.environ.pop("BOCAGE_CACHE") if before is None else os.environ.update(BOCAGE_CACHE=before)
    return folder / "run" / "report.html"


@pytest.fixture
def browse(chromium, tmp_path):
    """Runs Chromium, without a network, on a page."""

    def run(*arguments):
        command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    return run

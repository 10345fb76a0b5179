"""The report of a real run, opened by a real browser without a network."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from bocage.cli.main import main
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import write_country

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"),
)


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    return path


@pytest.fixture(scope="module")
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


def browse(chromium, *arguments):
    return subprocess.run([chromium, *FLAGS, *arguments], capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.slow
def test_every_picture_of_the_report_is_drawn_without_a_network(chromium, report, tmp_path):
    probe = tmp_path / "probe.html"
    # the page, and a script that writes what the browser made of it into its title
    script = """<script>addEventListener("load", () => {
        const images = [...document.images];
        const drawn = images.filter(i => i.complete && i.naturalWidth > 50).length;
        const wide = document.documentElement.scrollWidth > innerWidth + 1;
        const out = document.querySelectorAll('[src^="http"], link[href], script[src]').length;
        document.title = `images ${images.length} drawn ${drawn} wide ${wide} outside ${out}`;
    })</script>"""
    probe.write_text(report.read_text().replace("</body>", script + "</body>"))
    page = browse(
        chromium, f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1200,900", "--dump-dom", probe.as_uri()
    )
    title = page.stdout.split("<title>")[1].split("</title>")[0]
    _, n_images, _, n_drawn, _, is_wide, _, n_outside = title.split()
    assert int(n_images) == int(n_drawn) >= 6
    assert is_wide == "false"
    assert n_outside == "0"
    for words in ("What went in", "Split", "Training", "Evaluation", "Map", "Provenance"):
        assert words in page.stdout


@pytest.mark.slow
def test_the_report_is_a_picture_and_not_a_blank_page(chromium, report, tmp_path):
    from PIL import Image

    shot = tmp_path / "shot.png"
    browse(
        chromium,
        *(f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1200,2000", f"--screenshot={shot}"),
        report.as_uri(),
    )
    colors = Image.open(shot).convert("RGB").getcolors(1 << 24)
    assert len(colors) > 100
    assert Path(shot).stat().st_size > 20_000

"""`bocage scenes`: one JSON object on stdout, the promised keys."""

import json
import runpy
from pathlib import Path

import pytest
import typer.testing

from bocage.cli import output, scenes
from bocage.core.errors import ConfigError, CorruptFile

SAFE = runpy.run_path(str(Path(__file__).parent.parent / "scenes" / "safe_files.py"))
PROMISED = {"id", "tile", "datetime", "cloud_cover_fraction", "baseline", "offset", "offset_source", "assets"}


@pytest.fixture
def invoke(monkeypatch):
    """Run a command line with --json; returns what it printed, parsed."""
    monkeypatch.setattr(output.settings, "json", True)

    def run(*arguments):
        result = typer.testing.CliRunner().invoke(scenes.app, [str(a) for a in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return json.loads(result.stdout)

    return run


@pytest.fixture
def archive(tmp_path):
    for month in (4, 5):
        SAFE["write_safe"](tmp_path, SAFE["flat_numbers"](), time=f"20180{month}01T104021")
    return tmp_path


def test_search(invoke, archive):
    found = invoke("search", "--catalog", archive, "--region", "3.0,43.3,3.1,43.4", "--season", "2018-04-01/2018-04-30")
    assert found["tally"] == {"kept": 1, "dropped": {"outside the season": 1}}
    assert set(found["scenes"][0]) >= PROMISED
    assert found == invoke("search", "--catalog=local_safe", "--path", archive, "--season", "2018-03-31/2018-04-30")


def test_inspect(invoke, archive):
    product = sorted(archive.iterdir())[0]
    record = invoke("inspect", product, "--check")
    assert set(record) >= PROMISED
    assert record["assets"]["B8A"]["resolution_m"] == 20
    band = next(product.rglob("*B02_10m.jp2"))
    band.write_bytes(band.read_bytes()[:-1])
    assert invoke("inspect", product)["id"] == record["id"]  # the metadata are whole
    with pytest.raises(CorruptFile, match="B02_10m"):
        invoke("inspect", product, "--check")


def test_catalogs(invoke):
    assert sorted(c["name"] for c in invoke("catalogs")["catalogs"]) == [
        "cdse",
        "earth_search",
        "local_safe",
        "planetary_computer",
        "stac",
        "stac_static",
    ]


@pytest.mark.parametrize("season", ["2018", "2018-05-01/2018-04-01", "May/June"])
def test_a_season_that_is_none(invoke, archive, season):
    with pytest.raises(ConfigError, match="season"):
        invoke("search", "--catalog", archive, "--season", season)

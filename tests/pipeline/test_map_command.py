"""`bocage map` with a checkpoint and a place: what it writes, and what it says of places and files that will not do."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from bocage.cli.main import main
from bocage.core.artifacts import read_json, write_json


@pytest.fixture(scope="module")
def trained(country, tmp_path_factory):
    """A forest on two dates of the tiny country: its checkpoint folder."""
    folder = tmp_path_factory.mktemp("trained")
    file = folder / "tiny.yaml"
    sections = {
        "name": "tiny",
        "parcels": {"kind": "eurocrops", "path": str(country.eurocrops_path), "year": country.year},
        "scenes": {"catalog": "local_safe", "path": str(country.safe_folder)},
        "patches": {"size_px": 32, "dates": "series"},
        "splits": {"block_m": 640},
        "models": [{"name": "forest", "kind": "random_forest", "options": {"n_trees": 5}}],
    }
    file.write_text(yaml.safe_dump(sections))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOCAGE_CACHE", str(folder / "cache"))
        assert main(["train", str(file), "--out", str(folder / "run"), "--quiet"]) == 0
    return folder / "run" / "checkpoint" / "forest"


@pytest.fixture
def map_with(country, cache, tmp_path, capsys):
    """Run `bocage map` on the country's products; returns the exit code and what it said."""

    def run(checkpoint, *arguments, path=None):
        line = ["map", "--checkpoint", checkpoint, "--catalog", "local_safe", "--path", path or country.safe_folder]
        capsys.readouterr()
        code = main([str(a) for a in (*line, *arguments, "--out", tmp_path / "map", "--json", "--quiet")])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.mark.slow
def test_any_checkpoint_maps_any_place(trained, country, map_with):
    left, bottom, right, top = country.record["bbox"]
    half = f"{left},{bottom},{(left + right) / 2},{top}"
    code, result = map_with(trained, "--region", half, "--season", f"{country.year}-05-01/{country.year}-07-31")
    assert code == 0
    assert Path(result["class_map"]).is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--season", "2019-05-01/2019-07-31"], 4, "2 outside the season"),
        (["--region", "10,50,10.1,50.1"], 4, "2 outside the region"),
        (["--region", "10,50,north"], 3, "L,B,R,T"),
        (["--season", "2021-05-01/2021-06-15"], 4, "takes 2 dates, but the cube has 1"),
        (["--parcels", "nowhere.parquet"], 3, "nowhere.parquet"),
        (["--catalog", "local_saf"], 2, "Did you mean 'local_safe'"),
    ],
)
def test_places_that_will_not_do_are_named(trained, map_with, arguments, code, said):
    found, result = map_with(trained, *arguments)
    assert found == code
    assert said in result["error"]["message"]


@pytest.mark.slow
def test_parcels_elsewhere_are_told_with_both_places(trained, map_with, country, tmp_path):
    import geopandas as gpd

    away = gpd.read_file(country.eurocrops_path).head(5)
    away.geometry = away.geometry.translate(xoff=200_000 if away.crs.is_projected else 2)
    away.to_file(tmp_path / "FR_2021_away.shp")
    read = [
        "parcels",
        "read",
        tmp_path / "FR_2021_away.shp",
        "--source",
        "eurocrops",
        "--out",
        tmp_path / "away.parquet",
    ]
    assert main([str(a) for a in (*read, "--country", "FR", "--year", 2021, "--quiet")]) == 0
    code, result = map_with(trained, "--parcels", tmp_path / "away.parquet")
    assert code == 4
    assert "None of 5 parcels lies on the map" in result["error"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"bands": ["B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B01"]},
        {"level": "L1C"},
        {"composite": "monthly_median"},
        {"dilate_m": 60.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_imagery_that_was_made_otherwise_than_in_training_is_refused(trained, map_with, tmp_path, capsys, change):
    code, made = map_with(trained)
    assert code == 0
    cube = Path(made["class_map"]).parent / "cube"
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    record = read_json(other / "model.json")
    write_json(other / "model.json", record | {"preprocessing": record["preprocessing"] | change})
    again = ["map", "--checkpoint", other, "--cube", cube, "--out", tmp_path / "again", "--json", "--quiet"]
    assert main([str(a) for a in again]) == 4
    message = json.loads(capsys.readouterr().out)["error"]["message"]
    assert next(iter(change)) in message
    assert not (tmp_path / "again").exists()

"""`bocage regions plan`: parcels decide where to look, and the flow follows."""

import json

import geopandas
import rasterio
from shapely.geometry import Point

from bocage.cli.main import main
from bocage.datasets.read import open_dataset
from bocage.splits.store import read_split

CELLS = {"kind": "grid", "cell_m": 1000, "max_cells": 2}


def test_cells_of_an_experiment_counted_drawn_and_built(experiment_file, cache, tmp_path, capsys):
    path = experiment_file(regions=CELLS)
    picture = tmp_path / "regions.png"
    assert main(["regions", "plan", str(path), "--picture", str(picture), "--run", str(tmp_path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["regions"]
    assert [r["name"] for r in rows] == ["cell_1", "cell_2"]
    assert rows[0]["target_ha"] >= rows[1]["target_ha"] > 0
    assert picture.read_bytes().startswith(b"\x89PNG")

    assert main(["build", str(path), "--out", str(tmp_path / "run"), "--json", "--quiet"]) == 0
    capsys.readouterr()
    cubes = set(open_dataset(tmp_path / "run" / "dataset").manifest["cube"])
    assert {c.split("-")[0] for c in cubes} == {"cell_1", "cell_2"}


def test_landscapes_by_cropland_with_one_zone_of_each_for_test(country, experiment_file, cache, tmp_path, capsys):
    with rasterio.open(country.worldcover_path) as cover:
        left, bottom, right, top = cover.bounds
    towns = [Point(left + (right - left) * x, (bottom + top) / 2) for x in (0.3, 0.7)]
    geopandas.GeoDataFrame({"name": ["West", "East"]}, geometry=towns, crs="EPSG:4326").to_file(tmp_path / "towns.gpkg")
    places = {"kind": "landscapes", "path": str(tmp_path / "towns.gpkg"), "landcover": [str(country.worldcover_path)]}
    places |= {"cell_m": 480, "reach_m": 500, "max_cells": 3}
    path = experiment_file(regions=places, splits={"strategy": "zones"})
    assert main(["regions", "plan", str(path), "--run", str(tmp_path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["regions"]
    assert [r["name"] for r in rows] == ["West_1", "West_2", "West_3", "East_1", "East_2", "East_3"]
    assert all(r["n_parcels"] > 0 and r["mean_ha"] > 0 for r in rows)
    assert all(abs(r["area_ha"] - 23.04) < 0.1 for r in rows)

    run = tmp_path / "run"
    assert main(["build", str(path), "--out", str(run), "--json", "--quiet"]) == 0
    capsys.readouterr()
    assert (
        main(["split", "make", str(run / "dataset"), "--strategy", "zones", "--out", str(tmp_path / "s.parquet")]) == 0
    )
    split = read_split(tmp_path / "s.parquet").table
    zone_of = open_dataset(run / "dataset").manifest.set_index("sample_id")["cube"].str.split("-").str[0]
    tested = set(zone_of[split.loc[split["part"] == "test", "sample_id"]])
    assert {zone.split("_")[0] for zone in tested} == {"West", "East"}
    assert len(tested) == 2

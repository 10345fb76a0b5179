"""`bocage regions plan`: parcels decide where to look, and the flow follows."""

import json

from bocage.cli.main import main
from bocage.datasets.read import open_dataset

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

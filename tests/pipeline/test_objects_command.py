"""`bocage objects` on the tiny invented country: the table agrees with the cube and the labels it was made of."""

import json

import numpy as np
import pandas as pd
import pytest

from bocage.cli.main import main
from bocage.core.artifacts import ArtifactStore
from bocage.cubes.store import open_cube
from bocage.labels.store import open_labels


def test_the_parcel_table_of_an_experiment(experiment_file, cache, tmp_path, capsys):
    arguments = ["objects", str(experiment_file()), "--run", str(tmp_path / "run"), "--json", "--quiet"]
    assert main([*arguments, "--out", str(tmp_path / "objects.parquet")]) == 0
    result = json.loads(capsys.readouterr().out)
    table = pd.read_parquet(tmp_path / "objects.parquet")
    assert result["n_parcels"] == len(table) > 10
    assert result["n_dropped"] == sum(result["tally"]["dropped"].values())
    assert result["columns"] == list(table.columns)
    assert {"number", "id", "label", "counts", "B02_20210526_mean", "B8A_20210705_std"} <= set(table.columns)

    folders = {a["stage"]: ArtifactStore().root / a["stage"] / a["key"] for a in ArtifactStore().info()}
    cube, labels = (next(p for p in folders[s].iterdir() if p.is_dir()) for s in ("cubes", "labels"))
    part, ids = open_cube(cube).read(dates=[0]), open_labels(labels).read()[1]
    row = table.loc[table["counts"].idxmax()]
    pixels = part.reflectance[0, 3][(ids == row["number"]) & part.valid[0]]
    assert row["counts"] == (ids == row["number"]).sum()
    assert row["B08_20210526_mean"] == pytest.approx(pixels.mean(dtype=float), rel=1e-6)
    assert row["B08_20210526_std"] == pytest.approx(pixels.std(dtype=float), rel=1e-4)

    # a second time nothing is made; a csv has the known layout; another name is refused
    assert main([*arguments, "--out", str(tmp_path / "objects.csv.gz"), "--set", "patches.objects.periods=month"]) == 0
    layout = pd.read_csv(tmp_path / "objects.csv.gz")
    assert list(layout.columns[:4]) == ["parcel_id", "label", "counts", "B02_04_mean"]
    assert np.isfinite(layout["B02_04_mean"]).any()
    assert main([*arguments, "--out", str(tmp_path / "objects.xlsx")]) == 2

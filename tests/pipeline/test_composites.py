"""Monthly medians with filled gaps, from products to a map."""

import json

import pytest

from bocage.cli.main import main
from bocage.datasets.read import open_dataset


@pytest.mark.slow
def test_monthly_medians_make_series_of_one_length_and_travel_with_the_model(
    experiment_file, country, cache, tmp_path, capsys
):
    season = [f"{country.year}-05-01", f"{country.year}-07-31"]
    file = experiment_file(
        scenes={"catalog": "local_safe", "path": str(country.safe_folder), "season": season},
        cubes={"composite": "monthly_median", "fill": "neighbours"},
        models=[{"name": "forest", "kind": "random_forest", "options": {"n_trees": 5}}],
    )
    assert main(["run", str(file), "--out", str(tmp_path / "run"), "--quiet", "--json"]) == 0
    capsys.readouterr()
    dataset = open_dataset(tmp_path / "run" / "dataset")
    sample = dataset.read(dataset.sample_ids[0])
    assert sample.image.shape[0] == 3  # May, June without a product, July
    assert sample.valid.any()
    assert (sample.valid == sample.valid[0]).all()  # a pixel has all of its months, or none
    assert sample.origin.scenes[1] == f"{country.year}-06-01/{country.year}-06-30"
    prepared = json.loads((tmp_path / "run" / "checkpoint" / "forest" / "model.json").read_text())["preprocessing"]
    assert (prepared["composite"], prepared["fill"]) == ("monthly_median", "neighbours")

    line = [
        *("map", "--checkpoint", str(tmp_path / "run" / "checkpoint" / "forest"), "--catalog", "local_safe"),
        *("--path", str(country.safe_folder), "--season", "/".join(season), "--out", str(tmp_path / "map")),
        *("--quiet", "--json"),
    ]
    assert main(line) == 0  # a cube of the same months is built by itself …
    (record,) = (tmp_path / "map").glob("*/cube/cube.json")
    built = record.stat().st_mtime_ns
    assert main(line) == 0
    assert record.stat().st_mtime_ns == built  # … and once

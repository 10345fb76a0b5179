"""A map of known errors: points drawn in each class give back the true areas, counting pixels does not."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.transform import from_origin

from bocage.cli.main import main
from bocage.core.errors import ConfigError, DataError, MissingFile
from bocage.mapping.points import draw_ranks, estimate_from_points, find_ranks
from bocage.mapping.read_points import draw_points, read_points, write_points

NAMES = ("background", "wheat", "maize")


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return np.random.default_rng(1).choice(3, (600, 500), p=[0.5, 0.35, 0.15]).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(truth: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map that calls a fifth of the wheat maize; its first row has not been seen."""
    path = tmp_path_factory.mktemp("map")
    mapped = np.where((truth == 1) & (np.random.default_rng(2).random(truth.shape) < 0.2), 2, truth).astype(np.uint8)
    mapped[0] = 255
    about = {"driver": "GTiff", "height": 600, "width": 500, "count": 1, "dtype": "uint8", "crs": "EPSG:32631"}
    with rasterio.open(path / "class_map.tif", "w", transform=from_origin(500_000, 5_000_000, 10, 10), **about) as file:
        file.write(mapped, 1)
    lines = [f"{i},{name},0,0,0,#000000" for i, name in enumerate(NAMES)]
    (path / "legend.csv").write_text("\n".join(["value,name,red,green,blue,hex", *lines]))
    return path


def fill_in(points: pd.DataFrame, truth: np.ndarray) -> pd.DataFrame:
    """What somebody who goes there sees."""
    row = ((5_000_000 - points.geometry.y) // 10).astype(int)
    col = ((points.geometry.x - 500_000) // 10).astype(int)
    return points.assign(reference_class=np.array(NAMES)[truth[row, col]])


def test_every_pixel_of_a_class_can_be_drawn_and_bands_join_without_a_seam() -> None:
    band = np.array([[0, 1, 1], [1, 0, 1]], np.uint8)
    ranks = {0: np.array([0, 3]), 1: np.array([1, 4])}
    before = np.zeros(256, np.int64)
    assert find_ranks(band, before, ranks) == [(0, 0, 0), (1, 0, 2)]
    before[:2] = [2, 4]  # the same band again, below
    assert find_ranks(band, before, ranks) == [(0, 1, 1), (1, 0, 1)]
    drawn = draw_ranks(np.array([3, 0, 100]), 5, np.random.default_rng(0))
    assert drawn[0].tolist() == [0, 1, 2]  # a small class is taken whole
    assert len(set(drawn[2].tolist())) == 5
    assert 1 not in drawn


def test_intervals_hold_the_true_areas_where_counts_do_not(folder: Path, truth: np.ndarray) -> None:
    seen = truth[1:]
    true_ha = {name: float((seen == i).sum()) / 100 for i, name in enumerate(NAMES)}
    held, n = 0, 40
    for seed in range(n):
        points = fill_in(draw_points(folder, 200, seed=seed), truth)
        assert points["map_class"].value_counts().to_dict() == dict.fromkeys(NAMES, 200)
        area = estimate_from_points(points, NAMES)["per_class"]["maize"]["area_ha"]
        held += area["low"] <= true_ha["maize"] <= area["high"]
    mapped = estimate_from_points(points, NAMES)["per_class"]["maize"]["mapped_ha"]
    assert mapped > area["high"] > true_ha["maize"]  # the map shows too much
    assert held >= 0.85 * n


def test_a_sample_that_was_tampered_with_is_refused(folder: Path, truth: np.ndarray) -> None:
    points = fill_in(draw_points(folder, 10, seed=1), truth)
    with pytest.raises(DataError, match=r"(wheat|maize|background) 9 of 10"):
        estimate_from_points(points.iloc[1:], NAMES)
    with pytest.raises(DataError, match="1 of 30 points have no reference_class"):
        estimate_from_points(
            points.assign(reference_class=points["reference_class"].where(points["point"] > 1, "")), NAMES
        )
    with pytest.raises(DataError, match=r"no class Wheat.*Did you mean 'wheat'"):
        estimate_from_points(points.replace({"reference_class": {"wheat": "Wheat"}}), NAMES)
    with pytest.raises(ConfigError, match="lack class_px"):
        estimate_from_points(points.drop(columns="class_px"), NAMES)
    with pytest.raises(MissingFile, match="holds no map"):
        draw_points(folder / "elsewhere", 10, seed=1)


@pytest.mark.parametrize("ending", ["csv", "gpkg"])
def test_from_the_map_to_the_areas_by_command(
    ending: str, folder: Path, truth: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"points.{ending}"
    assert main(["areas", "draw", str(folder), "--out", str(file), "--per-class", "30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_points"] == 90
    assert main(["areas", "estimate", str(folder), str(file), "--json"]) == 4  # nobody has been there yet
    capsys.readouterr()
    filled = fill_in(draw_points(folder, 30, seed=0), truth)
    assert (read_points(file)["map_class"] == filled["map_class"]).all()  # the same seed, the same points
    write_points(filled, file)
    assert main(["areas", "estimate", str(folder), str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["per_class"]["wheat"]["users_accuracy"]["value"] == 1.0
    assert found["per_class"]["maize"]["users_accuracy"]["value"] < 0.9

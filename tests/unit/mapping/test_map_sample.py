"""A probability sample of a map: known chances, unbiased areas whose intervals hold what they promise."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from bocage.cli.main import main
from bocage.core.errors import DataError, MissingFile, UnknownName
from bocage.core.grid import make_grid
from bocage.mapping.areas import BASIS
from bocage.mapping.map_area import CLASS_MAP, LEGEND, RECORD
from bocage.mapping.read import read_regions
from bocage.mapping.sample import allocate, draw_sample, estimate_map, look_up, open_map
from bocage.mapping.style import to_legend
from bocage.mapping.write import class_colormap, write_cog

NAMES, COLORS = ("background", "wheat", "maize"), ("#000000", "#ffcc00", "#00aa55")
GRID = make_grid("EPSG:32631", 500_000, 5_000_000, 10, (300, 200))
LEFT_HALF = box(500_000, 4_997_000, 501_000, 5_000_000)
TRUTH = np.random.default_rng(1).choice(3, (300, 200), p=[0.6, 0.3, 0.1]).astype(np.uint8)


def save_map(folder: Path, classes: np.ndarray) -> Path:
    folder.mkdir()
    write_cog(
        folder / CLASS_MAP,
        GRID,
        lambda row, n: classes[None, row : row + n],
        scratch=folder,
        descriptions=["class"],
        overviews="MODE",
        colormap=class_colormap(COLORS),
    )
    (folder / LEGEND).write_text(to_legend(NAMES, COLORS))
    (folder / RECORD).write_text("{}")
    return folder


@pytest.fixture(scope="module")
def mapped(tmp_path_factory) -> Path:
    """A map that takes a fifth of the maize for wheat, and has not seen its last rows."""
    rng = np.random.default_rng(2)
    classes = np.where((TRUTH == 2) & (rng.random(TRUTH.shape) < 0.2), 1, TRUTH).astype(np.uint8)
    classes[290:] = 255
    return save_map(tmp_path_factory.mktemp("sample") / "map", classes)


def look_at(sample: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The sample with its true classes."""
    truth = np.array(NAMES, object)[TRUTH[sample["row"], sample["col"]]]
    return sample.assign(reference_class=truth)


def test_rare_classes_get_their_least_and_none_more_than_it_has():
    assert allocate(np.array([9_000, 990, 10, 0]), 100, 20).tolist() == [90, 20, 10, 0]


def test_pixels_are_drawn_once_from_their_class_with_known_chances(mapped):
    found = open_map(mapped)
    sample = draw_sample(found, n=300, least=40, seed=0)
    whole = np.concatenate([classes for _, classes in found.bands()])
    assert not sample.duplicated(["row", "col"]).any()
    assert (np.array(NAMES)[whole[sample["row"], sample["col"]]] == sample["mapped_class"]).all()
    for i, name in enumerate(NAMES):
        own = sample[sample["mapped_class"] == name]
        assert own["inclusion_probability"].unique() == pytest.approx(len(own) / (whole == i).sum())
    assert (sample["mapped_class"] == "maize").sum() == 40
    x, y = sample.geometry.x, sample.geometry.y
    assert (x == 500_005 + 10 * sample["col"]).all()
    assert (y == 4_999_995 - 10 * sample["row"]).all()
    assert sample.equals(draw_sample(found, n=300, least=40, seed=0))
    assert not sample["row"].is_monotonic_increasing
    counts = np.zeros(300, int)  # every row is as likely as another
    for seed in range(20):
        counts += np.bincount(draw_sample(found, n=300, least=40, seed=seed)["row"], minlength=300)
    assert counts[290:].sum() == 0
    thirds = counts[:288].reshape(3, 96).sum(1)
    assert np.abs(thirds / thirds.mean() - 1).max() < 0.07


def test_intervals_hold_the_true_areas_as_often_as_they_say(mapped):
    """Of maize the map shows 4/5; the estimate does not, in the whole and in a half of the map."""
    found = open_map(mapped)
    regions = gpd.GeoDataFrame({"name": ["west"]}, geometry=[LEFT_HALF], crs="EPSG:32631").to_crs("EPSG:3035")
    true_ha = {
        "whole map": np.bincount(TRUTH[:290].ravel()) / 100,
        "west": np.bincount(TRUTH[:290, :100].ravel()) / 100,
    }
    tables = []
    for seed in range(60):
        sample = look_at(draw_sample(found, n=300, least=30, seed=seed))
        table, _ = estimate_map(found, sample, regions)
        tables.append(table.assign(true_ha=np.concatenate(list(true_ha.values()))))
    together = pd.concat(tables)
    holds = (together["low_ha"] <= together["true_ha"]) & (together["true_ha"] <= together["high_ha"])
    assert holds.groupby([together["region"], together["class_name"]]).mean().min() > 0.85
    assert 0.9 < holds.mean() < 0.99
    means = together.groupby(["region", "class_name"])[["area_ha", "true_ha", "mapped_ha"]].mean()
    assert (means["area_ha"] / means["true_ha"] - 1).abs().max() < 0.08
    assert means.loc[("whole map", "maize"), "mapped_ha"] < 0.85 * means.loc[("whole map", "maize"), "true_ha"]


def test_a_region_with_few_sampled_pixels_and_a_class_never_met_have_no_interval(mapped):
    found = open_map(mapped)
    corner = box(500_000, 4_999_900, 500_100, 5_000_000)
    regions = gpd.GeoDataFrame({"name": ["corner"]}, geometry=[corner], crs="EPSG:32631")
    sample = look_at(draw_sample(found, n=100, least=20, seed=0))
    table, accuracy = estimate_map(found, sample.replace({"reference_class": {"maize": "wheat"}}), regions)
    table = table.set_index(["region", "class_name"])
    assert (table.loc["corner", "basis"] == BASIS).all()
    assert table.loc["corner", "mapped_ha"].sum() == pytest.approx(1)
    assert table.loc[("whole map", "maize"), "basis"] == BASIS
    assert np.isnan(table.loc[("whole map", "maize"), "area_ha"])
    assert table.loc[("whole map", "wheat"), "basis"].startswith("stratified random sample, 112 px")
    assert accuracy.iloc[0]["measure"] == "overall_accuracy"
    assert accuracy[["low", "high"]].stack().between(0, 1).all()


def test_a_class_mapped_on_a_lone_pixel_does_not_stop_the_estimate(tmp_path):
    classes = np.minimum(TRUTH, 1)
    classes[5, 5] = 2
    found = open_map(save_map(tmp_path / "map", classes))
    table, _ = estimate_map(found, look_at(draw_sample(found, n=100, least=20, seed=0)), None)
    assert table["area_ha"].iloc[:2].sum() == pytest.approx(600, rel=0.2)


def test_samples_that_are_unfinished_or_of_another_map_are_refused(mapped, tmp_path):
    found = open_map(mapped)
    sample = draw_sample(found, n=100, least=20, seed=0)
    with pytest.raises(DataError, match="112 of 112 sampled pixels have no reference_class"):
        estimate_map(found, sample, None)
    with pytest.raises(UnknownName, match="rice; the map has background, wheat, maize"):
        estimate_map(found, sample.assign(reference_class="rice"), None)
    with pytest.raises(DataError, match="drawn from another map"):
        estimate_map(open_map(save_map(tmp_path / "other", TRUTH)), look_at(sample).assign(mapped_class="maize"), None)
    with pytest.raises(DataError, match="lacks reference_class"):
        estimate_map(found, sample.drop(columns="reference_class"), None)
    with pytest.raises(MissingFile, match="holds no finished map"):
        open_map(tmp_path)


def test_polygons_that_contradict_each_other_tell_nothing(mapped):
    sample = draw_sample(open_map(mapped), n=100, least=20, seed=0)
    x, y = sample.geometry.x, sample.geometry.y
    everywhere = box(x.min() - 1, y.min() - 1, x.max() + 1, y.max() + 1)
    west = box(x.min() - 1, y.min() - 1, x.median(), y.max() + 1)
    truth = gpd.GeoDataFrame(geometry=[everywhere, everywhere, west], crs=sample.crs)
    filled = look_up(sample, truth.assign(name=["wheat", "wheat", "maize"]))["reference_class"]
    assert filled[x < x.median()].isna().all()
    assert (filled[x > x.median()] == "wheat").all()


def test_a_polygon_without_a_class_tells_nothing(mapped, tmp_path):
    sample = draw_sample(open_map(mapped), n=50, least=5, seed=2)
    x, y = sample.geometry.x, sample.geometry.y
    everywhere = box(x.min() - 1, y.min() - 1, x.max() + 1, y.max() + 1)
    east = box(x.median(), y.min() - 1, x.max() + 1, y.max() + 1)
    gpd.GeoDataFrame({"crop": [None, "maize"]}, geometry=[everywhere, east], crs=sample.crs).to_file(
        tmp_path / "truth.gpkg"
    )
    filled = look_up(sample, read_regions(tmp_path / "truth.gpkg", "crop"))["reference_class"]
    assert filled[x < x.median()].isna().all()
    assert (filled[x > x.median()] == "maize").all()


def test_the_commands_draw_look_up_and_estimate(mapped, tmp_path, capsys):
    west = [box(500_000, 4_990_000, 501_000, 5_000_000), box(501_000, 4_990_000, 502_000, 5_000_000)]
    polygons = gpd.GeoDataFrame({"class_name": ["wheat", "background"]}, geometry=west, crs="EPSG:32631")
    polygons.to_crs("EPSG:4326").to_file(tmp_path / "truth.gpkg")
    line = ["areas", "sample", str(mapped), "--n", "200", "--out", str(tmp_path / "sample.gpkg"), "--json"]
    assert main([*line, "--reference", str(tmp_path / "truth.gpkg")]) == 0
    drawn = json.loads(capsys.readouterr().out)
    assert (drawn["n_open"], drawn["by_class"]["maize"]) == (0, 50)
    assert main(line) == 2  # what was filled in is never written over
    inside = ["areas", "sample", str(mapped), "--out", str(mapped / "sample.gpkg")]
    assert main(inside) == 2  # nor does it stand where a run deletes it
    capsys.readouterr()
    estimate = ["areas", "estimate", str(mapped), "--sample", str(tmp_path / "sample.gpkg"), "--json"]
    assert main(estimate) == 0
    made = json.loads(capsys.readouterr().out)
    wheat = next(r for r in made["by_class"] if r["class_name"] == "wheat")
    assert wheat["low_ha"] < 290 < wheat["high_ha"]  # the western half
    assert pd.read_csv(made["areas"])["basis"].tolist()[2] == BASIS  # no maize in truth
    assert Path(made["areas"]) == tmp_path / "sample_areas.csv"
    assert set(pd.read_csv(made["accuracy"])["measure"]) == {"overall_accuracy", "users_accuracy", "producers_accuracy"}


def test_a_sample_that_lost_rows_or_has_some_twice_is_refused(mapped):
    found = open_map(mapped)
    sample = look_at(draw_sample(found, n=100, least=20, seed=0))
    maize = sample[sample["mapped_class"] == "maize"]
    with pytest.raises(DataError, match=r"missing or stand twice \(maize\)"):
        estimate_map(found, sample.drop(index=maize.index[:1]), None)
    with pytest.raises(DataError, match=r"missing or stand twice \(maize\)"):
        estimate_map(found, sample.drop(index=maize.index), None)
    with pytest.raises(DataError, match=r"missing or stand twice \(maize\)"):
        estimate_map(found, pd.concat([sample, maize.iloc[:1]]), None)
    with pytest.raises(DataError, match=r"missing or stand twice \(in equal numbers\)"):
        estimate_map(found, pd.concat([sample.drop(index=maize.index[:1]), maize.iloc[1:2]]), None)
    shuffled = sample.sample(frac=1, random_state=0).assign(
        inclusion_probability=sample["inclusion_probability"].round(5)
    )
    assert len(estimate_map(found, shuffled, None)[0]) == 3

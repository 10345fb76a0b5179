"""What classes look like, worked out by hand on a few pixels."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bocage.core.grid import make_grid
from bocage.core.sample import Origin, Sample
from bocage.datasets.info import ClassInfo
from bocage.evaluation.embedding import embed
from bocage.reports import plots
from bocage.reports.looks import tree_table
from bocage.reports.read import read_crops
from bocage.reports.signatures import describe_samples

BANDS = ("B04", "B08")


def make_sample(red, nir, labels, ids, *, valid=None, days=(18000,)):
    """One row of pixels; `red` and `nir` are (dates, pixels)."""
    red, nir = np.array(red, np.float32), np.array(nir, np.float32)
    image = np.stack([red, nir], axis=1)[:, :, None]
    seen = np.ones((len(days), 1, red.shape[1]), bool) if valid is None else np.array(valid, bool)[:, None]
    grid = make_grid("EPSG:32631", 0, 0, 10, (1, red.shape[1]))
    origin = Origin("s", "FR", 2018, "31TEJ", ("one",), grid)
    row = lambda values, kind: np.array([values], kind)
    return Sample(image, seen, row(labels, np.uint8), row(ids, np.uint32), np.array(days, np.int32), BANDS, origin)


def test_ndvi_is_averaged_over_the_valid_known_pixels_of_each_class():
    sample = make_sample(
        [[0.1, 0.1, 0.1, 0.1]], [[0.1, 0.3, 0.9, 0.1]], [1, 1, 1, 255], [5, 5, 6, 7], valid=[[1, 1, 0, 1]]
    )
    table = describe_samples([sample]).ndvi
    assert len(table) == 1
    line = table.iloc[0]
    assert (line["region"], line["class_id"], line["day"], line["n_px"]) == ("FR 2018 31TEJ", 1, 18000, 2)
    assert line["mean"] == pytest.approx(0.25)  # 0 and 0.5
    assert line["deviation"] == pytest.approx(0.25)


def test_ndvi_of_two_samples_is_that_of_all_their_pixels():
    halves = [make_sample([[0.1] * 2], [[a, b]], [2, 2], [1, 1]) for a, b in ((0.1, 0.3), (0.3, 0.7))]
    whole = make_sample([[0.1] * 4], [[0.1, 0.3, 0.3, 0.7]], [2] * 4, [1] * 4)
    pd.testing.assert_frame_equal(describe_samples(halves).ndvi, describe_samples([whole]).ndvi)


def test_a_parcel_is_one_row_of_monthly_means_and_unseen_months_take_the_mean_of_the_others():
    days = (18000, 18030)  # 2019-04-14 and 2019-05-14
    sample = make_sample(
        [[0.1, 0.3, 0.6], [0.2, 0.4, 0.9]],
        [[0.5] * 3] * 2,
        [1, 1, 2],
        [8, 8, 9],
        days=days,
        valid=[[1, 1, 1], [1, 1, 0]],
    )
    found = describe_samples([sample])
    assert found.objects[["number", "class_id"]].to_numpy().tolist() == [[8, 1], [9, 2]]
    red = found.features.reshape(2, 12, 2)[..., 0]
    assert red[:, 3].tolist() == pytest.approx([0.2, 0.6])  # April
    assert red[:, 4].tolist() == pytest.approx([0.3, 0.3])  # May: the second parcel was not seen
    assert not red[:, 5:].any()


def test_dates_of_one_window_are_one_parcel_and_windows_are_not():
    days = (18000, 18030)
    both = make_sample([[0.1], [0.3]], [[0.5], [0.7]], [1], [8], days=days)
    apart = [make_sample([[r]], [[n]], [1], [8], days=(d,)) for r, n, d in ((0.1, 0.5, days[0]), (0.3, 0.7, days[1]))]
    found, whole = describe_samples(apart), describe_samples([both])
    pd.testing.assert_frame_equal(found.objects, whole.objects)
    np.testing.assert_allclose(found.features, whole.features)
    elsewhere = replace(apart[1], origin=replace(apart[1].origin, grid=make_grid("EPSG:32631", 10, 0, 10, (1, 1))))
    assert len(describe_samples([apart[0], elsewhere]).objects) == 2


def test_background_and_unknown_pixels_are_no_parcels():
    assert describe_samples([make_sample([[0.1] * 2], [[0.5] * 2], [0, 255], [3, 4])]).objects.empty


def test_bands_without_red_give_no_ndvi():
    sample = make_sample([[0.1]], [[0.2]], [1], [1])
    other = Sample(
        sample.image, sample.valid, sample.labels, sample.parcel_ids, sample.days, ("B02", "B03"), sample.origin
    )
    assert describe_samples([other]).ndvi.empty


def test_two_kinds_of_parcel_lie_apart_and_again_in_the_same_place():
    rng = np.random.default_rng(1)
    features = np.concatenate([rng.normal(m, 0.1, (25, 6)) for m in (0, 3)])
    plane = embed(features)
    middles = plane[:25].mean(0), plane[25:].mean(0)
    apart = np.linalg.norm(middles[0] - middles[1])
    assert apart > 2 * max(plane[:25].std(), plane[25:].std())
    assert np.array_equal(plane, embed(features))


TREE = {
    "classes": [
        {"name": "background", "title": "Background", "color": "#cccccc"},
        {"name": "cereal", "title": "Cereal", "color": "#aa8800"},
        {"name": "wheat", "title": "Wheat", "color": "#a57000", "parent": "cereal"},
        {"name": "rice", "title": "Rice", "color": "#0000ff", "parent": "cereal"},
    ]
}


def test_tree_adds_up_areas_counts_the_rest_and_leaves_out_what_is_not_declared():
    declared = [("wheat", f"wheat {i}", 1, 10.0 - i) for i in range(6)] + [("cereal", "some cereal", 1, 2.0)]
    table = tree_table(TREE, pd.DataFrame(declared, columns=["class_name", "crop", "n", "area_ha"]))
    lines = list(zip(table["kind"], table["level"], table["title"], table["area_ha"], strict=True))
    assert lines[:3] == [("class", 1, "Cereal", 47.0), ("crop", 2, "some cereal", 2.0), ("class", 2, "Wheat", 45.0)]
    assert lines[-1] == ("rest", 3, "2 more", 11.0)
    assert len(lines) == 8
    assert plots.tree(table, "Cereals").startswith(b"\x89PNG")


def test_a_long_tree_drops_crops_before_classes():
    classes = [{"name": f"c{i}", "title": f"C {i}", "color": "#cccccc"} for i in range(60)]
    declared = [(f"c{i}", f"crop {k}", 1, 1.0) for i in range(60) for k in range(3)]
    table = tree_table({"classes": classes}, pd.DataFrame(declared, columns=["class_name", "crop", "n", "area_ha"]))
    assert table["kind"].tolist() == ["class"] * 60


def test_crops_are_named_by_the_most_telling_column_and_sorted_by_area(run_paths):
    crops = read_crops(run_paths.classed)
    assert crops[["crop", "area_ha"]].to_numpy().tolist() == [
        ["Winter wheat", 100.0],
        ["MIS", 64.25],
        ["Spelt", 20.5],
        ["Grapes", 3.0],
    ]


def test_ndvi_of_more_regions_than_colours_draws():
    classes = (ClassInfo(0, "background", "#ffffff", "Background"), ClassInfo(1, "wheat", "#a57000", "Wheat"))
    lines = [(f"R{r}", c, 18000 + 20 * d, 0.1 * d, 0.05) for r in range(3) for c in (0, 1) for d in range(4)]
    table = pd.DataFrame(lines, columns=["region", "class_id", "day", "mean", "deviation"])
    assert plots.ndvi_by_class(table, classes).startswith(b"\x89PNG")

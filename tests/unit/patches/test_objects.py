"""The parcel table on a few pixels: what counts, what is computed, which cube describes a parcel, what is dropped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import shapely

from bocage.core.errors import NothingLeft
from bocage.core.grid import Window, grid_to_json, make_grid
from bocage.cubes.store import CubeStore, CubeWriter, open_cube
from bocage.labels.options import LabelOptions
from bocage.labels.store import LabelStore, build_labels, open_labels
from bocage.patches.objects import (
    SORTED,
    add_pixels,
    choose_cube,
    describe_objects,
    empty_sums,
    inner_pixels,
    name_periods,
    sorted_statistics,
    to_csv_layout,
)
from bocage.patches.options import ObjectOptions

GRID = make_grid("EPSG:32631", 500_000, 4_900_020, 10, (2, 4))
UNCLEAR = 4
DAYS = [17_600, 17_605]  # 2018-03-10, 2018-03-15


def test_counts_means_and_deviations_of_eight_pixels() -> None:
    image = np.array([[[1, 2, 3, 4], [5, 6, 7, 9]], [[2, 2, 2, 2], [2, 2, 2, 2]]], np.int16)
    slots = np.array([[0, 0, 1, -1], [0, 1, 1, 2]], np.int32)
    valid = np.array([[True, True, True, True], [True, False, True, False]])
    sums = empty_sums(3, 2)
    add_pixels(sums, image, valid, slots)
    assert sums.count.tolist() == [3, 2, 0]
    np.testing.assert_allclose(sums.mean(), [[8 / 3, 5, np.nan], [2, 2, np.nan]])
    np.testing.assert_allclose(sums.std(), [[np.std([1, 2, 5]), 2, np.nan], [0, 0, np.nan]])
    add_pixels(sums, image, valid, slots)  # a second image of the same period
    assert sums.count.tolist() == [6, 4, 0]


def test_percentiles_and_skewness_are_those_of_numpy_and_scipy() -> None:
    rng = np.random.default_rng(0)
    values, slots = rng.gamma(2, size=(2, 500)).astype(np.float32), rng.integers(0, 5, 500).astype(np.int32)
    slots[slots == 3] = 4  # parcel 3 has no pixel
    values[0, slots == 2] = 0.25  # all equal
    found = dict(zip(SORTED, sorted_statistics(values, slots, 5), strict=True))
    assert all(np.isnan(of_statistic[:, 3]).all() for of_statistic in found.values())
    shares = {"median": 50, "min": 0, "max": 100, "p05": 5, "p25": 25, "p75": 75, "p95": 95}
    for parcel in (0, 1, 2, 4):
        own = values[:, slots == parcel].astype(float)
        for name, share in shares.items():
            np.testing.assert_allclose(found[name][:, parcel], np.percentile(own, share, axis=1), rtol=1e-6)
        np.testing.assert_allclose(found["skewness"][1, parcel], scipy.stats.skew(own[1]), rtol=1e-5)
    assert np.isnan(found["skewness"][0, 2])


def test_inner_pixels_keep_away_from_other_parcels_but_not_from_the_edge_of_the_image() -> None:
    ids = np.repeat([[1, 1, 1, 2, 2, 0]], 4, axis=0).astype(np.uint32)
    assert inner_pixels(ids, 1.5)[2].tolist() == [True, True, False, False, False, False]
    assert inner_pixels(ids, 1.0)[2].tolist() == [True, True, True, True, True, False]  # nearer than, not as near as
    assert inner_pixels(ids, 2.5)[2].tolist() == [True, False, False, False, False, False]


def test_periods_are_dates_or_months_counted_from_january_of_the_first_year() -> None:
    assert name_periods(np.int32(DAYS), "date", 2018) == ["20180310", "20180315"]
    assert name_periods(np.int32(DAYS), "month", 2018) == ["02", "02"]
    assert name_periods(np.int32(DAYS), "month", 2017) == ["14", "14"]


def test_a_parcel_belongs_to_the_cube_with_most_of_its_pixels() -> None:
    assert choose_cube(np.array([[5, 0, 3], [4, 2, 3]])).tolist() == [0, 1, 0]


def write_cube(folder: Path, level: int = 0) -> CubeStore:
    """Two dates, two bands; B02 = 100 · row + column (+ 1000 on the second date), B03 the same + 50; in 1e-4."""
    writer = CubeWriter(folder, (2, 2, 2, 4), "digest")
    for t, scene in enumerate(("first", "second")):
        b02 = 100 * np.arange(2)[:, None] + np.arange(4) + 1000 * t + level
        quality = np.zeros((2, 4), np.uint8)
        quality[0, 0] = UNCLEAR if t == 0 else 0
        quality[:, 3] = UNCLEAR  # never seen
        writer.put(t, Window(0, 0, 2, 4), np.stack([b02, b02 + 50]).astype(np.int16), quality)
        writer.keep(scene, {})
    about = {"bands": ["B02", "B03"], "days": DAYS, "scenes": ["first", "second"], "tile": "31TEJ", "level": "L2A"}
    writer.finish({"grid": grid_to_json(GRID), **about})
    return open_cube(folder)


Opened = tuple[dict[str, CubeStore], dict[str, LabelStore], pd.DataFrame]


@pytest.fixture
def world(tmp_path: Path) -> Opened:
    """Parcel 1: the left 2 × 2 pixels; 2: the column beside; 3: the last column, never seen; 4: elsewhere; 5: none."""
    x, y = GRID.affine.c, GRID.affine.f
    shapes = [shapely.box(x + 10 * a, y - 20, x + 10 * b, y) for a, b in ((0, 2), (2, 3), (3, 4), (90, 91), (2, 3))]
    table = {"number": np.uint32(range(1, 6)), "class_id": np.uint8([1, 2, 1, 1, 255])}
    frame = gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:32631")
    options = LabelOptions(overlaps="first")
    build_labels(frame, GRID, options, coverage="complete", folder=tmp_path / "labels")
    names = ["wheat", "vineyard", "wheat", "wheat", None]
    parcels = frame.assign(id=list("abcde"), class_name=names)
    cube, labels = write_cube(tmp_path / "cube"), open_labels(tmp_path / "labels")
    return {"A": cube}, {"A": labels}, parcels


def test_the_table_of_a_small_cube(world: Opened) -> None:
    options = ObjectOptions(statistics=("mean", "std", "median", "count"))
    table, tally = describe_objects(*world, options)
    assert table["id"].tolist() == ["a", "b"]
    assert table["counts"].tolist() == [4, 2]
    assert table["label"].tolist() == [1, 2]
    assert tally.to_json() == {
        "kept": 2, "dropped": {"no pixel in any cube": 2, "no valid pixel on any date": 1}
    }  # fmt: skip
    first = table.iloc[0]
    pixels = np.array([1, 100, 101]) / 1e4  # on the first date the pixel 0 is cloudy
    assert (first["count_20180310"], first["count_20180315"]) == (3, 4)
    assert first["B02_20180310_mean"] == pytest.approx(pixels.mean())
    assert first["B02_20180310_std"] == pytest.approx(pixels.std())
    assert first["B02_20180310_median"] == pytest.approx(np.median(pixels))
    assert first["B03_20180315_mean"] == pytest.approx(0.1 + np.array([50, 51, 150, 151]).mean() / 1e4)
    assert table["B02_20180310_mean"].dtype == np.float32


def test_months_pool_their_dates_and_the_csv_has_the_known_columns(world: Opened) -> None:
    table, _ = describe_objects(*world, ObjectOptions(periods="month"))
    layout = to_csv_layout(table)
    assert layout.columns.tolist() == [
        "parcel_id", "label", "counts", "B02_02_mean", "B02_02_std", "B03_02_mean", "B03_02_std"
    ]  # fmt: skip
    pixels = np.array([1, 100, 101, 1000, 1001, 1100, 1101]) / 1e4
    assert layout["B02_02_mean"][0] == pytest.approx(pixels.mean())
    assert layout["B02_02_std"][0] == pytest.approx(pixels.std())


def test_the_inner_buffer_and_the_least_number_of_pixels_drop_narrow_parcels(world: Opened) -> None:
    table, tally = describe_objects(*world, ObjectOptions(inner_buffer_m=15, min_pixels=2))
    assert table["counts"].tolist() == [2]  # the left column of parcel 1
    assert tally.dropped["no pixel in any cube"] == 4
    with pytest.raises(NothingLeft, match="fewer pixels than"):
        describe_objects(*world, ObjectOptions(min_pixels=5))


def test_a_parcel_in_two_cubes_is_one_row(world: Opened, tmp_path: Path) -> None:
    cubes, labels, parcels = world
    twice = cubes | {"B": write_cube(tmp_path / "second", level=3000)}
    table, tally = describe_objects(twice, labels | {"B": labels["A"]}, parcels, ObjectOptions())
    assert table["cube"].tolist() == ["A", "A"]
    assert tally.kept == 2


def test_strips_and_one_piece_agree(world: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    from bocage.patches import objects

    run: Callable[[], Any] = lambda: describe_objects(*world, ObjectOptions(inner_buffer_m=12, statistics=("std",)))
    whole = run()[0]
    monkeypatch.setattr(objects, "STRIP_ROWS", 1)
    pd.testing.assert_frame_equal(run()[0], whole)


def test_exact_coverage_weighs_pixels_by_the_share_that_a_parcel_covers(world: Opened) -> None:
    pytest.importorskip("exactextract")
    cubes, labels, parcels = world
    half = parcels.copy()  # parcel 1 reaches 5 m into the second column of pixels
    x, y = GRID.affine.c, GRID.affine.f
    half.loc[0, "geometry"] = shapely.box(x, y - 20, x + 15, y)
    half = half.to_crs("EPSG:4326")
    options = ObjectOptions(coverage="exact", statistics=("mean", "std", "count"), periods="month")
    table, _ = describe_objects(cubes, labels, half, options)
    values = np.array([1, 100, 101, 1000, 1001, 1100, 1101]) / 1e4  # on the first date the pixel 0 is cloudy
    weights = np.array([0.5, 1, 0.5, 1, 0.5, 1, 0.5])
    mean = np.average(values, weights=weights)
    first = table.iloc[0]
    assert first["count_02"] == pytest.approx(weights.sum(), rel=1e-3)
    assert first["B02_02_mean"] == pytest.approx(mean, rel=1e-3)
    assert first["B02_02_std"] == pytest.approx(np.sqrt(np.average((values - mean) ** 2, weights=weights)), rel=1e-3)
    with pytest.raises(ValueError, match="exact gives mean, std and count, not median"):
        ObjectOptions(coverage="exact", statistics=("median",))


def test_whole_pixels_give_the_same_by_centres_and_by_exact_coverage(world: Opened) -> None:
    pytest.importorskip("exactextract")
    by_centre, by_share = (
        describe_objects(*world, ObjectOptions(coverage=c, statistics=("mean", "std", "count")))[0]
        for c in ("centre", "exact")
    )
    for column in [c for c in by_centre if str(c)[:3] in ("B02", "B03", "cou")]:
        np.testing.assert_allclose(by_share[column], by_centre[column], atol=1e-6)

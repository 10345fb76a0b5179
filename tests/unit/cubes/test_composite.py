"""Composites of periods on a few pixels."""

import warnings

import numpy as np
import pytest

from bocage.core.errors import GridMismatch
from bocage.cubes.composite import median_composite, median_network, reduce_dates


def series(*values):
    """One pixel of one band, date by date."""
    return np.array(values, np.int16).reshape(-1, 1, 1, 1)


def always(n):
    return np.ones((n, 1, 1), bool)


def test_odd_counts_take_the_middle_and_even_counts_the_mean_of_the_two():
    period = np.array([0, 0, 0, 1, 1, 1, 1], np.int16)
    values = series(30, 10, 20, 4, 1, 3, 2)
    composite, n_valid = median_composite(values, always(7), period=period, n_periods=2)
    assert composite.ravel().tolist() == [20, 2.5]
    assert n_valid.ravel().tolist() == [3, 4]


def test_only_valid_dates_count_and_a_period_without_one_is_undefined():
    valid = np.array([True, False, True, False]).reshape(-1, 1, 1)
    period = np.array([0, 0, 0, 1], np.int16)
    composite, n_valid = median_composite(series(-100, 9999, 100, 5), valid, period=period, n_periods=3)
    assert composite.ravel().tolist() == [0, 0, 0]
    assert n_valid.ravel().tolist() == [2, 0, 0]


def test_the_largest_number_is_a_value_like_any_other():
    valid = np.array([True, False, True]).reshape(-1, 1, 1)
    composite, _ = median_composite(series(32767, -5, 32767), valid, period=np.zeros(3, np.int16), n_periods=1)
    assert composite.item() == 32767


def test_a_date_of_no_period_is_left_out():
    composite, n_valid = median_composite(series(1, 7), always(2), period=np.array([-1, 0], np.int16), n_periods=1)
    assert (composite.item(), n_valid.item()) == (7, 1)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 16, 30, 31])
def test_the_network_orders_all_that_a_median_needs(n):
    """Of zeros and ones it orders every mix, so it orders all numbers (the 0–1 principle; drawn above eight)."""
    n_mixes = 2**n if n <= 8 else 4000
    mixes = np.random.default_rng(n).integers(0, 2, (n_mixes, n)) if n > 8 else np.indices((2,) * n).reshape(n, -1).T
    ordered = mixes.copy()
    for i, j in median_network(n):
        ordered[:, i], ordered[:, j] = ordered[:, [i, j]].min(axis=1), ordered[:, [i, j]].max(axis=1)
    assert np.array_equal(ordered[:, : n // 2 + 1], np.sort(mixes, axis=1)[:, : n // 2 + 1])


def test_shapes_and_periods_that_disagree_are_refused():
    with pytest.raises(GridMismatch, match="valid"):
        median_composite(series(1, 2), always(3), period=np.zeros(2, np.int16), n_periods=1)
    with pytest.raises(GridMismatch, match="there are 1"):
        median_composite(series(1, 2), always(2), period=np.array([0, 1], np.int16), n_periods=1)


@pytest.mark.parametrize("threads", [2, 3, 9])
def test_rows_are_shared_by_threads(threads):
    rng = np.random.default_rng(0)
    stored = rng.integers(-200, 9000, (7, 2, 5, 130)).astype(np.int16)
    valid = rng.random((7, 5, 130)) < 0.6
    period = np.array([0, 0, 0, 1, 1, -1, 1], np.int16)
    alone = median_composite(stored, valid, period=period, n_periods=2)
    shared = median_composite(stored, valid, period=period, n_periods=2, threads=threads)
    assert all(np.array_equal(a, b) for a, b in zip(alone, shared, strict=True))


@pytest.mark.parametrize("statistic", ["median", "mean", "first"])
def test_dates_become_one_image(statistic):
    rng = np.random.default_rng(0)
    stored = rng.integers(-300, 9000, (5, 3, 20, 30), dtype=np.int16)
    valid = rng.random((5, 20, 30)) < 0.5
    image, n_valid = reduce_dates(stored, valid, statistic, threads=2)
    np.testing.assert_array_equal(n_valid, valid.sum(axis=0))
    gaps = np.where(valid[:, None], stored, np.nan)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of pixels that were never seen
        expected = {
            "median": lambda: np.nanmedian(gaps, axis=0),
            "mean": lambda: np.nanmean(gaps, axis=0),
            "first": lambda: np.take_along_axis(gaps, valid.argmax(axis=0)[None, None], axis=0)[0],
        }[statistic]()
    np.testing.assert_allclose(image, np.nan_to_num(expected), rtol=1e-6)

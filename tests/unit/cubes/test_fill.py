"""Gaps in time on one pixel."""

import tracemalloc

import numpy as np
import pytest

from bocage.core.errors import ConfigError, GridMismatch
from bocage.cubes.fill import fill_gaps

DAYS = np.array([0, 10, 40, 50], np.int32)


def fill(values, valid, method):
    stored = np.array(values, np.int16).reshape(-1, 1, 1, 1)
    filled, gaps = fill_gaps(stored, np.array(valid, bool).reshape(-1, 1, 1), DAYS, method=method)
    return filled.ravel().tolist(), gaps.ravel().tolist()


@pytest.mark.parametrize(
    ("method", "expected"),
    [("neighbours", [100, 250, 250, 400]), ("linear", [100, 160, 340, 400]), ("nearest", [100, 100, 400, 400])],
)
def test_a_gap_between_two_dates(method, expected):
    values, gaps = fill([100, -1, -1, 400], [1, 0, 0, 1], method)
    assert values == expected
    assert gaps == [False, True, True, False]


@pytest.mark.parametrize("method", ["neighbours", "linear", "nearest"])
def test_the_ends_take_the_nearest_and_a_pixel_without_a_date_stays(method):
    assert fill([-1, 7, 9, -1], [0, 1, 1, 0], method) == ([7, 7, 9, 9], [True, False, False, True])
    assert fill([1, 2, 3, 4], [0, 0, 0, 0], method) == ([1, 2, 3, 4], [False] * 4)


def test_halves_go_to_the_even_number():
    assert fill([1, 0, 2, 0], [1, 0, 1, 1], "neighbours")[0] == [1, 2, 2, 0]
    assert fill([2, 0, 3, 0], [1, 0, 1, 1], "neighbours")[0] == [2, 2, 3, 0]


def test_of_two_dates_as_far_away_the_earlier_counts():
    stored = np.array([1, 0, 3], np.int16).reshape(-1, 1, 1, 1)
    valid = np.array([True, False, True]).reshape(-1, 1, 1)
    assert fill_gaps(stored, valid, np.array([0, 5, 10], np.int32), method="nearest")[0].ravel().tolist() == [1, 1, 3]


def test_what_cannot_be_is_refused():
    with pytest.raises(GridMismatch, match="days"):
        fill_gaps(np.zeros((2, 1, 1, 1), np.int16), np.ones((2, 1, 1), bool), DAYS, method="linear")
    with pytest.raises(ConfigError, match="no gap filling 'spline'"):
        fill([1, 2, 3, 4], [1, 0, 1, 1], "spline")


def test_two_years_of_days_take_no_table_of_all_triples():
    n = 730
    values, valid = np.arange(n, dtype=np.int16).reshape(-1, 1, 1, 1), np.ones((n, 1, 1), bool)
    valid[1:-1] = False
    fill_gaps(values[:3], valid[:3], np.arange(3, dtype=np.int32), method="linear")  # compiled
    tracemalloc.start()
    filled, _ = fill_gaps(values, valid, np.arange(n, dtype=np.int32), method="linear")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert filled.ravel().tolist() == list(range(n))
    assert peak < 1e6

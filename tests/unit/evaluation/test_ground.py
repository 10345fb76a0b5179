"""Windows on one lattice: which ground is shown twice, and what it was the year before."""

import numpy as np
import pandas as pd

from bocage.evaluation.baselines import carry_last_year
from bocage.evaluation.ground import Windows, find_new_ground, window_bounds


def windows(*places: tuple[float, float, int], crs: str = "EPSG:32631") -> pd.DataFrame:
    """Windows of 2 x 4 pixels of 10 m: left, top, year."""
    rows = [{"left": left, "top": top, "year": year} for left, top, year in places]
    return pd.DataFrame(rows).assign(crs=crs, resolution_m=10.0, country="FR", height=2, width=4)


def test_bounds_count_pixels_south_and_east() -> None:
    assert window_bounds(windows((500_000, 5_000_000, 2020))).tolist() == [[-500_000, -499_998, 50_000, 50_004]]


def test_shared_pixels_are_told_in_both_windows() -> None:
    own, other = window_bounds(windows((0, 0, 2020), (20, -10, 2020)))
    found = list(Windows(other[None]).overlaps(own))
    assert found == [(0, (slice(1, 2), slice(2, 4)), (slice(0, 1), slice(0, 2)))]
    assert list(Windows(other[None] + 4).overlaps(own)) == []


def test_windows_are_found_by_place_as_by_looking_at_all() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(-30, 30, (200, 2))
    side = rng.integers(1, 9, (200, 2))
    bounds = np.column_stack([first[:, 0], first[:, 0] + side[:, 0], first[:, 1], first[:, 1] + side[:, 1]])
    for own in bounds[:20]:
        meets = (np.maximum(own[::2], bounds[:, ::2]) < np.minimum(own[1::2], bounds[:, 1::2])).all(1)
        assert [i for i, *_ in Windows(bounds).overlaps(own)] == np.flatnonzero(meets).tolist()


def test_ground_is_new_once_in_each_year() -> None:
    table = windows((0, 0, 2020), (20, 0, 2020), (0, 0, 2020), (0, 0, 2021))
    new = [mask.astype(int).tolist() for mask in find_new_ground(table)]
    assert new == [[[1] * 4] * 2, [[0, 0, 1, 1]] * 2, [[0] * 4] * 2, [[1] * 4] * 2]


def test_a_parcel_carries_what_most_of_its_ground_was() -> None:
    ids = np.array([[0, 7, 7, 7, 9, 4]], np.uint32)
    before = np.array([[2, 1, 1, 2, 255, 0]], np.uint8)
    classes, known = carry_last_year(ids, before, 3, otherwise=2)
    assert classes.tolist() == [[0, 1, 1, 1, 2, 0]]  # parcel 9 is not known: the class to fall back on
    assert known.tolist() == [[False, True, True, True, False, True]]
    classes, known = carry_last_year(ids, np.full_like(before, 255), 3, otherwise=1)
    assert classes.tolist() == [[0, 1, 1, 1, 1, 1]]
    assert not known.any()

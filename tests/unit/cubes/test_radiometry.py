"""DN to reflectance, flags, and the check of dark pixels."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from bocage.core.arrays import MISSING_INT16
from bocage.cubes.quality import BRIGHT, NODATA, SATURATED, UNCLEAR, find_valid, grow_nodata, to_flags
from bocage.cubes.radiometry import count_dark, dark_reflectance, find_contradiction, reflectance_table
from bocage.scenes.record import Scene

SCENE = Scene(
    id="S",
    catalog="test",
    level="L2A",
    platform="sentinel-2a",
    tile="31TEJ",
    datetime=datetime(2023, 1, 1, tzinfo=UTC),
    generated="",
    baseline="05.09",
    cloud_cover_fraction=None,
    offset=-1000.0,
    offset_source="BOA_ADD_OFFSET",
    assets={},
)


@pytest.mark.parametrize(
    ("dn", "offset", "stored"),
    [
        (0, 0.0, MISSING_INT16),
        (0, -1000.0, MISSING_INT16),  # no-data stays no-data after the offset
        (1, 0.0, 1),
        (900, -1000.0, -100),  # negative reflectance is legal
        (1000, -1000.0, 0),
        (11000, -1000.0, 10000),
        (65535, 0.0, 32767),
    ],
)
def test_reflectance_of_one_number(dn, offset, stored):
    assert reflectance_table(offset, 10_000.0)[dn] == stored


def test_flags_of_ten_pixels():
    def bits(text):
        return np.array([[c == "x" for c in text]])

    flags = to_flags(nodata=bits("x....x"), saturated=bits(".x...x"), unclear=bits("..x..x"), bright=bits("...x.x"))
    assert flags.tolist() == [[NODATA, SATURATED, UNCLEAR, BRIGHT, 0, NODATA]]
    assert find_valid(flags).tolist() == [[False, False, False, True, True, False]]


def test_nodata_takes_in_neighbours_that_hold_next_to_nothing():
    """A lossy file's zero column reads 0 3 0 9: the small numbers beside the zeros are no ground."""
    dn = np.array([[0, 500, 8], [3, 500, 500], [0, 500, 500], [9, 400, 500]])
    assert grow_nodata(dn == 0, dn <= 10).tolist() == [
        [True, False, False],  # the 8 has no zero beside it: it may be ground
        [True, False, False],
        [True, False, False],
        [True, False, False],
    ]


def darkest(red):
    """Of 30 × 30 pixels of vegetation with this red reflectance and a bright B02 beside it."""
    stored = np.stack([np.full((30, 30), 9000), np.full((30, 30), red * 1e4)]).astype(np.int16)
    everywhere = np.ones((30, 30), bool)
    return dark_reflectance(count_dark(stored, ("B02", "B04"), np.full((30, 30), 4, np.uint8), everywhere))


def test_darkest_is_the_fifth_percentile_of_the_darkest_visible_band_over_vegetation_and_water():
    assert darkest(0.03) == pytest.approx(0.03)


def test_the_percentile_of_counts_is_numpy_s_of_the_values():
    rng = np.random.default_rng(0)
    stored = rng.integers(-500, 3000, (3, 60, 61)).astype(np.int16)
    scl, valid = rng.choice([4, 5, 6], (60, 61)).astype(np.uint8), rng.random((60, 61)) < 0.8
    dark = (scl != 5) & valid
    expected = min(np.percentile(band[dark], 5) for band in stored) / 1e4
    halves = [count_dark(stored[:, p], ("B02", "B03", "B04"), scl[p], valid[p]) for p in (np.s_[:20], np.s_[20:])]
    assert dark_reflectance(halves[0] + halves[1]) == pytest.approx(expected, abs=1e-12)


def test_without_vegetation_water_or_a_visible_band_nothing_is_known():
    stored = np.full((1, 30, 30), 300, np.int16)
    everywhere = np.ones((30, 30), bool)
    cloud, plants = np.full((30, 30), 9, np.uint8), np.full((30, 30), 4, np.uint8)
    assert dark_reflectance(count_dark(stored, ("B04",), cloud, everywhere)) is None
    assert dark_reflectance(count_dark(stored, ("B08",), plants, everywhere)) is None
    assert dark_reflectance(count_dark(stored, ("B04",), plants, ~everywhere)) is None


def test_an_offset_that_was_removed_already_contradicts():
    assert find_contradiction(SCENE, darkest(0.03)) is None
    assert "removed already" in find_contradiction(SCENE, darkest(0.03 - 0.1))


def test_an_offset_that_is_still_inside_contradicts_if_the_baseline_can_have_one():
    applied = replace(SCENE, offset=0.0, offset_source="earthsearch:boa_offset_applied is true")
    assert find_contradiction(applied, darkest(0.03)) is None
    assert "still" in find_contradiction(applied, darkest(0.03 + 0.1))
    assert find_contradiction(replace(applied, baseline="02.07"), darkest(0.13)) is None
    assert find_contradiction(applied, None) is None

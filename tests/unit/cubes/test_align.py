"""Coarser bands on the cube's lattice, to the pixel."""

from functools import partial

import numpy as np
import pytest

from bocage.core.errors import GridMismatch
from bocage.core.grid import Window, make_grid
from bocage.cubes.align import Alignment, interpolate_onto, interpolation_weights, plan_alignment, repeat_onto

UTM = "EPSG:32631"


def place(native, alignment, shape, how=repeat_onto):
    window = native[alignment.window.slices].astype(np.uint16)
    out = np.zeros(shape, np.uint16)
    how(window, alignment, out)
    return out


def test_a_coarse_grid_that_reaches_past_the_fine_one_is_cropped():
    """Two 20 m rows cover four 10 m rows, but the grid has three (as in the Béziers extract: 353 and 177 rows)."""
    native, grid = make_grid(UTM, 0, 40, 20, (2, 1)), make_grid(UTM, 0, 40, 10, (3, 2))
    alignment = plan_alignment(native, grid)
    assert alignment == Alignment(Window(0, 0, 2, 1), 2, 0, 0)
    assert place(np.array([[1], [2]]), alignment, (3, 2)).tolist() == [[1, 1], [1, 1], [2, 2]]


def test_where_a_band_falls_short_the_rest_is_nodata():
    native, grid = make_grid(UTM, 10, 30, 20, (1, 1)), make_grid(UTM, 0, 40, 10, (4, 4))
    alignment = plan_alignment(native, grid)
    expected = [[0, 0, 0, 0], [0, 7, 7, 0], [0, 7, 7, 0], [0, 0, 0, 0]]
    assert place(np.array([[7]]), alignment, (4, 4)).tolist() == expected


def test_a_window_that_begins_inside_a_coarse_pixel():
    native, grid = make_grid(UTM, 0, 60, 20, (3, 3)), make_grid(UTM, 30, 50, 10, (2, 2))
    alignment = plan_alignment(native, grid)
    assert alignment == Alignment(Window(0, 1, 2, 2), 2, -1, -1)
    assert place(np.arange(1, 10).reshape(3, 3), alignment, (2, 2)).tolist() == [[2, 3], [5, 6]]


def test_a_sixty_metre_band():
    native, grid = make_grid(UTM, 0, 60, 60, (1, 2)), make_grid(UTM, 50, 60, 10, (1, 3))
    assert place(np.array([[4, 5]]), plan_alignment(native, grid), (1, 3)).tolist() == [[4, 5, 5]]


def test_grids_apart_do_not_overlap():
    assert plan_alignment(make_grid(UTM, 0, 40, 20, (2, 2)), make_grid(UTM, 1000, 40, 10, (2, 2))) is None


@pytest.mark.parametrize(
    "native",
    [
        make_grid(UTM, 5, 40, 20, (2, 2)),  # shifted by half a pixel
        make_grid(UTM, 0, 40, 15, (2, 2)),  # no whole multiple
        make_grid(UTM, 0, 40, 5, (2, 2)),  # finer than the grid
        make_grid("EPSG:32632", 0, 40, 20, (2, 2)),
    ],
)
def test_a_band_off_the_lattice_is_refused(native):
    with pytest.raises(GridMismatch, match="does not fit the lattice"):
        plan_alignment(native, make_grid(UTM, 0, 40, 10, (4, 4)))


def test_bilinear_mixes_between_pixel_centres():
    """Centres of the coarse pixels lie at 1 and 3 of the fine grid's 0…4; fine centres at 0.5, 1.5, 2.5, 3.5."""
    native, grid = make_grid(UTM, 0, 20, 20, (1, 2)), make_grid(UTM, 0, 20, 10, (1, 4))
    alignment = plan_alignment(native, grid, margin_px=1)
    assert place(np.array([[100, 200]]), alignment, (1, 4), interpolate_onto).tolist() == [[100, 125, 175, 200]]


def test_bilinear_leaves_nodata_and_saturation_where_they_are_and_out_of_the_mean():
    native, grid = make_grid(UTM, 0, 20, 20, (1, 4)), make_grid(UTM, 0, 20, 10, (1, 8))
    alignment = plan_alignment(native, grid, margin_px=1)
    values = np.array([[0, 100, 300, 65535]])
    expected = [[0, 0, 100, 150, 250, 300, 65535, 65535]]
    assert place(values, alignment, (1, 8), interpolate_onto).tolist() == expected


def test_bilinear_on_a_window_equals_the_window_of_the_whole():
    native, grid = make_grid(UTM, 0, 200, 20, (10, 10)), make_grid(UTM, 0, 200, 10, (20, 20))
    values = np.random.default_rng(0).integers(1, 4000, (10, 10))
    whole = place(values, plan_alignment(native, grid, margin_px=1), (20, 20), interpolate_onto)
    part = plan_alignment(native, grid[5:12, 3:9], margin_px=1)
    assert part.window == Window(1, 0, 6, 6)
    assert np.array_equal(place(values, part, (7, 6), interpolate_onto), whole[5:12, 3:9])


def test_cubic_overshoots_but_makes_no_nodata_of_a_dark_edge():
    native, grid = make_grid(UTM, 0, 20, 20, (1, 4)), make_grid(UTM, 0, 20, 10, (1, 8))
    alignment = plan_alignment(native, grid, margin_px=2)
    cubic = partial(interpolate_onto, method="cubic")
    assert place(np.array([[1, 1, 900, 900]]), alignment, (1, 8), cubic)[0, 2] == 1
    flat = place(np.array([[0, 700, 700, 65535]]), alignment, (1, 8), cubic)
    assert flat.tolist() == [[0, 0, 700, 700, 700, 700, 65535, 65535]]


@pytest.mark.parametrize("method", ["bilinear", "cubic"])
@pytest.mark.parametrize("factor", [2, 3, 6])
def test_weights_sum_to_one_and_the_middle_of_a_pixel_is_that_pixel(factor, method):
    first, weights = interpolation_weights(factor, method)
    assert weights.sum(axis=1) == pytest.approx(1)
    if factor % 2:
        assert weights[factor // 2, -first[factor // 2]] == pytest.approx(1)

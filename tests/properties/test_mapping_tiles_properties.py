"""Blend weights sum to one, whatever the sizes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bocage.mapping.tiles import plan_axis

sizes = st.tuples(st.integers(1, 700), st.integers(2, 128)).flatmap(
    lambda pair: st.tuples(st.just(pair[0]), st.just(pair[1]), st.integers(0, pair[1] // 2))
)


@given(sizes)
def test_weights_sum_to_one_at_every_pixel(size: tuple[int, int, int]) -> None:
    length_px, window_px, overlap_px = size
    total = np.zeros(length_px)
    for tile in plan_axis(length_px, window_px, overlap_px):
        assert (tile.weights >= 0).all()
        total[tile.span] += tile.weights
    assert np.allclose(total, 1, atol=1e-6)


@given(sizes, st.integers(0, 9))
def test_a_pixel_comes_from_a_tile_that_holds_all_its_prediction_looks_at(
    size: tuple[int, int, int], reach: int
) -> None:
    length_px, window_px = size[0], max(size[1], 4 * reach + 1)
    told = np.zeros(length_px)
    for tile in plan_axis(length_px, window_px, size[2], reach_px=reach):
        looks_at = np.arange(tile.start, tile.start + tile.size)
        first, last = np.maximum(looks_at - reach, 0), np.minimum(looks_at + reach, length_px - 1)
        whole = (first >= tile.start) & (last < tile.start + tile.size)
        told[tile.span] += np.where(whole, tile.weights, 0)
    assert np.allclose(told, 1, atol=1e-6)


@given(sizes)
def test_tiles_are_equal_in_order_and_overlap_as_asked(size: tuple[int, int, int]) -> None:
    length_px, window_px, overlap_px = size
    tiles = plan_axis(length_px, window_px, overlap_px)
    assert {t.size for t in tiles} == {min(window_px, length_px)}
    assert (tiles[0].start, tiles[-1].start + tiles[-1].size) == (0, length_px)
    steps = np.diff([t.start for t in tiles])
    assert (steps > 0).all()
    assert (steps <= window_px - overlap_px).all()

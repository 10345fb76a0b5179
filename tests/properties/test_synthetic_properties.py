"""What must hold whatever is drawn."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from bocage.synthetic.crops import COVERS
from bocage.synthetic.landscape import cut, halve, ring_area
from bocage.synthetic.noise import smooth_noise
from bocage.synthetic.phenology import Weather, covers_on, draw_calendar, draw_seasons
from bocage.synthetic.write_safe import QUANTIFICATION, to_dn

seeds = st.integers(0, 2**32 - 1)


def convex_ring(seed: int) -> np.ndarray:
    points = np.random.default_rng(seed).uniform(0, 1000, (12, 2))
    hull = Polygon(points).convex_hull
    return np.asarray(hull.exterior.coords)[:-1]


@given(seeds, st.floats(0, np.pi), st.floats(0.1, 0.9))
def test_halves_are_convex_and_add_up(seed: int, angle: float, fraction: float) -> None:
    ring = convex_ring(seed)
    halves = halve(ring, angle, fraction)
    assert np.isclose(sum(map(ring_area, halves)), ring_area(ring))
    for half in halves:
        polygon = Polygon(half)
        assert np.isclose(polygon.convex_hull.area, polygon.area)


@settings(max_examples=25)
@given(seeds)
def test_cutting_loses_no_land(seed: int) -> None:
    ring = convex_ring(seed)
    rng = np.random.default_rng(seed)
    parts = cut(ring, rng, median_m2=2e4, spread=0.6, direction=0.3, skew=0.1)
    assert np.isclose(sum(map(ring_area, parts)), ring_area(ring))


@settings(max_examples=25)
@given(seeds, st.floats(0, 1), st.floats(40, 54), st.integers(1, 366))
def test_shares_of_the_ground_never_exceed_it(seed: int, dryness: float, latitude: float, day: int) -> None:
    rng = np.random.default_rng(seed)
    covers = list(COVERS)
    calendar = draw_calendar(rng, covers, draw_seasons(rng, covers), Weather(0.0, dryness), latitude)
    shares = np.stack(covers_on(calendar, day))
    assert (shares >= 0).all()
    assert (shares.sum(axis=0) <= 1).all()


@given(seeds, st.sampled_from((0, -1000)))
def test_digital_numbers_give_the_reflectance_back(seed: int, offset: int) -> None:
    reflectance = np.random.default_rng(seed).uniform(0.0002, 1.2, (4, 4)).astype(np.float32)
    back = (to_dn(reflectance, np.ones((4, 4), bool), offset).astype(float) + offset) / QUANTIFICATION
    np.testing.assert_allclose(back, reflectance, atol=5.1e-5)


@settings(max_examples=20)
@given(seeds, st.floats(1, 40), st.tuples(st.integers(1, 50), st.integers(1, 50)))
def test_noise_has_the_asked_shape_and_repeats(seed: int, scale: float, shape: tuple[int, int]) -> None:
    a, b = (smooth_noise(np.random.default_rng(seed), shape, scale) for _ in range(2))
    assert a.shape == shape
    assert np.isfinite(a).all()
    np.testing.assert_array_equal(a, b)

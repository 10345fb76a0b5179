"""Which pixels a forest learns from."""

import numpy as np

from bocage.training.pixels import pick_pixels

LABELS = np.array([[0, 0, 0, 0], [1, 1, 255, 255], [2, 1, 1, 0]], np.uint8)
EVERYWHERE = np.ones((3, 4), bool)


def test_at_most_the_wanted_number_of_each_class() -> None:
    picked = pick_pixels(LABELS, EVERYWHERE, np.array([2, 3, 5]), np.random.default_rng(0))
    assert LABELS.ravel()[picked].tolist() == [0, 0, 1, 1, 1, 2]
    assert len(set(picked.tolist())) == 6


def test_a_full_class_takes_no_more() -> None:
    picked = pick_pixels(LABELS, EVERYWHERE, np.array([0, 9, 0]), np.random.default_rng(0))
    assert sorted(picked.tolist()) == [4, 5, 9, 10]


def test_unusable_and_ignored_pixels_are_left_out() -> None:
    usable = EVERYWHERE.copy()
    usable[1:, :2] = False
    picked = pick_pixels(LABELS, usable, np.array([0, 9, 9]), np.random.default_rng(0))
    assert picked.tolist() == [10]


def test_the_seed_decides() -> None:
    draws = [pick_pixels(LABELS, EVERYWHERE, np.array([2, 2, 2]), np.random.default_rng(s)).tolist() for s in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]

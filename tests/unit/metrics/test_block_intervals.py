"""Blocks, not pixels, are resampled."""

import numpy as np
import pytest

from bocage.metrics.intervals import (
    MIN_BLOCKS,
    block_bootstrap,
    count_blocks,
    no_interval_reason,
    paired_bootstrap,
    widened_tail,
)


def blocks(n: int, *, right: float = 0.8, seed: int = 0) -> np.ndarray:
    """(n, 3, 3) counts of 100 pixels a class and block, about `right` of them on the diagonal."""
    rng = np.random.default_rng(seed)
    shares = np.full((3, 3), (1 - right) / 2) + np.eye(3) * (right - (1 - right) / 2)
    return np.stack([np.stack([rng.multinomial(100, row) for row in shares]) for _ in range(n)])


def test_under_ten_blocks_there_is_no_interval_and_the_reason_is_said() -> None:
    few = np.concatenate([blocks(9), np.zeros((5, 3, 3), int)])  # empty blocks do not help
    assert count_blocks(few) == 9
    assert block_bootstrap(few, rng=np.random.default_rng(0)) is None
    assert no_interval_reason(9) == f"9 blocks with counted pixels; an interval needs at least {MIN_BLOCKS}"
    pair = paired_bootstrap(few, few, "miou", rng=np.random.default_rng(0))
    assert (pair["difference"], pair["low"], pair["high"]) == (0.0, None, None)
    assert "9 blocks" in pair["reason"]


def test_equal_blocks_give_an_interval_of_no_width() -> None:
    same = np.repeat(blocks(1), 12, axis=0)
    interval = block_bootstrap(same, rng=np.random.default_rng(0), loss_sums=np.full(12, 150.0), n_draws=50)
    assert interval is not None
    accuracy = np.trace(same[0]) / 300
    assert interval["pixel_accuracy"]["low"] == pytest.approx(accuracy)
    assert interval["pixel_accuracy"]["high"] == pytest.approx(accuracy)
    assert interval["mean_loss"]["low"] == pytest.approx(0.5)
    assert interval["pixel_accuracy"]["level"] == 0.95


def test_one_divergent_block_in_ten_widens_the_interval_downwards() -> None:
    """Nine perfect blocks and one all wrong: accuracy of a draw is 1 − Binomial(10, 0.1)/10, skewed to the left.

    At the widened tail of 0.9 % the uncorrected lower bound is 0.6 or 0.7; the correction for skewness moves it down.
    """
    perfect, wrong = np.diag([50, 50]), np.array([[0, 50], [50, 0]])
    interval = block_bootstrap(np.stack([perfect] * 9 + [wrong]), rng=np.random.default_rng(1))
    assert interval is not None
    assert widened_tail(10, 0.95) == pytest.approx(0.0086, abs=1e-4)
    assert 0.4 <= interval["pixel_accuracy"]["low"] <= 0.5
    assert interval["pixel_accuracy"]["high"] == 1


def test_a_difference_is_judged_on_the_same_blocks() -> None:
    """Block quality varies far more than the constant gain: paired, the gain is certain."""
    better = np.stack([np.array([[50 + i, 49 - i], [0, 99]]) for i in range(0, 40, 2)])
    worse = better + np.array([[-5, 5], [0, 0]])
    pair = paired_bootstrap(better, worse, "pixel_accuracy", rng=np.random.default_rng(0))
    assert pair["difference"] == pytest.approx(5 / 198)
    assert pair["low"] == pytest.approx(5 / 198)
    assert pair["high"] == pytest.approx(5 / 198)
    assert pair["n_blocks"] == 20


def test_the_same_seed_gives_the_same_interval() -> None:
    counts = blocks(15)
    first, again = (block_bootstrap(counts, rng=np.random.default_rng(3), n_draws=100) for _ in range(2))
    assert first == again

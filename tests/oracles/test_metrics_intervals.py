"""Intervals against scipy's bootstrap, and against the truth: how often do they cover it?"""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import bootstrap

from bocage.metrics.confusion import confusion
from bocage.metrics.intervals import block_bootstrap, paired_bootstrap, widened_tail
from bocage.metrics.scores import score_arrays

K, BLOCK_PX = 4, 400
SCORES = ("miou", "miou_foreground", "pixel_accuracy", "mean_class_accuracy", "kappa", "macro_f1", "weighted_f1")


def survey(n_blocks: int, rng: np.random.Generator) -> np.ndarray:
    """(n_blocks, K, K) counts. Pixels of a block are alike: they share a mixture of classes and a skill."""
    mixture = rng.dirichlet([0.8, 0.5, 0.4, 0.3], n_blocks)
    return judge(mixture, 1.2 + 0.9 * rng.standard_normal((n_blocks, 1)), rng)


def pair(n_blocks: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Counts of two models on the same blocks; the first is a little better."""
    mixture = rng.dirichlet([0.8, 0.5, 0.4, 0.3], n_blocks)
    shared = 1.2 + 0.9 * rng.standard_normal((n_blocks, 1))
    return judge(mixture, shared + 0.2, rng), judge(mixture, shared, rng)


def judge(mixture: np.ndarray, skill: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n_blocks, K, K) counts of a model with a skill (n_blocks, 1) on a mixture (n_blocks, K) of classes."""
    skill = skill + 0.5 * rng.standard_normal(mixture.shape)
    right = 1 / (1 + np.exp(-skill))
    shares = np.repeat(((1 - right) / (K - 1))[..., None], K, axis=2)
    shares[:, np.arange(K), np.arange(K)] = right
    return rng.multinomial(rng.multinomial(BLOCK_PX, mixture), shares)


def test_bounds_are_those_of_scipy_at_the_widened_level() -> None:
    counts = survey(30, np.random.default_rng(2))
    level = 1 - 2 * widened_tail(30, 0.9)
    theirs = _scipy_interval(counts, level)
    ours = block_bootstrap(counts, rng=np.random.default_rng(1), n_draws=20_000, level=0.9)
    assert ours is not None
    assert (ours["miou"]["low"], ours["miou"]["high"]) == pytest.approx(theirs, abs=4e-3)


def _scipy_interval(counts: np.ndarray, level: float) -> tuple[float, float]:
    """BCa interval of mIoU, blocks drawn by their numbers."""

    def miou(numbers: np.ndarray) -> float:
        return float(score_arrays(counts[numbers].sum(0))["miou"])

    found = bootstrap(
        (np.arange(len(counts)),),
        miou,
        n_resamples=5000,
        confidence_level=level,
        method="BCa",
        vectorized=False,
        rng=np.random.default_rng(1),
    ).confidence_interval
    return float(found.low), float(found.high)


@pytest.mark.slow
def test_intervals_cover_the_truth_in_a_thousand_surveys_of_forty_blocks() -> None:
    rng = np.random.default_rng(1)
    truth = score_arrays(survey(200_000, rng).sum(0))
    covered = dict.fromkeys(SCORES, 0)
    for _ in range(1000):
        interval = block_bootstrap(survey(40, rng), rng=rng, n_draws=600)
        assert interval is not None
        for name in SCORES:
            covered[name] += interval[name]["low"] <= truth[name] <= interval[name]["high"]
    assert all(920 <= n <= 975 for n in covered.values()), covered


@pytest.mark.slow
def test_intervals_cover_the_truth_where_ground_is_correlated_across_blocks() -> None:
    """64 blocks of 16 x 16 pixels cut out of one land whose crops and errors run on over the edges of the blocks.

    Fields of about 4 pixels. Where they reach a fifth of a block's side, 95 % intervals cover 91 % only: blocks must be
    several times as wide as what is alike.
    """
    rng = np.random.default_rng(2)
    truth = score_arrays(np.sum([land(rng).sum(0) for _ in range(4000)], axis=0))
    covered = dict.fromkeys(SCORES, 0)
    for _ in range(1000):
        interval = block_bootstrap(land(rng), rng=rng, n_draws=600)
        assert interval is not None
        for name in SCORES:
            covered[name] += interval[name]["low"] <= truth[name] <= interval[name]["high"]
    assert all(920 <= n <= 975 for n in covered.values()), covered


def land(rng: np.random.Generator, n: int = 8, side: int = 16, width_px: float = 1.0) -> np.ndarray:
    """(n², K, K) counts of the n x n blocks of a land; `width_px`: of the Gaussian that makes neighbours alike."""
    cover, hard, taken = (smooth_field(rng, n * side, width_px) for _ in range(3))
    reference = np.digitize(cover, [0.0, 0.7, 1.2]).astype(np.uint8)
    wrong = hard > np.where(reference == 0, 0.8, 0.6)
    other = (reference + 1 + (taken > 0) + (taken > 1)) % K
    prediction = np.where(wrong, other, reference).astype(np.uint8)
    cut = [a.reshape(n, side, n, side).swapaxes(1, 2).reshape(-1, side, side) for a in (reference, prediction)]
    return np.stack([confusion(r, p, K) for r, p in zip(*cut, strict=True)])


def smooth_field(rng: np.random.Generator, side: int, width_px: float) -> np.ndarray:
    """(side, side) normal field, standard deviation one."""
    field = gaussian_filter(rng.standard_normal((side, side), dtype=np.float32), width_px, mode="wrap")
    return field * (2 * np.sqrt(np.pi) * width_px)  # what the filter leaves of the deviation


@pytest.mark.slow
def test_paired_intervals_cover_the_true_difference() -> None:
    """Two models on the same blocks: they share the mixture of classes and most of what makes a block hard."""
    rng = np.random.default_rng(2)
    first, second = pair(200_000, rng)
    truth = score_arrays(first.sum(0))["miou"] - score_arrays(second.sum(0))["miou"]
    covered, narrower = 0, 0
    for _ in range(1000):
        one, other = pair(40, rng)
        found = paired_bootstrap(one, other, "miou", rng=rng, n_draws=600)
        covered += found["low"] <= truth <= found["high"]
        apart = paired_bootstrap(one, other[::-1], "miou", rng=rng, n_draws=200)
        narrower += found["high"] - found["low"] < apart["high"] - apart["low"]
    assert 920 <= covered <= 975
    assert narrower > 900  # what blocks share cancels only where blocks are paired

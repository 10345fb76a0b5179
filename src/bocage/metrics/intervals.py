"""Confusion counts by block -> intervals by block bootstrap, for one model or for the difference of two. Pure.

Neighbouring pixels are alike, so pixels are no independent draws: whole blocks of ground are resampled. Bounds are
those of the BCa method (Efron 1987: corrected for bias and skewness), read at tails that are widened for few blocks
(Hesterberg 2015). In simulated surveys of 40 blocks such 95 % intervals cover 94–95 %, percentile bounds 92–93 %.
Under ten blocks a resample says little: there is no interval, and the reason is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from bocage.core.arrays import AnyArray, Float64
from bocage.metrics.scores import score_arrays

MIN_BLOCKS = 10
SMALLEST_STRETCH = 0.05  # the correction for skewness has a pole, which only draws of nearly one value come near
METHOD = "block bootstrap, BCa with widened tails"
_CHUNK_CELLS = 4_000_000  # cells of one chunk of draws x blocks: 32 MB


def count_blocks(confusions: AnyArray) -> int:
    """Number of blocks (n_blocks, K, K) with at least one count."""
    return int((confusions.sum((1, 2)) > 0).sum())


def no_interval_reason(n_blocks: int) -> str | None:
    """Why there is no interval, or None if there is one."""
    if n_blocks >= MIN_BLOCKS:
        return None
    return f"{n_blocks} blocks with counted pixels; an interval needs at least {MIN_BLOCKS}"


def _draws(n_blocks: int, n_draws: int, rng: np.random.Generator) -> Iterator[Float64]:
    """How often each block is drawn, (draws, n_blocks), in chunks that fit in memory."""
    step = max(1, _CHUNK_CELLS // n_blocks)
    shares = np.full(n_blocks, 1 / n_blocks)
    for start in range(0, n_draws, step):
        yield rng.multinomial(n_blocks, shares, size=min(step, n_draws - start)).astype(np.float64)


def _resample(columns: AnyArray, n_draws: int, rng: np.random.Generator) -> Float64:
    """Sums (n_draws, ...) of blocks drawn with replacement from `columns` (n_blocks, ...)."""
    n_blocks = len(columns)
    flat = columns.reshape(n_blocks, -1).astype(np.float64)
    sums = np.concatenate([times @ flat for times in _draws(n_blocks, n_draws, rng)])
    return sums.reshape(n_draws, *columns.shape[1:])


def widened_tail(n_blocks: int, level: float) -> float:
    """Share of draws to leave out at each end, so that n blocks give the width of a t interval (Hesterberg 2015)."""
    quantile = stdtrit(n_blocks - 1, (1 + level) / 2) * np.sqrt(n_blocks / (n_blocks - 1))
    return float(ndtr(-quantile))


def bca_bounds(values: Float64, estimate: float, left_out: Float64, tail: float) -> tuple[float, float]:
    """Bounds from draws, corrected for bias and skewness (Efron 1987).

    Args:
        values: (n_draws,) the score of each draw.
        estimate: the score of all blocks.
        left_out: (n_blocks,) the score without each block.
        tail: share of draws beyond each bound, before the correction.
    """
    below = (values < estimate).mean() + (values == estimate).mean() / 2
    bias = ndtri(np.clip(below, 1 / len(values), 1 - 1 / len(values)))
    deviation = left_out.mean() - left_out
    spread = (deviation**2).sum()
    skewness = (deviation**3).sum() / (6 * spread**1.5) if spread > 0 else 0.0
    shifted = bias + ndtri([tail, 1 - tail])
    stretch = np.maximum(1 - skewness * shifted, SMALLEST_STRETCH)
    low, high = np.quantile(values, ndtr(bias + shifted / stretch))
    return float(low), float(high)


def block_bootstrap(
    confusions: AnyArray,
    *,
    rng: np.random.Generator,
    loss_sums: AnyArray | None = None,
    present_only: bool = False,
    n_draws: int = 2000,
    level: float = 0.95,
) -> dict[str, dict[str, Any]] | None:
    """An interval for every score.

    Args:
        confusions: counts (n_blocks, K, K). Blocks without a count are not resampled.
        loss_sums: (n_blocks,) sums of the cross-entropy, or None.
        present_only: as in `score_arrays`.

    Returns:
        Score -> {low, high, level, method}; None under `MIN_BLOCKS` blocks.
    """
    counted = confusions.sum((1, 2)) > 0
    if counted.sum() < MIN_BLOCKS:
        return None
    kept = confusions[counted].reshape(int(counted.sum()), -1)
    losses = np.zeros(len(kept)) if loss_sums is None else loss_sums[counted]
    columns = np.column_stack([kept, losses]).astype(np.float64)

    def score(sums: Float64) -> dict[str, Float64]:
        matrices = sums[:, :-1].reshape(len(sums), *confusions.shape[1:])
        return score_arrays(matrices, loss_sums=None if loss_sums is None else sums[:, -1], present_only=present_only)

    return _intervals(columns, score, rng=rng, n_draws=n_draws, level=level)


def _intervals(
    columns: Float64,
    score: Callable[[Float64], dict[str, Float64]],
    *,
    rng: np.random.Generator,
    n_draws: int,
    level: float,
) -> dict[str, dict[str, Any]]:
    """An interval for everything that `score` makes of sums (draws, F) of `columns` (n_blocks, F)."""
    total = columns.sum(0, keepdims=True)
    values, estimates, left_out = score(_resample(columns, n_draws, rng)), score(total), score(total - columns)
    tail = widened_tail(len(columns), level)
    result = {}
    for name, draws in values.items():
        low, high = bca_bounds(draws, float(estimates[name][0]), left_out[name], tail)
        result[name] = {"low": low, "high": high, "level": level, "method": METHOD}
    return result


def class_iou_intervals(
    confusions: AnyArray,
    class_names: Sequence[str],
    *,
    rng: np.random.Generator,
    n_draws: int = 2000,
    level: float = 0.95,
) -> dict[str, dict[str, Any]]:
    """An interval for the IoU of each class that has reference pixels in at least `MIN_BLOCKS` blocks.

    Args:
        confusions: counts (n_blocks, K, K). Blocks without a count are not resampled.
        class_names: K names.

    Returns:
        Class -> {low, high, level, method}; classes of fewer blocks are not in it.
    """
    counted = confusions[confusions.sum((1, 2)) > 0]
    in_blocks = (counted.sum(2) > 0).sum(0)
    shown = np.flatnonzero(in_blocks >= MIN_BLOCKS)
    if not len(shown):
        return {}
    right = np.diagonal(counted, axis1=1, axis2=2)[:, shown]
    either = (counted.sum(1) + counted.sum(2))[:, shown] - right

    def iou(sums: Float64) -> dict[str, Float64]:
        hit, area = np.split(sums, 2, axis=1)
        shares = np.divide(hit, area, out=np.zeros_like(hit), where=area > 0)
        return {class_names[c]: shares[:, i] for i, c in enumerate(shown.tolist())}

    return _intervals(np.hstack([right, either]).astype(np.float64), iou, rng=rng, n_draws=n_draws, level=level)


def paired_bootstrap(
    first: AnyArray,
    second: AnyArray,
    score: str,
    *,
    rng: np.random.Generator,
    present_only: bool = False,
    n_draws: int = 2000,
    level: float = 0.95,
) -> dict[str, Any]:
    """Difference first − second of one score; both models see the same resampled blocks.

    Args:
        first, second: counts (n_blocks, K, K) of the two models on the same blocks.

    Returns:
        difference, low, high (both None under `MIN_BLOCKS` blocks, then with `reason`), level, method, n_blocks.
    """

    def value(matrices: AnyArray) -> Float64:
        return score_arrays(matrices, present_only=present_only)[score]

    counted = (first.sum((1, 2)) > 0) | (second.sum((1, 2)) > 0)
    both = np.stack([first[counted], second[counted]], axis=1)
    n_blocks = len(both)
    found = float(value(both[:, 0].sum(0)) - value(both[:, 1].sum(0)))
    result = _without_bounds(found, n_blocks, level, f"paired {METHOD}")
    if "reason" in result:
        return result

    def difference(sums: Float64) -> Float64:
        return value(sums[:, 0]) - value(sums[:, 1])

    draws, left_out = difference(_resample(both, n_draws, rng)), difference(both.sum(0)[None] - both)
    low, high = bca_bounds(draws, found, left_out, widened_tail(n_blocks, level))
    return result | {"low": low, "high": high}


def _without_bounds(difference: float, n_blocks: int, level: float, method: str) -> dict[str, Any]:
    """A difference before its bounds are drawn; with `reason` where none will be."""
    reason = no_interval_reason(n_blocks)
    about = {"level": level, "method": method, "n_blocks": n_blocks}
    return {"difference": difference, "low": None, "high": None} | about | ({"reason": reason} if reason else {})


def unpaired_bootstrap(
    first: AnyArray,
    second: AnyArray,
    score: str,
    *,
    rng: np.random.Generator,
    present_only: bool = False,
    n_draws: int = 2000,
    level: float = 0.95,
) -> dict[str, Any]:
    """Difference first − second of one score of two models judged on different ground; each resamples its own blocks.

    Args:
        first, second: counts (n_first, K, K) and (n_second, K, K).
        present_only: as in `score_arrays`.

    Returns:
        As `paired_bootstrap`; n_blocks is the smaller number.
    """

    def score_of(matrices: AnyArray) -> Float64:
        return score_arrays(matrices, present_only=present_only)[score]

    own = [counts[counts.sum((1, 2)) > 0] for counts in (first, second)]
    value, n_blocks = [score_of(counts.sum(0)) for counts in own], min(map(len, own))
    result = _without_bounds(float(value[0] - value[1]), n_blocks, level, "unpaired block bootstrap, widened tails")
    if "reason" in result:
        return result
    drawn = [score_of(_resample(counts, n_draws, rng)) for counts in own]
    tail = widened_tail(n_blocks, level)
    low, high = map(float, np.quantile(drawn[0] - drawn[1], [tail, 1 - tail]))
    return result | {"low": low, "high": high}

"""Confusion counts by block -> intervals by block bootstrap, for one model or for the difference of two. Pure.

Neighbouring pixels are alike, so pixels are no independent draws: whole blocks of ground are resampled, by the
percentile method (Efron and Tibshirani 1993, ch. 13). Under ten blocks a resample says little: there is no interval,
and the reason is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bocage.core.arrays import AnyArray, Float64
from bocage.metrics.scores import score_arrays

MIN_BLOCKS = 10
METHOD = "block bootstrap, percentile"
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


def _bounds(values: Float64, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
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
    sums = _resample(np.column_stack([kept, losses]), n_draws, rng)
    values = score_arrays(
        sums[:, :-1].reshape(n_draws, *confusions.shape[1:]),
        loss_sums=None if loss_sums is None else sums[:, -1],
        present_only=present_only,
    )
    result = {}
    for name, draws in values.items():
        low, high = _bounds(draws, level)
        result[name] = {"low": low, "high": high, "level": level, "method": METHOD}
    return result


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
    result: dict[str, Any] = {
        "difference": float(value(both[:, 0].sum(0)) - value(both[:, 1].sum(0))),
        "low": None,
        "high": None,
        "level": level,
        "method": f"paired {METHOD}",
        "n_blocks": n_blocks,
    }
    if reason := no_interval_reason(n_blocks):
        return result | {"reason": reason}
    sums = _resample(both, n_draws, rng)
    low, high = _bounds(value(sums[:, 0]) - value(sums[:, 1]), level)
    return result | {"low": low, "high": high}


def unpaired_bootstrap(
    first: AnyArray, second: AnyArray, score: str, *, rng: np.random.Generator, n_draws: int = 2000, level: float = 0.95
) -> dict[str, Any]:
    """Difference first − second of one score of two models judged on different ground; each resamples its own blocks.

    Args:
        first, second: counts (n_first, K, K) and (n_second, K, K).

    Returns:
        As `paired_bootstrap`; n_blocks is the smaller number.
    """
    own = [counts[counts.sum((1, 2)) > 0] for counts in (first, second)]
    value, n_blocks = [score_arrays(counts.sum(0))[score] for counts in own], min(map(len, own))
    result: dict[str, Any] = {"difference": float(value[0] - value[1]), "low": None, "high": None}
    result |= {"level": level, "method": f"unpaired {METHOD}", "n_blocks": n_blocks}
    if reason := no_interval_reason(n_blocks):
        return result | {"reason": reason}
    drawn = [score_arrays(_resample(counts, n_draws, rng))[score] for counts in own]
    low, high = _bounds(drawn[0] - drawn[1], level)
    return result | {"low": low, "high": high}

"""Every pair of models: the difference of their foreground mIoU on the same blocks, with its interval. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from bocage.core.arrays import Int64
from bocage.core.seeds import generator
from bocage.evaluation.options import EvaluationOptions
from bocage.metrics.intervals import paired_bootstrap
from bocage.metrics.protocols import Protocol

SCORE = "miou_foreground"


def compare_models(
    counts: Mapping[str, Int64], protocol: Protocol, options: EvaluationOptions, *, seed: int
) -> dict[str, Any]:
    """'first - second' -> difference, low, high and what was compared.

    Args:
        counts: model -> counts (n_blocks, K, K) under `protocol`, the same blocks for all.
    """
    pairs = {}
    for first, second in combinations(counts, 2):
        pair = paired_bootstrap(
            counts[first],
            counts[second],
            SCORE,
            rng=generator(seed, "evaluation", "bootstrap"),
            present_only=protocol.present_only,
            n_draws=options.bootstrap,
            level=options.level,
        )
        about = {"first": first, "second": second, "score": SCORE, "protocol": protocol.name}
        pairs[f"{first} - {second}"] = about | pair
    return pairs

"""Counts by block → the record of one model under one protocol, as it stands in evaluation.json. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bocage.core.arrays import Float64, Int64
from bocage.core.seeds import generator
from bocage.evaluation.options import EvaluationOptions
from bocage.metrics.intervals import block_bootstrap, count_blocks, no_interval_reason
from bocage.metrics.protocols import Protocol
from bocage.metrics.scores import scores


def describe_counts(
    counts: Int64,
    losses: Float64 | None,
    protocol: Protocol,
    class_names: Sequence[str],
    options: EvaluationOptions,
    seed: int,
) -> dict[str, Any]:
    """Scores with intervals of one model under one protocol."""
    interval = block_bootstrap(
        counts,
        rng=generator(seed, "evaluation", "bootstrap"),
        loss_sums=losses,
        present_only=protocol.present_only,
        n_draws=options.bootstrap,
        level=options.level,
    )
    n_blocks = count_blocks(counts)
    reason = no_interval_reason(n_blocks)
    return {
        **scores(
            counts.sum(0),
            class_names,
            loss_sum=None if losses is None else float(losses.sum()),
            present_only=protocol.present_only,
        ),
        "n_blocks": n_blocks,
        "interval": interval,
        **({"interval_reason": reason} if reason else {}),
    }

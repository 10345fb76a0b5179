"""Counts by block → the record of one model under one protocol, as it stands in evaluation.json. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bocage.core.arrays import Float64, Int64
from bocage.core.seeds import generator
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.outcome import Outcome
from bocage.metrics.intervals import (
    block_bootstrap,
    class_iou_intervals,
    count_blocks,
    no_interval_reason,
    paired_bootstrap,
)
from bocage.metrics.protocols import PROTOCOLS, Protocol
from bocage.metrics.scores import score_arrays, scores


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
    by_class = class_iou_intervals(
        counts,
        class_names,
        rng=generator(seed, "evaluation", "bootstrap"),
        n_draws=options.bootstrap,
        level=options.level,
    )
    n_blocks = count_blocks(counts)
    reason = no_interval_reason(n_blocks)
    record = scores(
        counts.sum(0),
        class_names,
        loss_sum=None if losses is None else float(losses.sum()),
        present_only=protocol.present_only,
    )
    for name, row in record["per_class"].items():
        row["iou_interval"] = by_class.get(name)
    return {
        **record,
        "n_blocks": n_blocks,
        "interval": interval,
        **({"interval_reason": reason} if reason else {}),
    }


def describe_sizes(outcome: Outcome, options: EvaluationOptions, *, px_ha: float, seed: int) -> list[dict[str, Any]]:
    """Scores of parcels (majority vote) by their size, smallest first; sizes without a parcel are left out.

    Where every parcel is one pixel, as in data sets of parcels, nothing is known of sizes and the list is empty.

    Args:
        px_ha: hectares of one pixel.

    Returns:
        from_ha, to_ha (null: no limit), n_parcels, area_ha, n_blocks; `accuracy` (share of the parcels that are right),
        `accuracy_by_area` (share of their hectares), `miou_present`, each {value, low, high}. The size of a parcel is
        the ground of it that the samples show. Bounds are null under ten blocks, with `interval_reason`.
    """
    if not outcome.votes(ground_px=(2, float("inf"))).any():
        return []
    limits = [0.0, *options.parcel_sizes_ha, float("inf")]
    rows = []
    for low, high in pairwise(limits):
        ground_px = (low / px_ha, high / px_ha)
        by_parcel = outcome.votes(ground_px=ground_px)
        if not by_parcel.any():
            continue
        by_area = outcome.votes(ground_px=ground_px, by_area=True)
        n_blocks = count_blocks(by_parcel)
        reason = no_interval_reason(n_blocks)
        rows.append(
            {
                "from_ha": low,
                "to_ha": None if high == float("inf") else high,
                "n_parcels": int(by_parcel.sum()),
                "area_ha": float(by_area.sum() * px_ha),
                "n_blocks": n_blocks,
                "accuracy": _with_bounds(by_parcel, "pixel_accuracy", options, seed),
                "accuracy_by_area": _with_bounds(by_area, "pixel_accuracy", options, seed),
                "miou_present": _with_bounds(by_parcel, "miou_present", options, seed),
                **({"interval_reason": reason} if reason else {}),
            }
        )
    return rows


def describe_zones(outcome: Outcome, options: EvaluationOptions, *, seed: int) -> dict[str, Any] | None:
    """Pixels inside parcels (and other land) against those at boundaries; None where no pixel is at one.

    Returns:
        `interior` and `boundary` → n_pixels, `pixel_accuracy` and `miou_present`, each {value, low, high}; `difference`
        → interior minus boundary pixel accuracy on the same blocks, see `paired_bootstrap`.
    """
    counts = {zone: outcome.counts(PROTOCOLS[f"{zone}_pixels"])[0] for zone in ("interior", "boundary")}
    if not all(c.any() for c in counts.values()):
        return None
    difference = paired_bootstrap(
        counts["interior"],
        counts["boundary"],
        "pixel_accuracy",
        rng=generator(seed, "evaluation", "bootstrap"),
        n_draws=options.bootstrap,
        level=options.level,
    )
    zones = {
        zone: {"n_pixels": int(c.sum())}
        | {score: _with_bounds(c, score, options, seed) for score in ("pixel_accuracy", "miou_present")}
        for zone, c in counts.items()
    }
    return {**zones, "difference": difference}


def _with_bounds(counts: Int64, score: str, options: EvaluationOptions, seed: int) -> dict[str, float | None]:
    interval = block_bootstrap(
        counts, rng=generator(seed, "evaluation", "bootstrap"), n_draws=options.bootstrap, level=options.level
    )
    bounds = interval[score] if interval else {"low": None, "high": None}
    return {"value": float(score_arrays(counts.sum(0))[score]), "low": bounds["low"], "high": bounds["high"]}

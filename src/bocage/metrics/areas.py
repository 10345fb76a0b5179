"""Confusion of a stratified random sample + mapped areas -> accuracy and class areas with their errors. Pure.

Counting pixels of a map is biased wherever its errors are. With a random sample of pixels drawn within each mapped
class, the estimators of Olofsson et al. (2014, Remote Sensing of Environment 148, equations 1–11) are not. They hold
for such a sample only: pixels without known inclusion probabilities give no design-based interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri

from bocage.core.arrays import AnyArray, Float64
from bocage.core.errors import DataError, GridMismatch


def estimate_areas(
    sample_counts: AnyArray, mapped_ha: AnyArray, class_names: Sequence[str], *, level: float = 0.95
) -> dict[str, Any]:
    """Area-adjusted accuracy and areas.

    Args:
        sample_counts: (K, K) sampled pixels, rows = reference, columns = mapped class; each column is a simple random
            sample of the pixels that the map gives to that class.
        mapped_ha: (K,) hectares that the map gives to each class.

    Returns:
        `overall_accuracy` and per class `users_accuracy`, `producers_accuracy`, `area_ha`, each as {value, low, high};
        null where a class was never met.

    Raises:
        GridMismatch: if the shapes do not fit.
        DataError: if a mapped class has fewer than two sampled pixels.
    """
    counts, mapped = np.asarray(sample_counts, np.float64).T, np.asarray(mapped_ha, np.float64)  # rows = strata
    k = len(class_names)
    if counts.shape != (k, k) or mapped.shape != (k,):
        raise GridMismatch(f"counts {counts.shape} and areas {mapped.shape} for {k} classes")
    drawn = counts.sum(1)
    if thin := [class_names[i] for i in range(k) if mapped[i] > 0 and drawn[i] < 2]:
        raise DataError(f"Fewer than two sampled pixels in mapped class {', '.join(thin)}. Draw more there.")
    mapped_only = mapped > 0
    weights = mapped / mapped.sum()
    share = np.divide(counts, drawn[:, None], out=np.zeros_like(counts), where=drawn[:, None] > 0)
    variance = share * (1 - share) / np.maximum(drawn - 1, 1)[:, None]  # of each p(reference | stratum)
    proportion = (weights[:, None] * share).sum(0)  # equation 9
    proportion_error = np.sqrt((weights[:, None] ** 2 * variance).sum(0))  # equation 10
    users = np.diagonal(share)
    overall = float((weights * users).sum())  # equation 1 on estimated proportions
    overall_error = float(np.sqrt((weights**2 * np.diagonal(variance)).sum()))  # equation 5
    producers, producers_error = _producers(mapped, share, variance)
    z = float(ndtri((1 + level) / 2))

    def span(value: float, error: float, scale: float = 1.0) -> dict[str, float]:
        return {"value": value * scale, "low": (value - z * error) * scale, "high": (value + z * error) * scale}

    total = float(mapped.sum())
    by_class = {
        name: {
            "users_accuracy": span(float(users[i]), float(np.sqrt(variance[i, i]))) if mapped_only[i] else None,
            "producers_accuracy": span(float(producers[i]), float(producers_error[i])) if proportion[i] > 0 else None,
            "area_ha": span(float(proportion[i]), float(proportion_error[i]), total),
            "mapped_ha": float(mapped[i]),
        }
        for i, name in enumerate(class_names)
    }
    return {"overall_accuracy": span(overall, overall_error), "per_class": by_class, "level": level}


def _producers(mapped: Float64, share: Float64, variance: Float64) -> tuple[Float64, Float64]:
    """Producer's accuracies and their standard errors (equations 3 and 7)."""
    by_stratum = mapped[:, None] * share  # estimated hectares (stratum, reference)
    total = by_stratum.sum(0)
    safe = np.where(total > 0, total, 1)
    right = np.diagonal(by_stratum)
    accuracy = right / safe
    spread = mapped[:, None] ** 2 * variance
    own = np.diagonal(spread)
    return accuracy, np.sqrt(own * (1 - accuracy) ** 2 + accuracy**2 * (spread.sum(0) - own)) / safe

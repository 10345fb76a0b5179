"""Probabilities + labels -> counts by confidence, which add up over samples -> reliability, ECE, Brier score. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bocage.core.arrays import IGNORE, Float32, Float64, Int64, UInt8

N_BINS = 15


@dataclass(frozen=True)
class CalibrationCounts:
    """Pixels by the confidence of their answer, in equal bins of (0, 1].

    Attributes:
        n, right: (n_bins,) pixels, and those that are right.
        confidence: (n_bins,) sum of the highest probability.
        brier: sum over pixels of the squared distance between probabilities and the one-hot reference.
    """

    n: Int64
    right: Int64
    confidence: Float64
    brier: float

    def __add__(self, other: CalibrationCounts) -> CalibrationCounts:
        return CalibrationCounts(
            self.n + other.n, self.right + other.right, self.confidence + other.confidence, self.brier + other.brier
        )


def count_calibration(probabilities: Float32, labels: UInt8, *, n_bins: int = N_BINS) -> CalibrationCounts:
    """Count one sample.

    Args:
        probabilities: (K, H, W), summing to one over K.
        labels: (H, W), 255 is left out.
    """
    scored = labels != IGNORE
    given = probabilities[:, scored].astype(np.float64)
    reference = labels[scored].astype(np.intp)
    answer, confidence = given.argmax(0), given.max(0, initial=0.0)
    bins = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    brier = (given**2).sum() - 2 * given[reference, np.arange(len(reference))].sum() + len(reference)
    return CalibrationCounts(
        n=np.bincount(bins, minlength=n_bins),
        right=np.bincount(bins[answer == reference], minlength=n_bins),
        confidence=np.bincount(bins, weights=confidence, minlength=n_bins).astype(np.float64),
        brier=float(brier),
    )


def describe_calibration(counts: CalibrationCounts | None) -> dict[str, Any] | None:
    """`ece` (expected calibration error, Naeini et al. 2015), `brier` (0 best, 2 worst), and `bins` that hold a pixel:
    from, to, n, mean confidence, accuracy. None if nothing was counted."""
    if counts is None or (total := int(counts.n.sum())) == 0:
        return None
    n_bins = len(counts.n)
    gaps = np.abs(counts.right - counts.confidence)
    rows = [
        {
            "from": i / n_bins,
            "to": (i + 1) / n_bins,
            "n": int(counts.n[i]),
            "confidence": float(counts.confidence[i] / counts.n[i]),
            "accuracy": float(counts.right[i] / counts.n[i]),
        }
        for i in np.nonzero(counts.n)[0].tolist()
    ]
    return {"ece": float(gaps.sum() / total), "brier": counts.brier / total, "bins": rows}

"""Confusion counts -> scores. Pure; works on one matrix or on a stack of them, so that resampling reuses it.

Conventions (worked out from the EuroCrops paper's tables): 0/0 is 0. `miou`, `miou_foreground` and `macro_*` divide by
all classes, absent ones count 0. `miou_present` and `mean_class_accuracy` divide by the classes with reference pixels.
Recall weighted by support is the pixel accuracy.
Class 0 is background; where a protocol leaves its reference pixels out, it is one more absent class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bocage.core.arrays import AnyArray, Float64
from bocage.core.errors import GridMismatch

SCORES = (
    "miou",
    "miou_foreground",
    "miou_present",
    "pixel_accuracy",
    "mean_class_accuracy",
    "mean_loss",
    "kappa",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "weighted_accuracy",
    "weighted_precision",
    "weighted_f1",
)


def _share(part: Float64, whole: Float64) -> Float64:
    """part / whole, and 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole != 0)


def class_scores(matrices: AnyArray) -> dict[str, Float64]:
    """Scores of each class from counts (..., K, K), each (..., K); `accuracy` is the papers' class accuracy, recall."""
    counts = np.asarray(matrices, dtype=np.float64)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    support, predicted = counts.sum(-1), counts.sum(-2)
    recall = _share(right, support)
    return {
        "iou": _share(right, support + predicted - right),
        "accuracy": recall,
        "precision": _share(right, predicted),
        "recall": recall,
        "f1": _share(2 * right, support + predicted),
        "support": support,
    }


def normalise(matrix: AnyArray, *, axis: int) -> Float64:
    """Counts (K, K) as fractions that sum to one along an axis: 1 = by reference, 0 = by prediction; 0/0 is 0."""
    counts = np.asarray(matrix, dtype=np.float64)
    return _share(counts, counts.sum(axis, keepdims=True))


def _kappa(counts: Float64, agreement: Float64, n: Float64) -> Float64:
    """Cohen's kappa; 1 where everything lies in one cell of the diagonal (chance alone agrees fully there)."""
    chance = _share((counts.sum(-1) * counts.sum(-2)).sum(-1), n * n)
    return np.where(chance < 1, _share(agreement - chance, 1 - chance), 1.0)


def score_arrays(
    matrices: AnyArray, *, loss_sums: AnyArray | None = None, present_only: bool = False
) -> dict[str, Float64]:
    """Every score of every matrix in a stack.

    Args:
        matrices: counts (..., K, K), rows = reference.
        loss_sums: (...) sum of the cross-entropy over the counted pixels; None: `mean_loss` is left out.
        present_only: divide the means over classes by the classes with reference pixels, not by all.

    Returns:
        Name -> (...) float64. A matrix without any count scores 0.
    """
    counts = np.asarray(matrices, dtype=np.float64)
    n = counts.sum((-1, -2))
    by_class = class_scores(counts)
    support, predicted = by_class["support"], counts.sum(-2)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    present = support > 0
    averaged = present if present_only else np.ones_like(present)

    def mean(values: Float64, over: AnyArray) -> Float64:
        return _share((values * over).sum(-1), over.sum(-1).astype(np.float64))

    def weighted(values: Float64) -> Float64:
        return _share((values * support).sum(-1), n)

    agreement = _share(right.sum(-1), n)
    one_against_rest = _share(n[..., None] - support - predicted + 2 * right, n[..., None])  # (TP + TN) / N
    result = {
        "miou": mean(by_class["iou"], averaged),
        "miou_foreground": mean(by_class["iou"][..., 1:], averaged[..., 1:]),
        "miou_present": mean(by_class["iou"], present),
        "pixel_accuracy": agreement,
        "mean_class_accuracy": mean(by_class["accuracy"], present),
        "kappa": _kappa(counts, agreement, n),
        "macro_precision": mean(by_class["precision"], averaged),
        "macro_recall": mean(by_class["recall"], averaged),
        "macro_f1": mean(by_class["f1"], averaged),
        "weighted_accuracy": weighted(one_against_rest),
        "weighted_precision": weighted(by_class["precision"]),
        "weighted_f1": weighted(by_class["f1"]),
    }
    if loss_sums is not None:
        result["mean_loss"] = _share(np.asarray(loss_sums, dtype=np.float64), n)
    return {name: result[name] for name in SCORES if name in result}


def scores(
    matrix: AnyArray, class_names: Sequence[str], *, loss_sum: float | None = None, present_only: bool = False
) -> dict[str, Any]:
    """Everything that is said about one confusion matrix, ready for JSON.

    Args:
        matrix: counts (K, K), rows = reference.
        class_names: K names, index = class id, 0 = background.
        loss_sum: sum of the cross-entropy over the counted pixels; None: `mean_loss` is null.
        present_only: see `score_arrays`.

    Returns:
        The scalar scores (null if nothing was counted), `classes_absent`, `per_class` (name -> iou, accuracy,
        precision, recall, f1, support), `confusion` (counts), `confusion_by_reference` and `confusion_by_prediction`
        (see `normalise`), `n_pixels`.

    Raises:
        GridMismatch: if the matrix and the names differ in number.
    """
    k = len(class_names)
    if np.shape(matrix) != (k, k):
        raise GridMismatch(f"confusion matrix of shape {np.shape(matrix)} for {k} classes")
    n_pixels = int(np.sum(matrix))
    loss_sums = None if loss_sum is None else np.asarray(loss_sum)
    values = score_arrays(matrix, loss_sums=loss_sums, present_only=present_only)
    by_class = class_scores(matrix)
    per_class = {
        name: {score: float(by_class[score][i]) for score in ("iou", "accuracy", "precision", "recall", "f1")}
        | {"support": int(by_class["support"][i])}
        for i, name in enumerate(class_names)
    }
    return {
        **{name: float(values[name]) if n_pixels and name in values else None for name in SCORES},
        "classes_absent": [name for i, name in enumerate(class_names) if by_class["support"][i] == 0],
        "per_class": per_class,
        "confusion": np.asarray(matrix).astype(int).tolist(),
        "confusion_by_reference": normalise(matrix, axis=1).tolist(),
        "confusion_by_prediction": normalise(matrix, axis=0).tolist(),
        "n_pixels": n_pixels,
    }

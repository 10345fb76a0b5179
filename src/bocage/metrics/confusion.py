"""Labels + predictions -> integer confusion counts, which add up over samples. Pure."""

from __future__ import annotations

import numpy as np

from bocage.core.arrays import IGNORE, Int64, UInt8
from bocage.core.errors import DataError, GridMismatch


def confusion(reference: UInt8, prediction: UInt8, n_classes: int, *, ignore: int = IGNORE) -> Int64:
    """Count every (reference, predicted) pair.

    Args:
        reference: class ids 0..n_classes-1, or `ignore`, which is never counted; any shape.
        prediction: class ids 0..n_classes-1 wherever `reference` is not `ignore`; same shape.

    Returns:
        (K, K) int64, rows = reference, columns = prediction.

    Raises:
        GridMismatch: if the shapes differ.
        DataError: if a counted pixel carries a class that does not exist.
    """
    if reference.shape != prediction.shape:
        raise GridMismatch(f"reference is {reference.shape}, prediction is {prediction.shape}")
    # One 16-bit code a pixel: twice as fast as masking out `ignore` first.
    codes = (reference.astype(np.uint16) << 8) | prediction.astype(np.uint16)
    pairs = np.bincount(codes.ravel(), minlength=1 << 16).reshape(256, 256)
    pairs[ignore] = 0
    counts = pairs[:n_classes, :n_classes].astype(np.int64)
    if counts.sum() != pairs.sum():
        rows, cols = np.nonzero(pairs)
        wrong = sorted({int(v) for v in (*rows, *cols) if v >= n_classes})
        raise DataError(f"class ids {wrong} are outside 0..{n_classes - 1}. Check the class list of labels and model.")
    return counts

"""Pixels of each class in each patch -> which patches an epoch shows. Pure; numpy."""

from __future__ import annotations

import numpy as np

from bocage.core.arrays import Float64, Int64


def patch_shares(n_pixels: Int64) -> Float64:
    """How often each patch is drawn, (P,), so that all classes are met alike; sums to one.

    Each class that is there hands out the same share, to patches in proportion to its pixels in them. Background takes
    part as a class.

    Args:
        n_pixels: (P, K) pixels of each class in each patch.
    """
    present = n_pixels[:, n_pixels.sum(0) > 0]
    if not present.shape[1]:
        return np.full(len(n_pixels), 1 / len(n_pixels))
    shares: Float64 = (present / present.sum(0)).mean(1)
    return shares

"""Labels of one patch -> the pixels that a forest learns from. Pure; numpy."""

from __future__ import annotations

import numpy as np

from bocage.core.arrays import Bool, Int64, UInt8


def pick_pixels(labels: UInt8, usable: Bool, wanted: Int64, rng: np.random.Generator) -> Int64:
    """At most `wanted[c]` random pixels of each class c.

    Args:
        labels: (H, W) class ids, 255 ignored.
        usable: (H, W), False where a pixel must not be picked.
        wanted: (K,) most pixels of each class.

    Returns:
        Flat indices into (H, W), without repetition, in the order of classes.
    """
    flat = np.where(usable, labels, 255).ravel()
    picked = [np.empty(0, np.int64)]
    for class_id in np.flatnonzero(wanted):
        candidates = np.flatnonzero(flat == class_id)
        picked.append(rng.permutation(candidates)[: wanted[class_id]])
    return np.concatenate(picked)

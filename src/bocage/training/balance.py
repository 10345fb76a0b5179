"""What patches hold and where they lie -> which of them an epoch shows. Pure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bocage.core.arrays import Float64, Int64
from bocage.datasets.manifest import pixel_columns
from bocage.splits.strategies import units_of


def balanced_shares(patches: pd.DataFrame, sampling: str, n_classes: int) -> Float64:
    """How often each patch is drawn, (P,), so that what `sampling` names is met alike; sums to one.

    Args:
        patches: their rows of the manifest.
        sampling: "class_balanced", or "region_balanced": each region of each country and year draws as often.
    """
    if sampling == "class_balanced":
        return patch_shares(patches[pixel_columns(n_classes)[:-1]].to_numpy(np.int64))
    regions = units_of(patches, "regions", np.array([]))
    places = patches["country"].astype(str) + "/" + patches["year"].astype(str) + "/" + regions
    return patch_shares(pd.get_dummies(places).to_numpy(np.int64))


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

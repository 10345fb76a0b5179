"""The control that a model must not pass: crop classes shuffled among parcels. Pure; pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd


def permute_parcel_classes(parcels: pd.DataFrame, rng: np.random.Generator) -> dict[int, int]:
    """Deal the classes of the parcels out among them again: parcel number -> class id.

    Each parcel counts with the class of most of its pixels (the lower id on a tie), so every class keeps its number of
    parcels.

    Args:
        parcels: number, class_id, n_px; a parcel may have several rows.
    """
    by_class = parcels.groupby(["number", "class_id"])["n_px"].sum().reset_index()
    by_class = by_class.sort_values(["number", "n_px", "class_id"], ascending=[True, False, True])
    majority = by_class.drop_duplicates("number")
    dealt = rng.permutation(majority["class_id"].to_numpy())
    return dict(zip(map(int, majority["number"]), map(int, dealt), strict=True))

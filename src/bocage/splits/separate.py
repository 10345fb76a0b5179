"""Take apart what parts share: windows on the same ground, parcels in several parts. Pure.

Who keeps it: test, else val, else train.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.core.arrays import IGNORE, UInt32
from bocage.splits.ground import Places, overlapping
from bocage.splits.record import DROPPED, PARTS, PRIORITY


def drop_shared_ground(places: Places, parts: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Drop samples that cover ground of a part with priority.

    Args:
        parts: (N,) part of each sample; samples of one place belong to one part.

    Returns:
        The parts, "dropped" where dropped, and the reasons, "" where kept.
    """
    of_place = np.empty(len(places.boxes), object)
    of_place[places.of_sample] = parts
    reason = np.full(len(of_place), "", object)
    i, j, _ = overlapping(places)
    a, b = np.concatenate([i, j]), np.concatenate([j, i])
    for rank, loser in enumerate(PRIORITY[1:], start=1):
        for winner in PRIORITY[:rank]:
            shares = b[(of_place[a] == winner) & (of_place[b] == loser)]
            of_place[shares], reason[shares] = DROPPED, f"shares ground with {winner}"
    return of_place[places.of_sample], reason[places.of_sample]


def labelled_parcels(parcels: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the parcel table that count (labelled pixels, in a part), with their part."""
    merged = parcels[parcels["class_id"] != IGNORE].merge(table[["sample_id", "part"]], on="sample_id")
    return merged[merged["part"].isin(PARTS)]


def find_shared_parcels(parcels: pd.DataFrame, table: pd.DataFrame) -> dict[str, UInt32]:
    """Part → sorted numbers of the parcels that it has to leave to another part.

    Args:
        parcels: sample_id, number, class_id, n_px.
        table: sample_id, part.
    """
    pairs = labelled_parcels(parcels, table)[["number", "part"]].drop_duplicates()
    rank = pairs["part"].map({part: r for r, part in enumerate(PRIORITY)})
    loses = pairs[rank > rank.groupby(pairs["number"]).transform("min")]
    return {part: np.sort(loses.loc[loses["part"] == part, "number"].to_numpy(np.uint32)) for part in PARTS}

"""Take apart what parts share: windows on the same ground, parcels in several parts. Pure.

Who keeps it: test, else val, else train.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import shapely
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


def settle_blocks(
    parts: NDArray[np.object_], blocks: NDArray[np.object_], fractions: tuple[float, ...], rng: np.random.Generator
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Give each block that several parts want to one of them, drawn with the wanted shares; the others lose it there.

    The same ground of two years, or of two tiles, is so kept out of two parts. Returns parts and reasons as
    `drop_shared_ground`.
    """
    settled, reasons = parts.copy(), np.full(len(parts), "", object)
    share = dict(zip(PARTS, fractions, strict=True))
    wanted = pd.DataFrame({"block": blocks, "part": parts})
    wanted = wanted[wanted["part"] != DROPPED]
    for block, own in wanted.groupby("block", sort=True)["part"]:
        here = sorted(set(own), key=PRIORITY.index)
        if len(here) > 1:
            odds = np.array([share[p] for p in here])
            winner = here[int(rng.choice(len(here), p=odds / odds.sum()))]
            loses = (blocks == block) & (parts != winner) & (parts != DROPPED)
            settled[loses], reasons[loses] = DROPPED, f"shares a block with {winner}"
    return settled, reasons


def drop_near(
    places: Places, parts: NDArray[np.object_], buffer_m: float
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Drop samples nearer than `buffer_m` to ground of a part with priority; parts and reasons as above."""
    wide = replace(places, boxes=shapely.buffer(places.boxes, buffer_m / 2, join_style="mitre"))
    kept, reasons = drop_shared_ground(wide, parts)
    near = np.char.replace(reasons.astype(str), "shares ground with", "too near to").astype(object)
    return kept, near


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

"""Rows with several labels → parts of given sizes that keep each label's share. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bocage.core.arrays import Bool, Int64


def deal_stratified(holds: Bool, sizes: Sequence[int], rng: np.random.Generator) -> Int64:
    """Part of each row by iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011), the sizes kept exactly.

    The label with the fewest rows left is dealt first, row by row to the part that still lacks most of it, of equals to
    the one with most room; rows without a label come last.

    Args:
        holds: (N, K) which labels each row has.
        sizes: rows of each part; they sum to N.
        rng: draws the order of rows.

    Returns:
        (N,) numbers of parts.
    """
    room = np.array(sizes, np.int64)
    if room.sum() != len(holds):
        raise ValueError(f"parts of {room.sum()} rows were asked for; there are {len(holds)}")
    lacks = room[:, None] / max(len(holds), 1) * holds.sum(axis=0)
    part = np.full(len(holds), -1, np.int64)
    left = holds.sum(axis=0)
    while (left > 0).any():
        label = int(np.argmin(np.where(left > 0, left, np.inf)))
        for row in rng.permutation(np.flatnonzero((part < 0) & holds[:, label])):
            wants = np.where(room > 0, lacks[:, label], -np.inf)
            to = int(np.lexsort((room, wants))[-1])
            part[row] = to
            lacks[to] -= holds[row]
            room[to] -= 1
        left = holds[part < 0].sum(axis=0)
    part[part < 0] = rng.permutation(np.repeat(np.arange(len(room)), room))
    return part

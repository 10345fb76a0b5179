"""Blocks → parts, so that every part gets its share of every class. Pure and deterministic.

The aim is to minimise Σ over classes c and parts p of (s_pc − f_p)² / f_p, where f_p is the wanted share of part p and
s_pc the share of class c's pixels that it has. Blocks that hold much of a class are placed first; then single blocks
move for as long as that helps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bocage.core.arrays import Float64, Int64

_MOST_MOVES = 1000


def assign_blocks(pixels: Int64, fractions: Sequence[float], rng: np.random.Generator) -> Int64:
    """Part number of each block; no part is empty.

    Args:
        pixels: (B, K), B ≥ P: what each block holds of each class; classes that no block has do not matter.
        fractions: wanted share of each of the P parts.
        rng: breaks ties between equal blocks.
    """
    wanted = np.asarray(fractions, float)
    n, n_parts = len(pixels), len(wanted)
    present = pixels[:, pixels.sum(axis=0) > 0].astype(float)
    share = present / present.sum(axis=0)
    have = np.zeros((n_parts, share.shape[1]))
    part = np.empty(n, np.int64)
    shuffled = rng.permutation(n)
    for block in shuffled[np.argsort(-share[shuffled].max(axis=1, initial=0), kind="stable")]:
        part[block] = np.argmin(_cost_of_adding(share[block], have, wanted))
        have[part[block]] += share[block]
    for _ in range(_MOST_MOVES):
        move = _best_move(share, have, wanted, part)
        if move is None:
            break
        block, to = move
        have[part[block]] -= share[block]
        have[to] += share[block]
        part[block] = to
    return part


def _cost_of_adding(share: Float64, have: Float64, wanted: Float64) -> Float64:
    """Change of the aim when blocks (…, K) go into each part: (…, P)."""
    gap = 2 * (have - wanted[:, None]) + share[..., None, :]
    cost: Float64 = (gap * share[..., None, :]).sum(axis=-1) / wanted
    return cost


def _best_move(share: Float64, have: Float64, wanted: Float64, part: Int64) -> tuple[int, int] | None:
    """The move (block, part) that helps most, or fills an empty part at least cost; None if there is none."""
    size = np.bincount(part, minlength=len(wanted))
    left = have[part] - share
    gain = ((2 * (left - wanted[part, None]) + share) * share).sum(axis=1) / wanted[part]
    change = _cost_of_adding(share, have, wanted) - gain[:, None]
    change[np.arange(len(part)), part] = np.inf
    change[size[part] == 1] = np.inf
    if (size == 0).any():
        change[:, size > 0] = np.inf
    best = int(np.argmin(change))
    block, to = divmod(best, len(wanted))
    helps = change[block, to] < -1e-9 or (size[to] == 0 and np.isfinite(change[block, to]))
    return (block, to) if helps else None

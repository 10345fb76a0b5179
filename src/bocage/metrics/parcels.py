"""Pixels of parcels -> counts by parcel -> one vote a parcel. Pure.

A parcel may show in several samples (neighbouring windows, several dates): its counts add up before it votes.
A tie goes to the smaller class id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bocage.core.arrays import IGNORE, NO_PARCEL, Bool, Float32, Float64, Int64, UInt8, UInt32


@dataclass(frozen=True)
class ParcelCounts:
    """Pixels of n parcels by reference class and by predicted class.

    Attributes:
        ids: (n,) uint32 parcel numbers, ascending.
        reference: (n, K) int64 pixels by reference class.
        prediction: (n, K) int64 pixels by predicted class.
        probability: (n, K) sums over the pixels of each class's probability; `prediction` where a model gives none.
        ground_px: (n,) int64 pixels of ground, each counted once however many samples show it.
    """

    ids: UInt32
    reference: Int64
    prediction: Int64
    probability: Float64
    ground_px: Int64


def count_parcels(
    reference: UInt8,
    prediction: UInt8,
    parcel_ids: UInt32,
    n_classes: int,
    probabilities: Float32 | None = None,
    new_ground: Bool | None = None,
) -> ParcelCounts:
    """Count the pixels of every parcel; pixels without a parcel or with reference 255 are left out.

    Args:
        reference, prediction, parcel_ids: of one shape.
        probabilities: (K, *shape), or None where a model gives none.
        new_ground: False where an earlier sample showed the same ground; None: nowhere.
    """
    counted = (parcel_ids != NO_PARCEL) & (reference != IGNORE)
    ids, index = np.unique(parcel_ids[counted], return_inverse=True)

    def by_class(classes: UInt8) -> Int64:
        codes = index * n_classes + classes[counted]
        return np.bincount(codes, minlength=len(ids) * n_classes).reshape(len(ids), n_classes).astype(np.int64)

    predicted = by_class(prediction)
    ground_px = _count_ground(ids, parcel_ids if new_ground is None else parcel_ids[new_ground])
    if probabilities is None:
        return ParcelCounts(ids, by_class(reference), predicted, predicted.astype(np.float64), ground_px)
    sums = [np.bincount(index, weights=layer[counted], minlength=len(ids)) for layer in probabilities]
    return ParcelCounts(ids, by_class(reference), predicted, np.stack(sums, axis=1).astype(np.float64), ground_px)


def _count_ground(ids: UInt32, parcel_ids: UInt32) -> Int64:
    """Pixels of each of the ids (ascending), scored or not."""
    shown, n_px = np.unique(parcel_ids, return_counts=True)
    at = np.searchsorted(shown, ids)
    at[at == len(shown)] = 0
    return np.where(shown[at] == ids, n_px[at], 0) if len(shown) else np.zeros(len(ids), np.int64)


def merge_parcels(parts: Sequence[ParcelCounts], n_classes: int) -> ParcelCounts:
    """Add up counts of the same parcels."""
    all_ids = np.concatenate([np.zeros(0, np.uint32), *(p.ids for p in parts)])
    ids, index = np.unique(all_ids, return_inverse=True)
    reference = np.zeros((len(ids), n_classes), np.int64)
    prediction = np.zeros_like(reference)
    probability = np.zeros(reference.shape)
    ground_px = np.zeros(len(ids), np.int64)
    if parts:
        np.add.at(reference, index, np.concatenate([p.reference for p in parts]))
        np.add.at(prediction, index, np.concatenate([p.prediction for p in parts]))
        np.add.at(probability, index, np.concatenate([p.probability for p in parts]))
        np.add.at(ground_px, index, np.concatenate([p.ground_px for p in parts]))
    return ParcelCounts(ids, reference, prediction, probability, ground_px)


def parcel_confusions(
    parts: Sequence[ParcelCounts],
    blocks: Sequence[int],
    n_blocks: int,
    n_classes: int,
    *,
    by_area: bool = False,
    by_probability: bool = False,
    ground_px: tuple[float, float] | None = None,
) -> Int64:
    """One count a parcel, in the block that holds most of its pixels.

    Args:
        parts: counts of each sample.
        blocks: block number 0..n_blocks-1 of each part.
        by_area: a parcel counts as many times as it has pixels of ground, else once.
        by_probability: a parcel is given the class of the highest mean probability, not that of most of its pixels.
        ground_px: only parcels with at least the first and less than the second number of pixels of ground.

    Returns:
        (n_blocks, K, K) int64, rows = majority of the reference, columns = vote of the prediction.
    """
    total = merge_parcels(parts, n_classes)
    size = np.maximum(total.ground_px, 1)  # samples of one pixel may lie on the same one
    weights = size if by_area else np.ones(len(total.ids), np.int64)
    if ground_px is not None:
        weights = weights * ((size >= ground_px[0]) & (size < ground_px[1]))
    result = np.zeros((n_blocks, n_classes, n_classes), np.int64)
    if len(total.ids):
        vote = (total.probability if by_probability else total.prediction).argmax(1)
        where = (_main_block(total.ids, parts, blocks, n_blocks), total.reference.argmax(1), vote)
        np.add.at(result, where, weights)
    return result


def _main_block(ids: UInt32, parts: Sequence[ParcelCounts], blocks: Sequence[int], n_blocks: int) -> Int64:
    """The block that holds most pixels of each parcel (the lower number on a tie).

    Nearly all parcels lie in one block, so pairs are kept and no table of parcels by blocks.

    Args:
        ids: (n,) ascending, those of all parts together.
    """
    parcel = np.searchsorted(ids, np.concatenate([part.ids for part in parts]))
    block = np.repeat(np.asarray(blocks, np.int64), [len(part.ids) for part in parts])
    pair, index = np.unique(parcel * n_blocks + block, return_inverse=True)
    n_px = np.zeros(len(pair), np.int64)
    np.add.at(n_px, index, np.concatenate([part.reference.sum(1) for part in parts]))
    best_first = np.lexsort((pair, -n_px, pair // n_blocks))
    _, first = np.unique(pair[best_first] // n_blocks, return_index=True)
    return np.asarray(pair[best_first[first]] % n_blocks)

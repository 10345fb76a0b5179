"""Data set + split -> batches of samples as they are judged. Reads samples through `Dataset.read`; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bocage.core.arrays import IGNORE, Bool, Float32, Int32, UInt8, UInt32
from bocage.core.sample import Sample
from bocage.datasets.read import Dataset
from bocage.datasets.targets import retarget, target_table


@dataclass(frozen=True)
class Batch:
    """B samples of one shape. `labels` is 255 where nothing is scored.

    Attributes:
        image: (B, T, C, H, W) float32 reflectance, 0 where missing.
        valid: (B, T, H, W) bool.
        labels: (B, H, W) uint8.
        parcel_ids: (B, H, W) uint32.
        days: (B, T) int32.
        bands: the C band names.
        sample_ids: B ids.
        n_unseen_px: labelled pixels that no date shows; they are not scored.
    """

    image: Float32
    valid: Bool
    labels: UInt8
    parcel_ids: UInt32
    days: Int32
    bands: tuple[str, ...]
    sample_ids: tuple[str, ...]
    n_unseen_px: int


def seen_labels(sample: Sample, labels: UInt8) -> UInt8:
    """Labels with 255 on pixels that no date shows: a model cannot see them, and a map leaves them empty."""
    return np.where(sample.valid.any(0), labels, np.uint8(IGNORE))


def read_samples(dataset: Dataset, sample_ids: Sequence[str], hidden: UInt32) -> Iterator[tuple[Sample, UInt8]]:
    """Each sample in the order given, with its labels: 255 on the parcels that the split hides."""
    table = target_table(hidden)
    for sample_id in sample_ids:
        sample = dataset.read(sample_id)
        yield sample, retarget(sample.labels, sample.parcel_ids, table)


def read_batches(dataset: Dataset, sample_ids: Sequence[str], hidden: UInt32, batch_size: int) -> Iterator[Batch]:
    """Samples in the order given, neighbours of equal shape together."""
    waiting: list[tuple[Sample, UInt8]] = []
    for sample, labels in read_samples(dataset, sample_ids, hidden):
        if waiting and (len(waiting) == batch_size or waiting[0][0].image.shape != sample.image.shape):
            yield _stack(waiting)
            waiting = []
        waiting.append((sample, labels))
    if waiting:
        yield _stack(waiting)


def _stack(pairs: Sequence[tuple[Sample, UInt8]]) -> Batch:
    samples = [sample for sample, _ in pairs]
    scored = [seen_labels(sample, labels) for sample, labels in pairs]
    return Batch(
        image=np.stack([s.image for s in samples]),
        valid=np.stack([s.valid for s in samples]),
        labels=np.stack(scored),
        parcel_ids=np.stack([s.parcel_ids for s in samples]),
        days=np.stack([s.days for s in samples]),
        bands=samples[0].bands,
        sample_ids=tuple(s.origin.sample_id for s in samples),
        n_unseen_px=sum(int((seen != labels).sum()) for seen, (_, labels) in zip(scored, pairs, strict=True)),
    )

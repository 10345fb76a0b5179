"""Data set → batches for a model. Reads; the only module of this room that needs torch.

There is no cache and no worker process: a record of 256² pixels × 10 bands is read, checked and unpacked in about half
a millisecond, and the page cache of the system keeps the compressed bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from bocage.core.arrays import MISSING_INT16, Int16, UInt32
from bocage.core.errors import GridMismatch
from bocage.datasets.read import Dataset
from bocage.datasets.record import Record, to_reflectance
from bocage.datasets.targets import retarget, target_table

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Batch:
    """B samples.

    Attributes:
        image: (B, T, C, H, W) float32 reflectance, 0 where invalid.
        valid: (B, T, H, W) bool.
        labels: (B, H, W) uint8: class ids, 255 ignored.
        parcel_ids: (B, H, W) int64; 0 = no parcel.
        days: (B, T) int32 days since 1970-01-01.
        sample_ids: the B ids.
    """

    image: torch.Tensor
    valid: torch.Tensor
    labels: torch.Tensor
    parcel_ids: torch.Tensor
    days: torch.Tensor
    sample_ids: tuple[str, ...]


def batches(
    dataset: Dataset,
    sample_ids: Sequence[str],
    *,
    batch_size: int,
    rng: np.random.Generator | None = None,
    shuffle: bool = False,
    augment: bool = False,
    hidden_parcels: UInt32 | None = None,
    relabel: Mapping[int, int] | None = None,
    pad_dates: bool = False,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Batch]:
    """Go once through samples, in batches; the last one may be smaller.

    Args:
        dataset: where the samples are.
        sample_ids: which ones, in the order in which they come unless shuffled.
        batch_size: samples a batch.
        rng: generator of this pass (make a new one from the seed and the number of each epoch); needed for `shuffle`
            and `augment`.
        shuffle: draw the order.
        augment: draw one of the eight flips and quarter turns for each sample, the same for image and labels.
        hidden_parcels: numbers of parcels whose pixels become 255 (what a split hides from a part).
        relabel: parcel number → class id, instead of the labels (a control: permuted classes).
        pad_dates: put dates without a valid pixel behind shorter series, on the last one's day.
        share: (i, n): the i-th of n equal shares of each batch, from 0; a last batch of less than n is left out.

    Raises:
        GridMismatch: if the samples of a batch differ in size, or in dates without `pad_dates`.
    """
    if rng is None and (shuffle or augment):
        raise ValueError("shuffle and augment need a generator: pass rng")
    table = target_table(hidden_parcels, relabel)
    order = rng.permutation(len(sample_ids)) if rng is not None and shuffle else np.arange(len(sample_ids))
    turns = rng.integers(8, size=len(order)) if rng is not None and augment else np.zeros(len(order), int)
    rank, n_shares = share
    for start in range(0, len(order), batch_size):
        end = min(start + batch_size, len(order))
        if end - start < n_shares:
            return
        mine = slice(start + rank, end, n_shares)
        ids = [sample_ids[i] for i in order[mine]]
        records = [turned(dataset.read_record(s), int(k)) for s, k in zip(ids, turns[mine], strict=True)]
        days = [dataset.days(s) for s in ids]
        if pad_dates:
            longest = max(map(len, days))
            records = [replace(r, image=padded(r.image, longest)) for r in records]
            days = [np.pad(d, (0, longest - len(d)), mode="edge") for d in days]
        shapes = {r.image.shape for r in records}
        if len(shapes) > 1:
            raise GridMismatch(
                f"Samples of one batch differ in (dates, bands, y, x): {sorted(shapes)}, e.g. '{ids[0]}'. "
                "Build them with the same number of dates, or set batch_size: 1."
            )
        image, valid = to_reflectance(np.stack([r.image for r in records]))
        yield Batch(
            image=torch.from_numpy(image),
            valid=torch.from_numpy(valid),
            labels=_stack([retarget(r.labels, r.parcel_ids, table) for r in records]),
            parcel_ids=_stack([r.parcel_ids.astype(np.int64) for r in records]),
            days=_stack(days),
            sample_ids=tuple(ids),
        )


def padded(image: Int16, n_dates: int) -> Int16:
    """A stored image (T, C, H, W) with missing dates behind it, up to `n_dates`."""
    return np.pad(image, ((0, n_dates - len(image)), (0, 0), (0, 0), (0, 0)), constant_values=MISSING_INT16)


def turned(record: Record, k: int) -> Record:
    """One of the eight symmetries of a square: `k % 4` quarter turns, mirrored from 4 on; 0 changes nothing.

    Quarter turns become half turns where the record is not square.
    """
    quarters = k % 4 if record.labels.shape[0] == record.labels.shape[1] else 2 * (k % 2)

    def turn(array: NDArray[T]) -> NDArray[T]:
        array = np.rot90(array, quarters, axes=(-2, -1))
        return np.ascontiguousarray(array[..., ::-1] if k >= 4 else array)

    return Record(turn(record.image), turn(record.labels), turn(record.parcel_ids)) if k else record


def _stack(arrays: Sequence[NDArray[T]]) -> torch.Tensor:
    return torch.from_numpy(np.stack(arrays))

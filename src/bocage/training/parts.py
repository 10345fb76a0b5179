"""Data set + split -> what a part holds: its samples, its hidden parcels, its pixels by class. Pure; pandas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bocage.core.arrays import IGNORE, Int64, UInt32
from bocage.core.errors import DataError, NothingLeft
from bocage.datasets.manifest import pixel_columns
from bocage.datasets.targets import KEEP, target_table
from bocage.splits.record import Split


@dataclass(frozen=True)
class Part:
    """One part of a split: its sample ids in the order of the split, and the parcels hidden in it."""

    name: str
    sample_ids: tuple[str, ...]
    hidden: UInt32


def part_of(split: Split, name: str) -> Part:
    """One part of a split.

    Raises:
        NothingLeft: if it has no sample.
    """
    ids = split.sample_ids(name)
    if not ids:
        counts = ", ".join(f"{n} {part}" for part, n in split.table["part"].value_counts().items())
        raise NothingLeft(
            f"The part '{name}' of the split has no sample ({counts}). Give more patches, or smaller splits.block_m."
        )
    return Part(name, tuple(ids), split.hidden[name])


def check_learnable(part: Part, n_pixels: Int64, *, crops_only: bool, processes: int) -> None:
    """Refuse a part that says nothing: on no pixel every loss is 0, and any epoch the best.

    Args:
        n_pixels: (K,) of each class, see `count_pixels`.
        crops_only: background is not learnt.
        processes: that train together; each takes a sample at a time.

    Raises:
        NothingLeft: if no pixel of the part has a class that is learnt.
        DataError: if the part has fewer samples than there are processes.
    """
    if not n_pixels[int(crops_only) :].any():
        what = "no pixel of a crop" if crops_only else "no labelled pixel"
        raise NothingLeft(
            f"The {len(part.sample_ids)} samples of part '{part.name}' have {what}. Give more patches, another "
            "splits.block_m or seed, or look at the labels."
        )
    if len(part.sample_ids) < processes:
        raise DataError(
            f"The part '{part.name}' has {len(part.sample_ids)} samples for {processes} processes, and each needs one. "
            "Lower training.processes."
        )


def parcels_of(parcels: pd.DataFrame, part: Part) -> pd.DataFrame:
    """The rows of a parcel table (sample_id, number, class_id, n_px) that a part shows with a label."""
    shown = parcels["sample_id"].isin(part.sample_ids) & ~parcels["number"].isin(part.hidden)
    return parcels[shown & (parcels["class_id"] != IGNORE)]


def count_pixels(
    manifest: pd.DataFrame, parcels: pd.DataFrame, part: Part, n_classes: int, relabel: Mapping[int, int] | None = None
) -> Int64:
    """Pixels of each class that a part shows, (K,), after hiding and relabelling parcels."""
    rows = manifest["sample_id"].isin(part.sample_ids)
    counts = manifest.loc[rows, pixel_columns(n_classes)[:-1]].sum().to_numpy(np.int64).copy()
    labelled = parcels[parcels["sample_id"].isin(part.sample_ids) & (parcels["class_id"] != IGNORE)]
    old, n_px = labelled["class_id"].to_numpy(), labelled["n_px"].to_numpy(np.int64)
    table = target_table(part.hidden, relabel)
    target = table[np.minimum(labelled["number"].to_numpy(), len(table) - 1)]
    np.subtract.at(counts, old[target != KEEP], n_px[target != KEEP])
    moved = (target != KEEP) & (target != IGNORE)
    np.add.at(counts, target[moved], n_px[moved])
    return counts

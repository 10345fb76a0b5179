"""Stored parcels -> stored parcels with their classes, and the audit. IO; a few batches are in memory at a time."""

from __future__ import annotations

from pathlib import Path

from bocage.core.progress import bar
from bocage.parcels.read import open_parcel_file, read_parcel_batches
from bocage.parcels.write import ParcelWriter
from bocage.taxonomy.apply import Classing, Unmapped
from bocage.taxonomy.audit import Audit
from bocage.taxonomy.taxonomy import Taxonomy


def write_classes(parcels: Path, out: Path, taxonomy: Taxonomy, *, unmapped: Unmapped = "background") -> Audit:
    """Write `parcels` with `class_id`, `class_name` and `class_rule` to `out`, whole or not at all.

    Raises:
        MissingFile, CorruptFile: if `parcels` is no stored parcel table.
        UnmappedCrop: with `unmapped="refuse"`, if no rule decides a label.
    """
    classing = Classing(taxonomy, unmapped=unmapped)
    n_rows = open_parcel_file(parcels).n_rows
    with ParcelWriter(out) as writer, bar("Classing parcels", n_rows, unit="parcels") as progress:
        for frame in read_parcel_batches(parcels):
            writer.write(classing.add(frame))
            progress.advance(len(frame))
        return classing.audit()

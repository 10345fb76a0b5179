"""Which class a pixel is trained and scored on: hidden parcels, permuted parcel classes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bocage.core.arrays import IGNORE, UInt8, UInt32

KEEP = 254  # in a target table: the label stays as it is


def target_table(hidden_parcels: UInt32 | None = None, relabel: Mapping[int, int] | None = None) -> UInt8:
    """By parcel number, what its pixels become: a class id, 255 (hidden) or KEEP. Hiding beats relabelling.

    Args:
        hidden_parcels: numbers of the parcels whose pixels are ignored.
        relabel: parcel number → class id.
    """
    hidden = np.asarray(() if hidden_parcels is None else hidden_parcels, np.int64)
    numbers = np.fromiter((relabel or {}).keys(), np.int64)
    table = np.full(max(hidden.max(initial=0), numbers.max(initial=0)) + 2, KEEP, np.uint8)
    table[numbers] = np.fromiter((relabel or {}).values(), np.uint8)
    table[hidden] = IGNORE
    return table


def retarget(labels: UInt8, parcel_ids: UInt32, table: UInt8) -> UInt8:
    """Labels after a target table; pixels that are ignored stay ignored, land without a parcel keeps its label."""
    target = table[np.minimum(parcel_ids, len(table) - 1)]
    return np.where((target == KEEP) | (labels == IGNORE), labels, target)

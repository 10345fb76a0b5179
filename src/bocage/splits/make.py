"""Manifest + parcel table → Split. Pure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bocage.core.errors import DataError, LeakageRefused, NothingLeft
from bocage.core.seeds import generator
from bocage.splits.audit import audit_split
from bocage.splits.ground import block_ids, find_places
from bocage.splits.options import SplitOptions
from bocage.splits.record import PARTS, Split
from bocage.splits.separate import drop_shared_ground, find_shared_parcels
from bocage.splits.strategies import STRATEGIES


def make_split(manifest: pd.DataFrame, options: SplitOptions, *, seed: int, parcels: pd.DataFrame) -> Split:
    """Deal the samples of a data set to train, val and test.

    Args:
        manifest: one row a sample, see `datasets.manifest`.
        options: strategy and settings.
        seed: root seed of the experiment; the same seed gives the same split.
        parcels: sample_id, number, class_id, n_px, as `Dataset.parcels()` gives them.

    Raises:
        NothingLeft: if the manifest is empty.
        DataError: if a part would be empty.
        LeakageRefused: if parts share ground or parcels and `options.refuse_leakage` is set.
    """
    if manifest.empty:
        raise NothingLeft("There are no samples to split.")
    strategy = STRATEGIES[options.strategy]
    blocks = block_ids(manifest, options.block_m)
    parts = strategy.deal(manifest, blocks, options, generator(seed, "splits", options.strategy))
    reasons = np.full(len(parts), "", object)
    if strategy.separates:
        parts, reasons = drop_shared_ground(find_places(manifest), parts)
    table = pd.DataFrame(
        {"sample_id": manifest["sample_id"].to_numpy(), "part": parts, "block_id": blocks, "reason": reasons}
    )
    _check_parts(table, options)
    hide = strategy.separates and options.shared_parcels == "hide"
    hidden = find_shared_parcels(parcels, table) if hide else {part: np.empty(0, np.uint32) for part in PARTS}
    split = Split(
        table, hidden, {"seed": seed, "warning": strategy.warning, "options": options.model_dump(mode="json")}
    )
    if options.refuse_leakage:
        _refuse_leakage(audit_split(manifest, split, parcels), options)
    return split


def _check_parts(table: pd.DataFrame, options: SplitOptions) -> None:
    empty = [part for part in PARTS if not (table["part"] == part).any()]
    if empty:
        raise DataError(
            f"No sample is left in {', '.join(empty)}: of {len(table)} samples in {table['block_id'].nunique()} blocks "
            f"of {options.block_m:g} m, {(table['part'] == 'dropped').sum()} were dropped because their windows share "
            "ground with another part. Use windows that overlap less (patches.stride_px) or change splits.block_m."
        )


def _refuse_leakage(audit: dict[str, object], options: SplitOptions) -> None:
    if audit["shared_px"] or audit["shared_parcels"]:
        raise LeakageRefused(
            f"The parts of split '{options.strategy}' share {audit['shared_px']:,} pixels of ground and "
            f"{audit['shared_parcels']:,} parcels: scores on it would flatter the model. Use strategy 'blocks' with "
            "shared_parcels: hide, or set splits.refuse_leakage: false to have it all the same."
        )

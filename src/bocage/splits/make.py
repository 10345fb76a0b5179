"""Manifest + parcel table → Split. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bocage.core.errors import DataError, LeakageRefused, NothingLeft
from bocage.core.seeds import generator
from bocage.splits.audit import audit_split
from bocage.splits.ground import block_ids, find_places
from bocage.splits.options import SplitOptions
from bocage.splits.record import DROPPED, PARTS, Split
from bocage.splits.separate import drop_near, drop_shared_ground, find_shared_parcels, settle_blocks
from bocage.splits.strategies import STRATEGIES, Parts


def make_split(
    manifest: pd.DataFrame,
    options: SplitOptions,
    *,
    seed: int,
    parcels: pd.DataFrame,
    given: Mapping[str, str] | None = None,
) -> Split:
    """Deal the samples of a data set to train, val and test.

    Args:
        manifest: one row a sample, see `datasets.manifest`.
        options: strategy and settings.
        seed: root seed of the experiment; the same seed gives the same split.
        parcels: sample_id, number, class_id, n_px, as `Dataset.parcels()` gives them.
        given: sample id → part, for the strategy `given` (`store.read_given`).

    Raises:
        NothingLeft: if the manifest is empty.
        DataError: if a part would be empty.
        LeakageRefused: if parts share ground or parcels and `options.refuse_leakage` is set.
    """
    if manifest.empty:
        raise NothingLeft("There are no samples to split.")
    blocks = block_ids(manifest, options.block_m)
    rng = generator(seed, "splits", options.strategy)
    if options.strategy == "given":
        parts, separates, warning = _as_given(manifest, given or {}, options), True, ""
    else:
        strategy = STRATEGIES[options.strategy]
        parts, separates, warning = strategy.deal(manifest, blocks, options, rng), strategy.separates, strategy.warning
    reasons = np.where(parts == DROPPED, "in no part", "").astype(object)
    if separates:
        parts, reasons = _separate(manifest, parts, reasons, blocks, options, rng)
    table = pd.DataFrame(
        {"sample_id": manifest["sample_id"].to_numpy(), "part": parts, "block_id": blocks, "reason": reasons}
    )
    _check_parts(table, options)
    hide = separates and options.shared_parcels == "hide"
    hidden = find_shared_parcels(parcels, table) if hide else {part: np.empty(0, np.uint32) for part in PARTS}
    split = Split(table, hidden, {"seed": seed, "warning": warning, "options": options.model_dump(mode="json")})
    if options.refuse_leakage:
        _refuse_leakage(audit_split(manifest, split, parcels), options)
    return split


def _as_given(manifest: pd.DataFrame, given: Mapping[str, str], options: SplitOptions) -> Parts:
    parts = manifest["sample_id"].map(given)
    if parts.isna().any() or not set(parts) <= {*PARTS, DROPPED}:
        raise DataError(
            f"{options.path} gives {int(parts.notna().sum())} of the {len(manifest)} samples a part, and the parts "
            f"{sorted(set(parts.dropna()))}. It needs {', '.join(PARTS)} or {DROPPED} for every sample."
        )
    return parts.to_numpy(object)


def _separate(
    manifest: pd.DataFrame,
    parts: Parts,
    reasons: Parts,
    blocks: Parts,
    options: SplitOptions,
    rng: np.random.Generator,
) -> tuple[Parts, Parts]:
    """Take apart what parts share: first blocks, then windows, then windows nearer than the buffer."""
    parts, reasons = parts.copy(), reasons.copy()
    live = parts != DROPPED
    if _has_shared_places(manifest[live], parts[live]):
        parts[live], reasons[live] = settle_blocks(parts[live], blocks[live], options.fractions, rng)
    live = parts != DROPPED
    parts[live], reasons[live] = drop_shared_ground(find_places(manifest[live]), parts[live])
    if options.buffer_m:
        live = parts != DROPPED
        parts[live], reasons[live] = drop_near(find_places(manifest[live]), parts[live], options.buffer_m)
    return parts, reasons


def _has_shared_places(manifest: pd.DataFrame, parts: Parts) -> bool:
    """Whether one window (on several dates, or in several years) was dealt to several parts."""
    pairs = pd.DataFrame({"place": find_places(manifest).of_sample, "part": parts}).drop_duplicates()
    return bool(pairs["place"].duplicated().any())


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

"""How samples are dealt to parts: the registry of strategies. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.core.arrays import IGNORE
from bocage.core.errors import DataError
from bocage.core.registry import Registry
from bocage.core.stratify import deal_stratified
from bocage.splits.balance import assign_blocks
from bocage.splits.options import SplitOptions
from bocage.splits.record import DROPPED, PARTS

Parts = NDArray[np.object_]  # (N,) names of parts, one a sample
Deal = Callable[[pd.DataFrame, NDArray[np.object_], SplitOptions, np.random.Generator], Parts]
"""Manifest, block of each sample, options, generator → part of each sample; "dropped" for none."""


@dataclass(frozen=True)
class Strategy:
    """One way to split.

    Attributes:
        deal: manifest, block ids, options, generator → part of each sample.
        separates: whether windows that share ground with another part are dropped, and shared parcels hidden.
        warning: what the audit says of it; "" if nothing.
    """

    deal: Deal
    separates: bool
    warning: str = ""


STRATEGIES: Registry[Strategy] = Registry("split strategy")


def label_columns(manifest: pd.DataFrame) -> list[str]:
    """The columns n_px_0 … n_px_K-1 of a manifest, by class id."""
    ids = [int(c[5:]) for c in map(str, manifest.columns) if c.startswith("n_px_")]
    return [f"n_px_{i}" for i in sorted(ids) if i != IGNORE]


def deal_blocks(
    manifest: pd.DataFrame, blocks: NDArray[np.object_], options: SplitOptions, rng: np.random.Generator
) -> Parts:
    """Whole blocks, balanced by class (and by number of samples)."""
    n = len(np.unique(blocks.astype(str)))
    if n < len(PARTS):
        raise DataError(
            f"The {len(manifest)} samples lie in {n} block{'s' if n != 1 else ''} of "
            f"{options.block_m:g} m, but {len(PARTS)} parts need one each. Make splits.block_m smaller, or use more "
            "ground."
        )
    return np.array(PARTS, object)[deal_units(manifest, blocks, options.fractions, options, rng)]


def deal_units(
    manifest: pd.DataFrame,
    units: NDArray[np.object_],
    fractions: Sequence[float],
    options: SplitOptions,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Number of the share (of `fractions`) that each sample's unit goes to, balanced as `options.balance` says."""
    _, unit = np.unique(units.astype(str), return_inverse=True)
    amounts = manifest[label_columns(manifest)]
    if options.balance == "labels":
        amounts = (amounts > 0).astype(np.int64)
    counts = amounts.assign(n_samples=1).groupby(unit).sum()
    return np.asarray(assign_blocks(counts.to_numpy(np.int64), fractions, rng)[unit])


def units_of(manifest: pd.DataFrame, what: str, blocks: NDArray[np.object_]) -> NDArray[np.object_]:
    """(N,) the block, tile, region, country or year of each sample.

    Raises:
        DataError: if a sample does not say it.
    """
    if what == "blocks":
        return blocks
    column = {"tiles": "tile", "regions": "cube", "countries": "country", "years": "year"}[what]
    values = manifest[column].astype(str)
    if what == "regions":
        tiles = manifest["tile"].astype(str)
        values = pd.Series([c.removesuffix(f"-{t}") for c, t in zip(values, tiles, strict=True)], dtype=object)
    silent = values.isin(["", "0"])
    if silent.any():
        raise DataError(f"{int(silent.sum())} samples do not say their {column}; a split by {what} needs it of all.")
    return values.to_numpy(object)


def deal_groups(what: str) -> Deal:
    """Whole tiles, regions, countries or years. Of two, the smaller is test and blocks of the other become val."""

    def deal(
        manifest: pd.DataFrame, blocks: NDArray[np.object_], options: SplitOptions, rng: np.random.Generator
    ) -> Parts:
        units = units_of(manifest, what, blocks)
        names, counts = np.unique(units.astype(str), return_counts=True)
        if len(names) >= len(PARTS):
            return np.array(PARTS, object)[deal_units(manifest, units, options.fractions, options, rng)]
        if len(names) < 2:
            raise DataError(f"All samples are of one of the {what}: {names[0]}. Use strategy 'blocks', or more {what}.")
        parts = np.where(units == names[np.argmin(counts)], "test", "train").astype(object)
        return with_validation(manifest, blocks, parts, options, rng)

    return deal


def with_validation(
    manifest: pd.DataFrame,
    blocks: NDArray[np.object_],
    parts: Parts,
    options: SplitOptions,
    rng: np.random.Generator,
) -> Parts:
    """Blocks of the training part become val, in the proportion of the fractions.

    Raises:
        DataError: if the training part has only one block.
    """
    train = parts == "train"
    if len(set(blocks[train])) < 2:
        raise DataError(
            f"The training part lies in one block of {options.block_m:g} m, so nothing can be set aside for "
            "validation. Make splits.block_m smaller."
        )
    share = np.array(options.fractions[:2]) / sum(options.fractions[:2])
    dealt = deal_units(manifest[train].reset_index(drop=True), blocks[train], share.tolist(), options, rng)
    result = parts.copy()
    result[train] = np.array(PARTS[:2], object)[dealt]
    return result


def deal_zones(
    manifest: pd.DataFrame, blocks: NDArray[np.object_], options: SplitOptions, rng: np.random.Generator
) -> Parts:
    """Of each region one zone is test and, from three zones on, one is val; the others are train.

    A zone is a region of the room `regions` named `<region>_<zone>`; all before the last `_` is its region.
    """
    zones = units_of(manifest, "regions", blocks)
    drawn = draw_zones(zones, rng)
    part_of = {zone: "train" for own in drawn for zone in own}
    part_of |= {own[1]: "val" for own in drawn if len(own) > 2} | {own[0]: "test" for own in drawn}
    parts = np.array([part_of[zone] for zone in zones], object)
    return parts if "val" in part_of.values() else with_validation(manifest, blocks, parts, options, rng)


def draw_zones(zones: NDArray[np.object_], rng: np.random.Generator) -> list[list[str]]:
    """The zones of each region, in an order that is drawn; the first of each is for test.

    Raises:
        DataError: if a region has only one.
    """
    drawn = []
    for region in sorted({zone.rpartition("_")[0] for zone in zones}):
        own = sorted({zone for zone in zones if zone.rpartition("_")[0] == region})
        if len(own) < 2:
            raise DataError(f"Region '{region}' has one zone, '{own[0]}'; a split by zones needs two or more of each.")
        drawn.append([str(zone) for zone in rng.permutation(np.array(own, object))])
    return drawn


def deal_fold(
    manifest: pd.DataFrame, blocks: NDArray[np.object_], options: SplitOptions, rng: np.random.Generator
) -> Parts:
    """Fold number `fold` is test, the next one val, the others train; the folds do not depend on `fold`.

    Over zones, one zone of each region is test instead, the same in every fold, and fold number `fold` is val.
    """
    units = units_of(manifest, "regions" if options.over == "zones" else options.over, blocks)
    parts = np.full(len(manifest), "train", object)
    if options.over == "zones":
        parts[np.isin(units, [own[0] for own in draw_zones(units, rng)])] = "test"
    rest = parts == "train"
    n_units = len(np.unique(units[rest].astype(str)))
    if n_units < options.n_folds:
        raise DataError(f"{n_units} {options.over} cannot fill {options.n_folds} folds. Use fewer folds or blocks.")
    shares = [1 / options.n_folds] * options.n_folds
    folds = np.full(len(manifest), -1)
    folds[rest] = deal_units(manifest[rest].reset_index(drop=True), units[rest], shares, options, rng)
    if options.over == "zones":
        parts[folds == options.fold] = "val"
        return parts
    parts[folds == options.fold] = "test"
    parts[folds == (options.fold + 1) % options.n_folds] = "val"
    return parts


def deal_scenario(
    manifest: pd.DataFrame, blocks: NDArray[np.object_], options: SplitOptions, rng: np.random.Generator
) -> Parts:
    """Country-years as listed; samples of others belong to no part."""
    countries, years = manifest["country"].astype(str), manifest["year"].astype(str)
    parts = np.full(len(manifest), DROPPED, object)
    for part, wanted in options.scenario.items():
        here = (countries.isin(wanted) | years.isin(wanted) | (countries + "-" + years).isin(wanted)).to_numpy()
        if not here.any():
            there = ", ".join(sorted(set(countries + "-" + years)))
            raise DataError(f"The scenario's {part} part is {', '.join(wanted)}, but the data set has {there}.")
        if (here & (parts != DROPPED)).any():
            raise DataError(f"The scenario gives the same samples to {part} and to another part.")
        parts[here] = part
    return parts if "val" in options.scenario else with_validation(manifest, blocks, parts, options, rng)


def deal_samples(
    manifest: pd.DataFrame, blocks: NDArray[np.object_], options: SplitOptions, rng: np.random.Generator
) -> Parts:
    """Every sample by itself, drawn, or (`balance: labels`) stratified by the classes that it holds."""
    n = len(manifest)
    if n < len(PARTS):
        raise DataError(f"{n} samples cannot fill {len(PARTS)} parts. Build a data set with more patches.")
    n_test = min(max(round(n * options.fractions[2]), 1), n - 2)
    n_val = min(max(round(n * options.fractions[1]), 1), n - n_test - 1)
    sizes = (n - n_test - n_val, n_val, n_test)
    if options.balance == "labels":
        return np.array(PARTS, object)[deal_stratified(manifest[label_columns(manifest)].to_numpy() > 0, sizes, rng)]
    return rng.permutation(np.repeat(np.array(PARTS, object), sizes))


STRATEGIES.register("blocks")(Strategy(deal_blocks, separates=True))
for _name in ("tiles", "regions", "countries", "years"):
    STRATEGIES.register(_name)(Strategy(deal_groups(_name), separates=True))
STRATEGIES.register("zones")(Strategy(deal_zones, separates=True))
STRATEGIES.register("kfold")(Strategy(deal_fold, separates=True))
STRATEGIES.register("scenario")(Strategy(deal_scenario, separates=True))
STRATEGIES.register("random_patches")(
    Strategy(
        deal_samples,
        separates=False,
        warning="random_patches deals every patch by itself: neighbouring patches, and dates of one window, lie in "
        "different parts. Scores on it flatter the model; use it only to reproduce papers that did so.",
    )
)

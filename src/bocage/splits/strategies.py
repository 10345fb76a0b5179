"""How samples are dealt to parts: the registry of strategies. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.core.arrays import IGNORE
from bocage.core.errors import DataError
from bocage.core.registry import Registry
from bocage.splits.balance import assign_blocks
from bocage.splits.options import SplitOptions
from bocage.splits.record import PARTS

Parts = NDArray[np.object_]  # (N,) names of parts, one a sample
Deal = Callable[[pd.DataFrame, NDArray[np.object_], SplitOptions, np.random.Generator], Parts]


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
    """Whole blocks, balanced by pixels of each class (and by number of samples)."""
    names, block = np.unique(blocks.astype(str), return_inverse=True)
    counts = manifest[label_columns(manifest)].assign(n_samples=1).groupby(block).sum()
    if len(names) < len(PARTS):
        raise DataError(
            f"The {len(manifest)} samples lie in {len(names)} block{'s' if len(names) != 1 else ''} of "
            f"{options.block_m:g} m, but {len(PARTS)} parts need one each. Make splits.block_m smaller, or use more "
            "ground."
        )
    part = assign_blocks(counts.to_numpy(np.int64), options.fractions, rng)
    return np.array(PARTS, object)[part[block]]


def deal_samples(
    manifest: pd.DataFrame, blocks: NDArray[np.object_], options: SplitOptions, rng: np.random.Generator
) -> Parts:
    """Every sample by itself."""
    n = len(manifest)
    if n < len(PARTS):
        raise DataError(f"{n} samples cannot fill {len(PARTS)} parts. Build a data set with more patches.")
    n_test = min(max(round(n * options.fractions[2]), 1), n - 2)
    n_val = min(max(round(n * options.fractions[1]), 1), n - n_test - 1)
    parts = np.repeat(np.array(PARTS, object), [n - n_test - n_val, n_val, n_test])
    return rng.permutation(parts)


STRATEGIES.register("blocks")(Strategy(deal_blocks, separates=True))
STRATEGIES.register("random_patches")(
    Strategy(
        deal_samples,
        separates=False,
        warning="random_patches deals every patch by itself: neighbouring patches, and dates of one window, lie in "
        "different parts. Scores on it flatter the model; use it only to reproduce papers that did so.",
    )
)

"""A class map -> random points in each mapped class; points with their reference -> areas with intervals. Pure.

A point's chance to be drawn is known: points of its class over pixels of its class. Only because of that do the
estimators of `metrics.areas` hold. So every point counts: one that is left out, added or moved makes them wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.arrays import Int64, UInt8
from bocage.core.errors import ConfigError, DataError
from bocage.core.registry import nearest
from bocage.metrics.areas import estimate_areas

COLUMNS = ("point", "map_class", "class_px", "class_points", "px_ha", "reference_class")
TOLD = 5  # points and names that a message lists


def draw_ranks(px_by_class: Int64, per_class: int, rng: np.random.Generator) -> dict[int, Int64]:
    """Class -> which of its pixels, counted in the order of the map, are drawn: ascending, none twice.

    Args:
        px_by_class: pixels of each class; a class with fewer than `per_class` is taken whole.
    """
    found = {c: (int(n), min(int(n), per_class)) for c, n in enumerate(px_by_class) if n}
    return {c: np.sort(rng.choice(n, k, replace=False)).astype(np.int64) for c, (n, k) in found.items()}


def find_ranks(band: UInt8, before: Int64, ranks: Mapping[int, Int64]) -> list[tuple[int, int, int]]:
    """(class, row, column) of the drawn pixels in one band of rows (rows, W).

    Args:
        before: (256,) pixels of each class in the bands above.
    """
    found = []
    for c, drawn in ranks.items():
        own = np.flatnonzero(band == c)
        here = drawn[(drawn >= before[c]) & (drawn < before[c] + len(own))] - before[c]
        found += [(c, i // band.shape[1], i % band.shape[1]) for i in own[here].tolist()]
    return found


def estimate_from_points(points: pd.DataFrame, class_names: Sequence[str], *, level: float = 0.95) -> dict[str, Any]:
    """Area-adjusted accuracy and areas, as `estimate_areas`, and `n_points`.

    Args:
        points: `COLUMNS`; `reference_class` filled in.
        class_names: of the map.

    Raises:
        ConfigError: if a column is missing.
        DataError: if a point has no reference or one of no known class, or if the points are not those that were drawn.
    """
    _check_points(points, class_names)
    index = {name: i for i, name in enumerate(class_names)}
    mapped = points["map_class"].map(index).to_numpy(np.int64)
    counts = np.zeros((len(class_names), len(class_names)), np.int64)
    np.add.at(counts, (points["reference_class"].map(index).to_numpy(np.int64), mapped), 1)
    mapped_ha = np.zeros(len(class_names))
    mapped_ha[mapped] = points["class_px"] * points["px_ha"]
    return estimate_areas(counts, mapped_ha, class_names, level=level) | {"n_points": len(points)}


def _check_points(points: pd.DataFrame, class_names: Sequence[str]) -> None:
    if missing := [c for c in COLUMNS if c not in points]:
        raise ConfigError(f"The points lack {', '.join(missing)}. Take the file that `bocage areas draw` wrote.")
    empty = points.loc[points["reference_class"].fillna("") == "", "point"].tolist()
    if empty:
        raise DataError(
            f"{len(empty)} of {len(points)} points have no reference_class, first {empty[:TOLD]}. Fill in every one: "
            "what is left out is not left out at random."
        )
    known = set(class_names)
    if wrong := sorted({str(c) for column in ("reference_class", "map_class") for c in points[column]} - known):
        hint = nearest(wrong[0], tuple(class_names))
        raise DataError(f"The map has no class {', '.join(wrong[:TOLD])}.{hint} Known: {', '.join(class_names)}.")
    there = points.groupby("map_class")["class_points"].agg(["size", "first"])
    changed = there[there["size"] != there["first"]]
    if len(changed) or points["point"].duplicated().any():
        listed = ", ".join(f"{name} {row['size']} of {row['first']}" for name, row in changed.iterrows())
        raise DataError(
            f"These are not the points that were drawn ({listed or 'a number comes twice'}). Use all of them."
        )

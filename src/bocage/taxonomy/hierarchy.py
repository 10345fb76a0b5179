"""Taxonomy -> each class's ancestors as ids, for hierarchical training. Pure."""

from __future__ import annotations

import numpy as np

from bocage.core.arrays import IGNORE, UInt8
from bocage.taxonomy.taxonomy import BACKGROUND_NAME, IGNORE_NAME, Taxonomy


def ancestor_table(taxonomy: Taxonomy) -> UInt8:
    """What every class is at every level.

    Returns:
        (class, level) ids: entry [c, n - 1] is the id that class `c` has in `taxonomy.at_level(n)`, 255 where class `c`
        is an inner node above level n, which says nothing about that level. A class with nothing below it stands for
        itself at all deeper levels; background is 0 everywhere.
    """
    table = np.empty((len(taxonomy.classes), taxonomy.depth), dtype=np.uint8)
    for level in range(1, taxonomy.depth + 1):
        flat = taxonomy.at_level(level)
        ids = {IGNORE_NAME: IGNORE, **{name: i for i, name in enumerate(flat.class_names)}}
        table[:, level - 1] = [ids[taxonomy.class_at_level(name, level)] for name in taxonomy.class_names]
    return table


def ancestors_by_class(taxonomy: Taxonomy) -> dict[str, list[str]]:
    """Each class and the names above it, nearest first; without the background."""
    return {name: list(taxonomy.ancestors(name)) for name in taxonomy.class_names if name != BACKGROUND_NAME}

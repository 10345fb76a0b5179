"""Counts by class → counts by the classes of one level of their hierarchy. Pure; nothing is predicted again.

A reference class that is too coarse for the level says nothing about it and is left out. A prediction that is too
coarse stays a class of its own, which no reference has: it is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bocage.core.arrays import Bool, Int64
from bocage.core.errors import ConfigError
from bocage.taxonomy.tree import Parents, class_at_level, count_levels


@dataclass(frozen=True)
class Level:
    """The classes that a protocol tells apart.

    Attributes:
        names: G names.
        group: (K,) number of the one that each class is part of.
        told: (K,) False where a reference class is too coarse for the level.
    """

    names: tuple[str, ...]
    group: Int64
    told: Bool

    def merge(self, confusions: Int64) -> Int64:
        """Counts (..., K, K) → (..., G, G)."""
        member = (self.group[:, None] == np.arange(len(self.names))).astype(np.int64)  # (K, G)
        return np.asarray((member * self.told[:, None]).T @ confusions @ member)


def find_level(parents: Parents, level: int | None) -> Level:
    """The classes themselves (None), or those of a level, 1 = top.

    Raises:
        ConfigError: if the hierarchy has no such level.
    """
    names = tuple(parents)
    if level is None:
        return Level(names, np.arange(len(names)), np.ones(len(names), bool))
    depth = count_levels(parents)
    if level > depth:
        flat = "; no class of this data set has a parent" if depth == 1 else ""
        raise ConfigError(f"Protocol 'hierarchy:{level}' asks for level {level}; the classes have 1 to {depth}{flat}.")
    at_level = [class_at_level(parents, name, level) for name in names]
    shown = [known or name for known, name in zip(at_level, names, strict=True)]
    kept = tuple(dict.fromkeys(shown))
    told = np.array([known is not None for known in at_level])
    return Level(kept, np.array([kept.index(name) for name in shown]), told)

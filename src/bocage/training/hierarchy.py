"""Which classes lie under which groups -> what each level of the tree asks of a pixel. Pure; numpy.

A network gives one score a class; the probability of a group is that of its classes together. A pixel that is known to
be cereals, but not which, teaches the levels down to cereals and none below. So any network trains on the tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bocage.core.arrays import Bool, Int64
from bocage.core.errors import ConfigError, UnknownName
from bocage.core.registry import nearest

MOST_LEVELS = 3


@dataclass(frozen=True)
class ClassTree:
    """Classes by level, from the coarsest to the classes themselves.

    Attributes:
        group: (L, K) number of the group in which each class lies at each level.
        taught: (L, K) whether a pixel of that class teaches that level; False below a class that has classes under it.
    """

    group: Int64
    taught: Bool


def class_tree(parents: Mapping[str, str], names: tuple[str, ...]) -> ClassTree:
    """The tree of some classes.

    Args:
        parents: class or group -> the group (or class) above it.
        names: (K,) class names, index = id.

    Raises:
        UnknownName: if a child is neither a class nor a group.
        ConfigError: if the tree has more than three levels, or goes round in a circle.
    """
    groups = set(parents.values())
    for child in parents:
        if child not in names and child not in groups:
            hint = nearest(child, [*names, *groups])
            raise UnknownName(f"training.hierarchy names '{child}', which is no class and above none.{hint}")
    paths = [_path(parents, name) for name in names]
    levels = range(1, max(map(len, paths)) + 1)
    cut = [[path[:level] for path in paths] for level in levels]
    return ClassTree(
        group=np.array([[row.index(path) for path in row] for row in cut], np.int64),
        taught=np.array(
            [
                [level <= len(path) or name not in groups for name, path in zip(names, paths, strict=True)]
                for level in levels
            ]
        ),
    )


def _path(parents: Mapping[str, str], name: str) -> tuple[str, ...]:
    """From the coarsest group down to the name."""
    path: tuple[str, ...] = (name,)
    while path[0] in parents:
        path = (parents[path[0]], *path)
        if len(path) > MOST_LEVELS:
            raise ConfigError(f"training.hierarchy has {MOST_LEVELS} levels at most, but goes {' > '.join(path)}.")
    return path

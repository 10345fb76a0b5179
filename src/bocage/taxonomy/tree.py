"""Classes and the class above each → where a class stands in the tree. Pure.

`parents` names the class above every class, None at the top. Inner nodes are classes like the others.
"""

from __future__ import annotations

from collections.abc import Mapping

Parents = Mapping[str, str | None]


def ancestors(parents: Parents, name: str) -> tuple[str, ...]:
    """The classes above one, nearest first."""
    up = parents[name]
    return () if up is None else (up, *ancestors(parents, up))


def count_levels(parents: Parents) -> int:
    """Number of levels; 1 where no class has one above it."""
    return max(len(ancestors(parents, name)) + 1 for name in parents)


def class_at_level(parents: Parents, name: str, level: int) -> str | None:
    """What a class is at a level (1 = top): its ancestor there, or itself if nothing lies below it.

    None for an inner node above that level: known, but too coarse.
    """
    path = (*reversed(ancestors(parents, name)), name)
    if len(path) >= level:
        return path[level - 1]
    return None if name in parents.values() else name

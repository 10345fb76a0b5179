"""The record of a region. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True)
class Region:
    """A place to look at: a name that fits a folder name, and its outline in longitude/latitude.

    The outline None means the whole extent of the scenes.
    """

    name: str
    geometry: BaseGeometry | None

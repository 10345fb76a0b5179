"""What a catalog is, and the registry of catalogs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shapely.geometry.base import BaseGeometry

from bocage.core.errors import ConfigError, MissingFile
from bocage.core.registry import Registry
from bocage.scenes.options import SceneOptions
from bocage.scenes.record import Scene


@dataclass(frozen=True)
class Skipped:
    """Something in a catalog that is no usable scene: what, and the reason it is tallied under."""

    what: str
    reason: str


class Catalog(Protocol):
    """A source of scenes. `bocage.testing.catalogs.check_catalog` tests one."""

    def find(self, options: SceneOptions, region: BaseGeometry | None = None) -> Iterator[Scene | Skipped]:
        """All scenes, lazily and in a stable order; region and options are hints, `search` applies the filters."""
        ...

    def fingerprint(self, options: SceneOptions) -> str:
        """A cheap text that changes when the catalog's content does."""
        ...


CATALOGS: Registry[Catalog] = Registry("catalog")


def local_path(options: SceneOptions) -> Path:
    """The path of a local catalog.

    Raises:
        ConfigError: if the options name none.
        MissingFile: if it is not there.
    """
    if not options.path:
        raise ConfigError(f"catalog '{options.catalog}' needs a path: set scenes.path to a folder or file.")
    path = Path(options.path).expanduser()
    if not path.exists():
        raise MissingFile(f"{path} is not there, so it holds no scenes. Set scenes.path to an existing folder.")
    return path

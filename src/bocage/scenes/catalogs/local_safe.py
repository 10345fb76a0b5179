"""SAFE products below a folder, however deep; or one product. IO: reads metadata files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from bocage.core.digest import fingerprint_tree
from bocage.core.errors import CorruptFile, MissingFile
from bocage.scenes.catalogs.base import CATALOGS, Skipped, local_path
from bocage.scenes.options import SceneOptions
from bocage.scenes.read import open_safe, open_scene
from bocage.scenes.record import Scene
from bocage.scenes.safe import METADATA_FILES
from bocage.scenes.write_unpacked import unpack_into_cache


class LocalSafe:
    """`path` is a folder tree with .SAFE folders or .SAFE.zip archives in it, or one of them."""

    def find(self, options: SceneOptions, region: BaseGeometry | None = None) -> Iterator[Scene | Skipped]:
        path = local_path(options)
        if path.is_file() or is_product(path):
            yield open_scene(path)
            return
        found = False
        for entry in _walk(path):
            found = True
            if entry.suffix == ".zip":
                yield _open_archive(entry)
            elif entry.is_file():
                yield Skipped(str(entry), "a file, not a folder")
            elif is_product(entry):
                yield open_safe(entry)
            else:
                yield Skipped(str(entry), "no product metadata")
        if not found:
            raise MissingFile(f"There is no .SAFE product in {path} or below. Set scenes.path to where they are.")

    def fingerprint(self, options: SceneOptions) -> str:
        return fingerprint_tree(local_path(options))


def is_product(folder: Path) -> bool:
    """Whether a folder is a SAFE product: whether it holds product metadata."""
    return any((folder / name).is_file() for name in METADATA_FILES)


def _open_archive(path: Path) -> Scene | Skipped:
    try:
        return open_safe(unpack_into_cache(path))
    except (CorruptFile, MissingFile):
        return Skipped(str(path), "damaged archive")


def _walk(root: Path) -> Iterator[Path]:
    """Everything called *.SAFE or *.SAFE.zip below `root`, in order; products are not searched for products."""
    for folder, folders, files in os.walk(root):
        products = sorted(f for f in folders if f.endswith(".SAFE"))
        folders[:] = sorted(f for f in folders if not f.endswith(".SAFE"))
        archives = sorted(f for f in files if f.endswith((".SAFE", ".SAFE.zip")))
        yield from (Path(folder) / name for name in sorted([*products, *archives]))


CATALOGS.register("local_safe")(LocalSafe())

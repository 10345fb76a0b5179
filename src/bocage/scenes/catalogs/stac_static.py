"""A static STAC catalogue on disk: catalog, collection, item or item collection. IO: reads JSON files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shapely.geometry.base import BaseGeometry

from bocage.core.artifacts import read_json
from bocage.core.digest import fingerprint_tree
from bocage.core.errors import CorruptFile, MissingFile
from bocage.scenes.catalogs.base import CATALOGS, Skipped, local_path
from bocage.scenes.options import SceneOptions
from bocage.scenes.record import Scene
from bocage.scenes.stac import resolve_href, scene_from_item


class StacStatic:
    """`path` is a STAC file, or a folder whose catalogs and collections are all followed."""

    def find(self, options: SceneOptions, region: BaseGeometry | None = None) -> Iterator[Scene | Skipped]:
        path = local_path(options)
        starts = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not starts:
            raise MissingFile(f"{path} holds no STAC file (*.json). Set scenes.path to the catalogue.")
        seen: set[Path] = set()
        for start in starts:
            yield from _follow(start.resolve(), seen)

    def fingerprint(self, options: SceneOptions) -> str:
        path = local_path(options)
        return fingerprint_tree(path if path.is_dir() else path.parent)


def _follow(path: Path, seen: set[Path]) -> Iterator[Scene | Skipped]:
    """The scenes of one STAC file and of what it links, each file once."""
    if path in seen:
        return
    seen.add(path)
    if not path.is_file():
        yield Skipped(str(path), "dangling link")
        return
    document = read_json(path)
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "Feature":
        yield _scene(document, path)
    elif kind == "FeatureCollection":
        for item in document.get("features") or []:
            yield _scene(item, path)
    elif kind in ("Catalog", "Collection"):
        for href in _links(document):
            target = resolve_href(href, path.parent)
            if "://" in target:
                yield Skipped(target, "remote link")
            else:
                yield from _follow(Path(target), seen)
    else:
        yield Skipped(str(path), "not a STAC file")


def _links(document: dict[str, Any]) -> list[str]:
    links = [link for link in document.get("links") or [] if isinstance(link, dict) and "href" in link]
    return [str(link["href"]) for link in links if link.get("rel") in ("item", "child")]


def _scene(item: Any, path: Path) -> Scene | Skipped:
    try:
        return scene_from_item(item, base=path.parent)
    except CorruptFile:
        name = item.get("id") if isinstance(item, dict) else None
        return Skipped(f"{path}#{name}", "not a Sentinel-2 scene")


CATALOGS.register("stac_static")(StacStatic())

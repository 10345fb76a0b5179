"""Scenes -> the files to download and where they will lie; a fetched scene -> a STAC item. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bocage.core.errors import MissingBand, SourceError
from bocage.scenes.record import SCL, Asset, Scene
from bocage.scenes.stac import FETCHED, FETCHED_OFFSET


@dataclass(frozen=True)
class FileToFetch:
    """One download: the band ("archive" for a whole product), its asset, and the path it will have."""

    band: str
    asset: Asset
    path: Path


@dataclass(frozen=True)
class SceneToFetch:
    """The downloads of one product, all in one folder of its name."""

    scene: Scene
    files: tuple[FileToFetch, ...]
    folder: Path

    @property
    def item_path(self) -> Path:
        return self.folder / f"{self.scene.id}.json"


def plan_fetch(
    scenes: Sequence[Scene], bands: Sequence[str], folder: Path, *, archive: bool = False, s3: bool = False
) -> tuple[list[SceneToFetch], dict[str, str]]:
    """What to download for these scenes.

    Args:
        scenes: of any catalog with remote files.
        bands: band names; SCL is added for L2A.
        folder: where products will lie, one folder each.
        archive: whole products as zips, instead of bands.
        s3: take s3:// addresses where a file has an HTTPS address as well.

    Returns:
        The downloads, and the scenes that lack something with the reason.

    Raises:
        SourceError: if a product's name is no plain name.
    """
    plans, failed = [], {}
    for scene in scenes:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", scene.id) or scene.id.startswith("."):
            raise SourceError(f"'{scene.id}' is no product name that can become a folder. Leave the product out.")
        try:
            files = _archive_of(scene, folder) if archive else _bands_of(scene, bands, folder / scene.id, s3=s3)
        except SourceError as error:
            failed[scene.id] = str(error)
            continue
        plans.append(SceneToFetch(scene, files, folder if archive else folder / scene.id))
    return plans, failed


def item_of(plan: SceneToFetch) -> dict[str, Any]:
    """The STAC item of a product whose bands lie beside it: read again it gives the same scene, with local files."""
    scene = plan.scene
    properties = {
        "datetime": scene.datetime.isoformat().replace("+00:00", "Z"),
        "platform": scene.platform,
        "grid:code": f"MGRS-{scene.tile}",
        "proj:code": scene.crs,
        "s2:product_uri": f"{scene.id}.SAFE",
        "s2:product_type": "S2MSI1C" if scene.level == "L1C" else "S2MSI2A",
        "s2:processing_baseline": scene.baseline,
        "s2:generation_time": scene.generated,
        "s2:sequence": str(scene.sequence),
        "eo:cloud_cover": None if scene.cloud_cover_fraction is None else scene.cloud_cover_fraction * 100,
        FETCHED_OFFSET: scene.offset,
        FETCHED: scene.offset_source,
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": scene.id,
        "geometry": scene.footprint,
        "properties": {name: value for name, value in properties.items() if value is not None},
        "assets": {file.band: _asset_of(scene, file) for file in plan.files},
        "links": [{"rel": "parent", "href": "../catalog.json"}],
    }


def catalog_of(items: Sequence[str]) -> dict[str, Any]:
    """A static catalogue of items, given by their paths beside it."""
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "fetched",
        "description": "Sentinel-2 products fetched by bocage",
        "links": [{"rel": "item", "href": f"./{path}"} for path in sorted(items)],
    }


def _bands_of(scene: Scene, bands: Sequence[str], folder: Path, *, s3: bool) -> tuple[FileToFetch, ...]:
    wanted = [*bands, SCL] if scene.level == "L2A" and SCL not in bands else list(bands)
    missing = [b for b in wanted if b not in scene.assets]
    if missing:
        raise MissingBand(f"it has no {', '.join(missing)} (it has {', '.join(scene.assets) or 'no band at all'})")
    if not all(scene.assets[b].is_remote for b in wanted):
        raise SourceError("its files are on this machine already: give this catalog where products are wanted")
    chosen = [(band, _reachable(scene.assets[band], s3=s3)) for band in wanted]
    return tuple(FileToFetch(band, asset, folder / f"{band}{_suffix(asset)}") for band, asset in chosen)


def _archive_of(scene: Scene, folder: Path) -> tuple[FileToFetch, ...]:
    if scene.archive is None:
        raise MissingBand("its catalog offers no archive of the whole product; ask for bands")
    return (FileToFetch("archive", scene.archive, folder / f"{scene.id}.SAFE.zip"),)


def _reachable(asset: Asset, *, s3: bool) -> Asset:
    return asset if s3 or asset.alternate is None else replace(asset, href=asset.alternate)


def _suffix(asset: Asset) -> str:
    """`.jp2` or `.tif`, from the address (`…/Nodes(x_B02_10m.jp2)/$value` too)."""
    return ".jp2" if re.search(r"\.jp2\b", urlsplit(asset.href).path, re.IGNORECASE) else ".tif"


def _asset_of(scene: Scene, file: FileToFetch) -> dict[str, Any]:
    asset: dict[str, Any] = {"href": f"./{file.path.name}", "gsd": file.asset.resolution_m, "roles": ["data"]}
    if file.band != SCL:
        scale = 1 / scene.quantification
        asset["raster:bands"] = [{"nodata": 0, "scale": scale, "offset": scene.offset_of(file.band) * scale}]
    if file.asset.grid:
        asset |= {f"proj:{name}": file.asset.grid[name] for name in ("shape", "transform")}
    return asset

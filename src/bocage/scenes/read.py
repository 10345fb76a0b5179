"""One product on disk -> Scene, and the check of its files before a pixel is trusted. IO: reads files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import rasterio
from rasterio.errors import RasterioError

from bocage.core.artifacts import read_json
from bocage.core.digest import digest_value
from bocage.core.errors import CorruptFile, MissingBand, MissingFile
from bocage.scenes import jpeg2000
from bocage.scenes.fetch_http import Fetcher
from bocage.scenes.patience import hide_queries
from bocage.scenes.record import Asset, Scene
from bocage.scenes.safe import (
    METADATA_FILES,
    ManifestEntry,
    find_assets,
    manifest_entries,
    parse_xml,
    scene_from_metadata,
)
from bocage.scenes.stac import scene_from_item
from bocage.scenes.write_unpacked import unpack_into_cache

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MANIFEST = "manifest.safe"


def open_scene(path: Path) -> Scene:
    """One SAFE folder, or one STAC item (a JSON file), as a scene.

    Raises:
        MissingFile: if there is nothing, or not what it should be.
        CorruptFile: if the metadata cannot be read.
    """
    if not path.exists():
        raise MissingFile(f"{path} is not there. Give a .SAFE folder or a STAC item.")
    if path.suffix == ".json" and path.is_file():
        item = read_json(path)
        if not isinstance(item, dict) or item.get("type") != "Feature":
            raise MissingFile(
                f"{path} is no STAC item (its type is not Feature). Give the JSON file of one item, or search in it: "
                f"bocage scenes search --catalog {path}"
            )
        return scene_from_item(item, base=path.resolve().parent)
    if path.is_file() and path.suffix == ".zip":
        return open_safe(unpack_into_cache(path))
    if path.is_file():
        raise MissingFile(
            f"{path} is a file of {path.stat().st_size:,} bytes, but a SAFE product is a folder. "
            "If it is an archive, unpack it and give the .SAFE folder in it."
        )
    return open_safe(path)


def open_safe(folder: Path) -> Scene:
    """One SAFE folder as a scene: its product metadata, and the band files that are really there.

    Raises:
        MissingFile: if the folder holds no product metadata.
        CorruptFile: if the metadata cannot be read.
    """
    file = next((folder / name for name in METADATA_FILES if (folder / name).is_file()), None)
    if file is None:
        raise MissingFile(
            f"{folder} holds neither {' nor '.join(METADATA_FILES)}, so it is no (complete) SAFE product. "
            "Give the .SAFE folder itself, or get the product again."
        )
    folder = folder.resolve()
    metadata = parse_xml(file.read_bytes(), str(file))
    assets = find_assets(sorted(folder.glob("GRANULE/*/IMG_DATA/**/*")))
    return scene_from_metadata(metadata, assets, name=folder.name.removesuffix(".SAFE"), file=file.name)


def check_scene_files(scenes: Iterable[Scene], bands: Sequence[str], *, checksums: bool = False) -> None:
    """Refuse products with missing bands or damaged files, before any pixel is read. Decodes nothing.

    JPEG 2000 is followed from its first to its last marker, TIFF blocks must lie inside the file, and sizes (with
    `checksums` also MD5) must be those of manifest.safe where the product has one.

    Raises:
        MissingBand: naming every product that lacks a band, the bands, and those it has.
        CorruptFile: naming every damaged file, and what is wrong with each.
    """
    scenes = list(scenes)
    lacking = [
        f"{s.id} has no {', '.join(missing)} (it has {', '.join(s.assets) or 'no band at all'})"
        for s in scenes
        if (missing := [b for b in bands if b not in s.assets])
    ]
    if lacking:
        raise MissingBand(
            f"{len(lacking)} of {len(scenes)} products lack a band that was asked for: {'; '.join(lacking)}. "
            "Get the missing files, leave the products out, or ask for other bands (cubes.bands)."
        )
    assets = [[s.assets[b] for b in bands] for s in scenes]
    found = _remote_damages([a for of_scene in assets for a in of_scene if a.is_remote])
    for of_scene in assets:
        found += _local_damages([a.href for a in of_scene if not a.is_remote], checksums=checksums)
    damaged = [f"{path}: {damage}" for path, damage in found]
    if damaged:
        raise CorruptFile(
            f"{len(damaged)} damaged file{'s' if len(damaged) > 1 else ''}:\n  " + "\n  ".join(damaged) + "\n"
            "Their pixels cannot be trusted. Get these products again, or leave them out."
        )


def fingerprint_assets(assets: Iterable[Asset]) -> str:
    """A text that changes when one of the rasters does: names, and sizes and times of the local ones."""
    return digest_value([[a.href, None if a.is_remote else _stamp(Path(a.href))] for a in assets])


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns


def _remote_damages(assets: Sequence[Asset]) -> list[tuple[str, str]]:
    if not assets:
        return []
    fetcher = Fetcher()
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda a: find_remote_damage(a, fetcher), assets)
        return [(hide_queries(a.href), damage) for a, damage in zip(assets, found, strict=True) if damage]


def find_remote_damage(asset: Asset, fetcher: Fetcher) -> str | None:
    """What can be told of a remote raster's damage from two bytes: a cut JPEG 2000 lacks its end marker.

    GDAL itself notices a cut GeoTIFF, since it asks for each block by its place; for those only the stated size counts.

    Raises:
        SourceError: if the file cannot be reached.
    """
    tail, size = fetcher.fetch_tail(asset.href, 2)
    if asset.size is not None and size is not None and size != asset.size:
        return f"it has {size:,} bytes, the catalog says {asset.size:,}"
    if urlsplit(asset.href).path.endswith(".jp2") and tail != jpeg2000.END:
        return "cut: no end-of-codestream marker at its end"
    return None


def _local_damages(hrefs: Sequence[str], *, checksums: bool) -> list[tuple[str, str]]:
    manifest = _read_manifest(Path(hrefs[0])) if hrefs else {}
    found = [(href, find_damage(Path(href), manifest.get(Path(href)), checksums=checksums)) for href in hrefs]
    return [(href, damage) for href, damage in found if damage]


def find_damage(path: Path, entry: ManifestEntry | None = None, *, checksums: bool = False) -> str | None:
    """What is wrong with one raster file, in a few words; None if nothing is."""
    if not path.is_file():
        return "the file is not there"
    size = path.stat().st_size
    if entry is not None and size != entry.size:
        return f"it has {size:,} bytes, {MANIFEST} says {entry.size:,}"
    with path.open("rb") as file:
        head = file.read(8)
        if head in (jpeg2000.SIGNATURE,) or head[:4] == jpeg2000.CODESTREAM:
            damage = jpeg2000.find_damage(file)
        elif head[:4] in _TIFF:
            damage = _tiff_damage(path)
        else:
            damage = f"it is neither JPEG 2000 nor TIFF ({size:,} bytes, beginning {head!r})"
        if damage is None and checksums and entry is not None and entry.md5:
            file.seek(0)
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            damage = None if md5 == entry.md5 else f"its MD5 is {md5}, {MANIFEST} says {entry.md5}"
    return damage


def _tiff_damage(path: Path) -> str | None:
    """Whether every block of a TIFF's first band lies inside the file."""
    size = path.stat().st_size
    try:
        with rasterio.open(path) as source:
            height, width = source.block_shapes[0]
            for row in range(-(-source.height // height)):
                for col in range(-(-source.width // width)):
                    offset = source.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=1)
                    length = source.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1)
                    end = int(offset or 0) + int(length or 0)
                    if end > size:
                        return f"cut: block {row}, {col} should end at byte {end}, the file at {size}"
    except RasterioError as error:
        return f"it cannot be opened ({error})"
    return None


def _read_manifest(raster: Path) -> dict[Path, ManifestEntry]:
    """What the product's manifest.safe says, by absolute path; empty where there is none."""
    root = next((p for p in raster.parents if (p / MANIFEST).is_file()), None)
    if root is None:
        return {}
    manifest = parse_xml((root / MANIFEST).read_bytes(), str(root / MANIFEST))
    return {root / name: entry for name, entry in manifest_entries(manifest).items()}

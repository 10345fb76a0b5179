"""SAFE product metadata and file names -> Scene. Pure; `read` does the reading.

Source: ESA, Sentinel-2 products specification; both band file namings, `L2A_T31TEJ_…_B02_10m` and `T31TEJ_…_B02_10m`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bocage.core.bands import BANDS
from bocage.core.errors import CorruptFile
from bocage.scenes.record import (
    OFFSET_BASELINE,
    SCL,
    Asset,
    Scene,
    baseline_number,
    offset_from_baseline,
    parse_time,
    utm_of_tile,
)

METADATA_FILES = ("MTD_MSIL2A.xml", "MTD_MSIL1C.xml")
_BAND_FILE = re.compile(
    r"(?:L2A_|L1C_)?T\d\d[C-X][A-Z]{2}_\d{8}T\d{6}_(B\d\d|B8A|SCL)(?:_(\d\d)m)?\.(?:jp2|tiff?)", re.IGNORECASE
)
_BAND_BY_ID = {str(b.index): b.name for b in BANDS.values()}
_SCL_RESOLUTION_M = 20


@dataclass(frozen=True)
class ManifestEntry:
    """What manifest.safe says of one file."""

    size: int
    md5: str | None


def parse_xml(content: bytes, what: str) -> Element:
    """An XML document from a file that nobody vouches for.

    Raises:
        CorruptFile: if it is not well-formed, or tries to declare entities.
    """
    try:
        root: Element = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise CorruptFile(f"{what} is not readable XML ({error}). Get the product again.") from error
    return root


def find_assets(paths: Iterable[PurePath]) -> dict[str, Asset]:
    """The band rasters among a product's files, by band name; a band's native resolution wins, else its finest."""
    found: dict[str, list[Asset]] = {}
    for path in paths:
        if match := _BAND_FILE.fullmatch(path.name):
            band = match[1].upper()
            if band in BANDS or band == SCL:
                resolution_m = int(match[2]) if match[2] else _native_resolution_m(band)
                found.setdefault(band, []).append(Asset(str(path), resolution_m))
    order = [band for band in (*BANDS, SCL) if band in found]
    return {
        band: min(found[band], key=lambda a: (a.resolution_m != _native_resolution_m(band), a.resolution_m, a.href))
        for band in order
    }


def _native_resolution_m(band: str) -> int:
    return BANDS[band].resolution_m if band in BANDS else _SCL_RESOLUTION_M


def scene_from_metadata(metadata: Element, assets: Mapping[str, Asset], *, name: str, file: str) -> Scene:
    """The scene that MTD_MSIL2A.xml or MTD_MSIL1C.xml describes, with the band files that are really there.

    Args:
        metadata: the root of the product metadata.
        assets: the band files found on disk.
        name: the product's folder name without .SAFE, for what the metadata leave out.
        file: the metadata file's name, for messages.

    Raises:
        CorruptFile: if the metadata lack what every product has, or hold a text where a number or a time belongs.
    """
    try:
        return _scene(metadata, assets, name, file)
    except ValueError as error:
        raise CorruptFile(f"{file} of {name} cannot be read ({error}). Get the product again.") from error


def _scene(metadata: Element, assets: Mapping[str, Asset], name: str, file: str) -> Scene:
    product = next(
        (t.removesuffix(".SAFE") for t in (_text(metadata, "PRODUCT_URI_2A"), _text(metadata, "PRODUCT_URI")) if t),
        name,
    )
    time, tile = _text(metadata, "PRODUCT_START_TIME"), re.search(r"_T(\d\d[C-X][A-Z]{2})_", product)
    if time is None or tile is None:
        missing = "PRODUCT_START_TIME" if time is None else "a product name with a tile such as _T31TEJ_"
        raise CorruptFile(f"{file} of {name} has no {missing}. Get the product again.")
    level = "L1C" if "MSIL1C" in file else "L2A"
    baseline, cloud = _text(metadata, "PROCESSING_BASELINE"), _text(metadata, "Cloud_Coverage_Assessment")
    offset, by_band, source = _offset(metadata, level, baseline, file)
    return Scene(
        id=product,
        catalog="local_safe",
        level=level,
        platform=(_text(metadata, "SPACECRAFT_NAME") or "sentinel-2").lower(),
        tile=tile[1],
        datetime=parse_time(time),
        generated=_text(metadata, "GENERATION_TIME") or "",
        baseline=baseline,
        cloud_cover_fraction=round(float(cloud) / 100, 8) if cloud else None,
        offset=offset,
        offset_by_band=by_band,
        offset_source=source,
        quantification=_quantification(metadata, level, f"{file} of {name}"),
        assets=assets,
        footprint=_footprint(metadata),
        crs=utm_of_tile(tile[1]),
    )


def manifest_entries(manifest: Element) -> dict[str, ManifestEntry]:
    """manifest.safe -> relative path of each file -> its size in bytes and MD5."""
    entries: dict[str, ManifestEntry] = {}
    for stream in _all(manifest, "byteStream"):
        location, checksum = _first(stream, "fileLocation"), _first(stream, "checksum")
        if location is not None and stream.get("size") is not None:
            md5 = checksum.text if checksum is not None and checksum.get("checksumName") == "MD5" else None
            href = (location.get("href") or "").removeprefix("./")
            entries[href] = ManifestEntry(_whole_number(stream.get("size")), (md5 or "").strip().lower() or None)
    return entries


def _whole_number(text: str | None) -> int:
    """-1, which is the size of no file, for a text that is none."""
    return int(text) if text and text.isascii() and text.isdigit() else -1


def _offset(metadata: Element, level: str, baseline: str | None, file: str) -> tuple[float, dict[str, float], str]:
    tag = "RADIO_ADD_OFFSET" if level == "L1C" else "BOA_ADD_OFFSET"
    by_id = {e.get("band_id", ""): float(e.text or 0) for e in _all(metadata, tag)}
    by_band = {_BAND_BY_ID[i]: value for i, value in by_id.items() if i in _BAND_BY_ID}
    if by_band:
        values = list(by_band.values())
        return max(values, key=values.count), by_band, f"{tag} of {file}"
    number = baseline_number(baseline)
    if number is None or number < OFFSET_BASELINE:
        return 0.0, {}, f"{file} has no {tag} (baseline {baseline or 'unknown'})"
    offset, why = offset_from_baseline(baseline, f"{file} has no {tag}")
    return offset, {}, why


def _quantification(metadata: Element, level: str, what: str) -> float:
    tags = ("QUANTIFICATION_VALUE",) if level == "L1C" else ("BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE")
    text = next((t for t in (_text(metadata, tag) for tag in tags) if t), None)
    if text is None:
        raise CorruptFile(f"{what} has no {tags[0]}, so its numbers cannot become reflectance. Get the product again.")
    if not float(text) > 0:
        raise CorruptFile(f"{what} has the {tags[0]} {text}, which no number can be divided by. Get the product again.")
    return float(text)


def _footprint(metadata: Element) -> dict[str, Any] | None:
    """EXT_POS_LIST is latitude longitude latitude longitude …; GeoJSON is longitude first."""
    numbers = [float(v) for v in (_text(metadata, "EXT_POS_LIST") or "").split()]
    if len(numbers) < 8 or len(numbers) % 2:
        return None
    return {"type": "Polygon", "coordinates": [[[x, y] for y, x in zip(numbers[::2], numbers[1::2], strict=True)]]}


def _all(root: Element, tag: str) -> list[Element]:
    return [e for e in root.iter() if isinstance(e.tag, str) and e.tag.rpartition("}")[2] == tag]


def _first(root: Element, tag: str) -> Element | None:
    return next(iter(_all(root, tag)), None)


def _text(root: Element, tag: str) -> str | None:
    element = _first(root, tag)
    return element.text.strip() if element is not None and element.text and element.text.strip() else None

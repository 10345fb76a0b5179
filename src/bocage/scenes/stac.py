"""STAC items -> Scene. Pure; hrefs are resolved, nothing is opened.

Asset names as Earth Search (`blue`), Planetary Computer (`B02`) and the Copernicus Data Space (`B02_10m`) write them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bocage.core.bands import BANDS
from bocage.core.errors import CorruptFile, SourceError
from bocage.scenes.record import SCL, Asset, Scene, is_signed_anew, offset_from_baseline, parse_time, utm_of_tile

_BAND_BY_NAME = {b.earth_search: b.name for b in BANDS.values()} | {b: b for b in BANDS} | {"scl": SCL, "SCL": SCL}
_FLAG = "earthsearch:boa_offset_applied"
FETCHED, FETCHED_OFFSET = "bocage:offset_source", "bocage:offset"


def scene_from_item(item: Mapping[str, Any], *, base: Path) -> Scene:
    """The scene that a STAC item describes.

    Args:
        item: the item as parsed JSON.
        base: the folder of the item file; relative hrefs start there.

    Raises:
        CorruptFile: if the item lacks a datetime, a tile or a level, or is not what STAC says.
    """
    try:
        return _scene(item, base)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, SourceError) as error:
        if isinstance(error, CorruptFile):
            raise
        name = item.get("id") if isinstance(item, Mapping) else None
        raise CorruptFile(
            f"STAC item {name} cannot be read ({type(error).__name__}: {error}). Leave it out."
        ) from error


def _scene(item: Mapping[str, Any], base: Path) -> Scene:
    name = str(item.get("id", "?"))
    p: Mapping[str, Any] = item.get("properties") or {}
    product = str(p.get("s2:product_uri") or name).removesuffix(".SAFE")
    tile, level, time = _tile(p, product), _level(item, product), p.get("datetime")
    if tile is None or level is None or not time:
        missing = "MGRS tile" if tile is None else "processing level" if level is None else "datetime"
        raise CorruptFile(f"STAC item {name} has no {missing}, so it is no Sentinel-2 scene that can be used.")
    stated, cloud = p.get("s2:processing_baseline") or p.get("processing:version"), p.get("eo:cloud_cover")
    baseline = None if stated is None else str(stated)
    offset, source = _offset(item, baseline)
    crs = _crs(p, tile)
    return Scene(
        id=product,
        catalog="stac",
        level=level,
        platform=str(p.get("platform", "sentinel-2")).lower(),
        tile=tile,
        datetime=parse_time(str(time)),
        generated=str(p.get("s2:generation_time") or p.get("processing:datetime") or p.get("created") or ""),
        baseline=baseline,
        cloud_cover_fraction=round(float(cloud) / 100, 8) if cloud is not None else None,
        offset=offset,
        offset_source=source,
        assets=_assets(item, base, crs),
        footprint=item.get("geometry"),
        crs=crs,
        archive=_archive(item, base),
        sequence=int(p["s2:sequence"]) if str(p.get("s2:sequence", "")).isdigit() else 0,
    )


def resolve_href(href: str, base: Path) -> str:
    """An absolute path or address: `./B02.tif` is beside the item, `https://…` stays.

    Addresses that the Planetary Computer has signed lose their token, which ends within the hour and is nobody else's:
    they are signed when they are asked for.
    """
    href = href.removeprefix("file://")
    if is_signed_anew(href):
        return href.partition("?")[0]
    return href if "://" in href else str((base / href).resolve())


def _assets(item: Mapping[str, Any], base: Path, crs: str) -> dict[str, Asset]:
    """Bands among the assets. `-jp2` doubles of Earth Search are left out; a band's native resolution wins."""
    found: dict[str, list[Asset]] = {}
    for key, asset in dict(item.get("assets") or {}).items():
        band = _BAND_BY_NAME.get(re.sub(r"_\d\dm$", "", key))
        if band is None:
            continue
        resolution_m = _resolution_m(key, asset, band)
        found.setdefault(band, []).append(
            Asset(
                resolve_href(asset["href"], base),
                resolution_m,
                _declared_grid(asset, crs),
                size=asset.get("file:size"),
                checksum=asset.get("file:checksum"),
                alternate=_alternate(asset),
            )
        )
    native = {b.name: b.resolution_m for b in BANDS.values()} | {SCL: 20}
    return {
        band: min(found[band], key=lambda a: (a.resolution_m != native[band], a.resolution_m))
        for band in (*BANDS, SCL)
        if band in found
    }


def _alternate(asset: Mapping[str, Any]) -> str | None:
    other = (asset.get("alternate") or {}).get("https") or {}
    return str(other["href"]) if other.get("href") else None


def _archive(item: Mapping[str, Any], base: Path) -> Asset | None:
    """The asset that is the whole product as a zip: `Product` of the Copernicus Data Space."""
    for asset in (item.get("assets") or {}).values():
        if asset.get("type") == "application/zip":
            href = resolve_href(asset["href"], base)
            return Asset(href, 10, size=asset.get("file:size"), checksum=asset.get("file:checksum"))
    return None


def _resolution_m(key: str, asset: Mapping[str, Any], band: str) -> int:
    rasters = asset.get("raster:bands") or [{}]
    suffix = re.search(r"_(\d\d)m$", key)
    stated = suffix[1] if suffix else asset.get("gsd") or rasters[0].get("spatial_resolution")
    return int(stated or (20 if band == SCL else BANDS[band].resolution_m))


def _declared_grid(asset: Mapping[str, Any], crs: str) -> dict[str, Any] | None:
    shape, transform = asset.get("proj:shape"), asset.get("proj:transform")
    return {"crs": crs, "transform": list(transform[:6]), "shape": list(shape)} if shape and transform else None


def _offset(item: Mapping[str, Any], baseline: str | None) -> tuple[float, str]:
    """The offset, and which rule decided: Earth Search's flag, then raster offsets, then the baseline.

    Earth Search v1 states raster offsets of −0.1 even for numbers from which it has already taken the offset; there
    only the flag counts, and where it is false or missing the baseline. Elsewhere raster offsets are meant as written.
    """
    p = item.get("properties") or {}
    flag, fetched = p.get(_FLAG), p.get(FETCHED)
    if fetched:  # written by `scenes fetch`, which had decided already
        return float(p[FETCHED_OFFSET]), str(fetched)
    if flag is True:
        return 0.0, f"{_FLAG} is true"
    if flag is False or any(key.startswith("earthsearch:") for key in p):
        return offset_from_baseline(baseline, f"{_FLAG} is {'false' if flag is False else 'missing'}")
    stated = _raster_offsets(item)
    if stated:
        value = max(stated, key=stated.count)
        return value, "raster offset of the item's assets"
    return offset_from_baseline(baseline, "the item states no raster offset")


def _raster_offsets(item: Mapping[str, Any]) -> list[float]:
    """Offsets of the reflectance assets in DN: offset / scale."""
    values = []
    for key, asset in (item.get("assets") or {}).items():
        if _BAND_BY_NAME.get(re.sub(r"_\d\dm$", "", key)) in BANDS:
            raster = (asset.get("raster:bands") or [asset])[0]
            offset = raster.get("offset", raster.get("raster:offset"))
            scale = raster.get("scale", raster.get("raster:scale"))
            if offset is not None and scale:
                values.append(float(round(offset / scale)))
    return values


def _tile(p: Mapping[str, Any], product: str) -> str | None:
    code = str(p.get("grid:code") or "").removeprefix("MGRS-") or p.get("s2:mgrs_tile")
    if not code and "mgrs:utm_zone" in p:
        code = f"{int(p['mgrs:utm_zone']):02d}{p['mgrs:latitude_band']}{p['mgrs:grid_square']}"
    if not code and (match := re.search(r"_T?(\d\d[C-X][A-Z]{2})_", product)):
        code = match[1]
    if not code:
        return None
    utm_of_tile(str(code).zfill(5))  # raises if it is none
    return str(code).zfill(5)


def _level(item: Mapping[str, Any], product: str) -> str | None:
    p = item.get("properties") or {}
    text = " ".join(
        str(v) for v in (p.get("s2:product_type"), p.get("product:type"), product, item.get("collection")) if v
    ).upper()
    return next((level for level, mark in (("L2A", "2A"), ("L1C", "1C")) if mark in _level_marks(text)), None)


def _level_marks(text: str) -> set[str]:
    return set(re.findall(r"(?:S2MSI|MSIL|_L|-L)(1C|2A)", text))


def _crs(p: Mapping[str, Any], tile: str) -> str:
    if p.get("proj:code"):
        return str(p["proj:code"])
    return f"EPSG:{p['proj:epsg']}" if p.get("proj:epsg") else utm_of_tile(tile)

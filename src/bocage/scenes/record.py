"""The scene record: one Sentinel-2 product, whatever catalog it came from. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from bocage.core.errors import SourceError

OFFSET_BASELINE = (4, 0)  # ESA: products of baseline 04.00 and later carry +1000 in their numbers
OFFSET = -1000.0  # what is added to such numbers: BOA_ADD_OFFSET, RADIO_ADD_OFFSET
QUANTIFICATION = 10_000.0  # ESA: QUANTIFICATION_VALUE of every product so far
PC_HOST = "blob.core.windows.net"
SCL = "SCL"  # the scene classification, as it stands among the assets


@dataclass(frozen=True)
class Asset:
    """One raster of a scene.

    Attributes:
        href: absolute path, or address.
        resolution_m: ground sampling distance of the band file.
        grid: what the catalog says of its grid (crs, transform, shape); used for files that say nothing themselves.
        size: bytes, where the catalog states it.
        checksum: multihash in hex, where the catalog states it.
        alternate: a second address of the same file, over HTTPS where the first is S3.
    """

    href: str
    resolution_m: int
    grid: Mapping[str, Any] | None = None
    size: int | None = None
    checksum: str | None = None
    alternate: str | None = None

    @property
    def is_remote(self) -> bool:
        return is_remote(self.href)

    def to_json(self) -> dict[str, Any]:
        record: dict[str, Any] = {"href": self.href, "resolution_m": self.resolution_m}
        stated = {"size": self.size, "checksum": self.checksum, "alternate": self.alternate}
        record |= {name: value for name, value in stated.items() if value is not None}
        return record | ({"grid": dict(self.grid)} if self.grid else {})


@dataclass(frozen=True)
class Scene:
    """One Sentinel-2 product.

    Reflectance = (DN + offset) / quantification; DN 0 is no-data before and after.

    Attributes:
        id: product name without .SAFE, or the item id where a catalog does not know it.
        catalog: what kind of source it was read from.
        level: "L2A" or "L1C".
        platform: such as "sentinel-2a".
        tile: MGRS tile such as "31TEJ".
        datetime: start of sensing, aware, UTC.
        generated: when the product was made; "" if unknown.
        baseline: processing baseline such as "05.09", None if unknown.
        cloud_cover_fraction: 0-1 over the whole product, None if unknown.
        offset: what to add to DN, 0 or -1000.
        offset_by_band: where the product says it band by band.
        offset_source: which rule decided the offset.
        quantification: DN of reflectance 1 (without offset).
        assets: band name or "SCL" -> its raster.
        footprint: GeoJSON geometry in longitude/latitude of the product (an extract may cover less), or None.
        crs: "EPSG:…" of the rasters.
        archive: the whole product as a zip, where the catalog offers it.
        sequence: how often Earth Search processed the scene before; 0 elsewhere.
    """

    id: str
    catalog: str
    level: str
    platform: str
    tile: str
    datetime: datetime
    generated: str
    baseline: str | None
    cloud_cover_fraction: float | None
    offset: float
    offset_source: str
    assets: Mapping[str, Asset]
    quantification: float = QUANTIFICATION
    offset_by_band: Mapping[str, float] = field(default_factory=dict)
    footprint: Mapping[str, Any] | None = None
    crs: str | None = None
    archive: Asset | None = None
    sequence: int = 0

    def __post_init__(self) -> None:
        if self.datetime.tzinfo is None:
            raise ValueError(f"scene {self.id}: the datetime {self.datetime} has no time zone")
        if self.level not in ("L1C", "L2A"):
            raise ValueError(f"scene {self.id}: the level is '{self.level}', not L1C or L2A")

    @property
    def day(self) -> int:
        """Days since 1970-01-01 of the sensing date."""
        return (self.datetime.date() - date(1970, 1, 1)).days

    def offset_of(self, band: str) -> float:
        """What to add to the DN of a band."""
        return self.offset_by_band.get(band, self.offset)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "catalog": self.catalog,
            "level": self.level,
            "platform": self.platform,
            "tile": self.tile,
            "datetime": self.datetime.isoformat(),
            "generated": self.generated,
            "baseline": self.baseline,
            "cloud_cover_fraction": self.cloud_cover_fraction,
            "offset": self.offset,
            "offset_by_band": dict(self.offset_by_band),
            "offset_source": self.offset_source,
            "quantification": self.quantification,
            "assets": {name: asset.to_json() for name, asset in self.assets.items()},
            "footprint": dict(self.footprint) if self.footprint else None,
            "crs": self.crs,
            "archive": self.archive.to_json() if self.archive else None,
            "sequence": self.sequence,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Scene:
        assets = {name: Asset(**asset) for name, asset in record["assets"].items()}
        archive = Asset(**record["archive"]) if record.get("archive") else None
        time = datetime.fromisoformat(record["datetime"])
        return cls(**{**record, "datetime": time, "assets": assets, "archive": archive})


def is_remote(href: str) -> bool:
    """Whether an href is an address on the network, not a path."""
    return href.startswith(("https://", "http://", "s3://"))


def is_signed_anew(href: str) -> bool:
    """Whether it is an address of the Planetary Computer's store, which is signed before each request."""
    url = urlsplit(href)
    return url.scheme in ("https", "http") and (url.hostname or "").endswith(f".{PC_HOST}")


def parse_time(text: str) -> datetime:
    """An ISO time as catalogs write it (`…Z`), in UTC; without a zone it is UTC."""
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def baseline_number(baseline: str | None) -> tuple[int, int] | None:
    """ "05.09" -> (5, 9), also of a catalog that states the number 5.09; None for one that is unknown or of no form."""
    match = re.fullmatch(r"(\d\d?)\.(\d\d?)", baseline or "")
    return (int(match[1]), int(match[2])) if match else None


def offset_from_baseline(baseline: str | None, why: str) -> tuple[float, str]:
    """The offset when only the processing baseline can tell, and a sentence that says so.

    Source: ESA, products of baseline 04.00 and later carry +1000, whatever their sensing date.
    """
    number = baseline_number(baseline)
    if number is None:
        return 0.0, f"{why}, and no baseline is known: taken as none"
    if number >= OFFSET_BASELINE:
        return OFFSET, f"baseline {baseline} is 04.00 or later ({why})"
    return 0.0, f"baseline {baseline} is before 04.00 ({why})"


def utm_of_tile(tile: str) -> str:
    """The CRS of an MGRS tile: "31TEJ" -> "EPSG:32631". Latitude bands N and up are in the north."""
    match = re.fullmatch(r"(\d\d)([C-X])[A-Z]{2}", tile)
    if not match:
        raise SourceError(f"'{tile}' is no MGRS tile; one looks like 31TEJ.")
    return f"EPSG:{326 if match[2] >= 'N' else 327}{match[1]}"

"""STAC APIs: any by address, and three public ones by name. IO: the network, through pystac-client.

Pages are asked for lazily; busy answers are tried again with growing waits, and `Retry-After` is honoured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from shapely.geometry.base import BaseGeometry

from bocage.core.errors import ConfigError, CorruptFile, SourceError
from bocage.scenes.catalogs.base import CATALOGS, Skipped
from bocage.scenes.options import SceneOptions
from bocage.scenes.patience import BUSY, TIMEOUT_S, Patience, hide_queries
from bocage.scenes.record import Scene
from bocage.scenes.stac import scene_from_item

PAGE = 100  # items a request


@dataclass(frozen=True)
class StacApi:
    """`path` is the address of a STAC API; `collection` is which of its collections to search."""

    name: str = "stac"
    url: str | None = None
    l2a: str = "sentinel-2-l2a"
    l1c: str | None = "sentinel-2-l1c"
    patience: Patience = field(default_factory=Patience)

    def find(self, options: SceneOptions, region: BaseGeometry | None = None) -> Iterator[Scene | Skipped]:
        from pystac.errors import STACError
        from pystac_client import Client
        from pystac_client.errors import ClientTypeError
        from pystac_client.exceptions import APIError
        from pystac_client.stac_api_io import StacApiIO
        from pystac_client.warnings import DoesNotConformTo

        url, collection = self._where(options)
        if region is None and url == self.url:
            raise ConfigError(
                f"catalog '{self.name}' without a region is the whole world: give --region, or a box or file under "
                "`regions`."
            )
        try:
            io = StacApiIO(timeout=TIMEOUT_S, max_retries=self.patience.to_retry())
            search = Client.open(url, stac_io=io).search(
                collections=[collection],
                bbox=region.bounds if region is not None else None,
                datetime=_interval(options),
                limit=PAGE,
            )
            for item in search.items_as_dicts():
                yield self._scene(item)
        except APIError as error:
            raise SourceError(f"{hide_queries(url)} {_refusal(getattr(error, 'status_code', None))}") from None
        except (ClientTypeError, DoesNotConformTo, STACError, KeyError, ValueError) as error:
            raise SourceError(
                f"{hide_queries(url)} does not answer as a STAC API that can be searched ({type(error).__name__}). "
                "Give the address of its first page, such as https://earth-search.aws.element84.com/v1."
            ) from None

    def fingerprint(self, options: SceneOptions) -> str:
        """The address; with the date of today while the season is open, since new products may come."""
        url, collection = self._where(options)
        open_season = options.season is None or options.season[1] >= date.today()
        return f"{url} {collection}" + (f" {date.today()}" if open_season else "")

    def _where(self, options: SceneOptions) -> tuple[str, str]:
        url = options.path or self.url
        if not url:
            raise ConfigError(f"catalog '{self.name}' needs an address: set scenes.path to that of a STAC API.")
        collection = options.collection or (self.l1c if options.level == "L1C" else self.l2a)
        if collection is None:
            raise ConfigError(
                f"catalog '{self.name}' has no {options.level} products. Choose another catalog or level."
            )
        return url, collection

    def _scene(self, item: dict[str, Any]) -> Scene | Skipped:
        try:
            return replace(scene_from_item(item, base=Path("/")), catalog=self.name)
        except CorruptFile:
            return Skipped(str(item.get("id")), "not a Sentinel-2 scene")


class EarthSearch(StacApi):
    """Earth Search v1 of Element 84: COG on AWS without an account; L1C is JPEG 2000 and needs one."""


class PlanetaryComputer(StacApi):
    """Microsoft Planetary Computer: COG on Azure, signed without an account."""


class CopernicusDataSpace(StacApi):
    """Copernicus Data Space: JPEG 2000 and whole products; downloads need an account."""


def _interval(options: SceneOptions) -> str | None:
    if options.season is None:
        return None
    first, last = options.season
    return f"{first}T00:00:00Z/{last}T23:59:59.999Z"


def _refusal(code: int | None) -> str:
    if code is None:
        return "cannot be reached, or breaks off. Check the address and the network, and try again."
    if code in BUSY:
        return f"is still busy (HTTP {code}) after every retry. Try again later."
    return f"refuses the search (HTTP {code}). Check scenes.path and scenes.collection."


CATALOGS.register("stac")(StacApi())
CATALOGS.register("earth_search")(EarthSearch("earth_search", "https://earth-search.aws.element84.com/v1"))
CATALOGS.register("planetary_computer")(
    PlanetaryComputer("planetary_computer", "https://planetarycomputer.microsoft.com/api/stac/v1", l1c=None)
)
CATALOGS.register("cdse")(CopernicusDataSpace("cdse", "https://stac.dataspace.copernicus.eu/v1"))

"""The one schema of declared parcels: column names of fiboa with its crop and HCAT extensions. Pure.

Only these columns leave the room, so that a column which names a person or an applicant cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from bocage.core.errors import CorruptFile
from bocage.core.tally import Tally

COLUMNS = (
    *("id", "number", "country", "year", "crop:code", "crop:name", "crop:name_en", "hcat:code", "hcat:name"),
    *("area", "geometry"),
)
HISTORY = "crop:history"  # behind the others, where a source knows earlier crops: JSON text, year -> native code
TEXT_COLUMNS = ("crop:code", "crop:name", "crop:name_en", "hcat:code", "hcat:name")

REPEATED = "parcel ids and numbers must be unique, numbers at least 1. Read the source again."


@dataclass(frozen=True)
class ParcelTable:
    """Declared parcels of one source.

    Attributes:
        frame: columns COLUMNS, in that order. `id` unique text; `number` uint32, 1…N in the order of the file;
            `country` ISO code or ""; `year` of the harvest or 0 if unknown; text columns hold None where missing;
            `area` in ha; `geometry` valid Polygon or MultiPolygon in `crs`. Behind them `crop:history` where the source
            knows earlier crops: JSON text such as {"2019": "110", "2018": "105"}, newest first, or None.
        tally: parcels kept, and dropped with the reason.
        crs: "EPSG:…" where there is one, else WKT.
        n_read: parcels in the file.
        notes: what was found and decided on the way (columns, encoding, counts of odd labels).
    """

    frame: gpd.GeoDataFrame
    tally: Tally
    crs: str
    n_read: int
    notes: dict[str, Any]

    @property
    def area_ha(self) -> float:
        return float(self.frame["area"].sum())


@dataclass(frozen=True)
class ParcelSummary:
    """What became of a file that was read in a stream; fields as in ParcelTable."""

    tally: Tally
    crs: str
    n_read: int
    area_ha: float
    notes: dict[str, Any]


def check_columns(found: Sequence[str], *, origin: str) -> None:
    """Raise CorruptFile unless all columns of the schema are there."""
    missing = [c for c in COLUMNS if c not in found]
    if missing:
        raise CorruptFile(
            f"{origin} is no parcel table: column {', '.join(missing)} is missing; found {', '.join(found)}. "
            "Make one with `bocage parcels read`."
        )


def check_parcels(frame: gpd.GeoDataFrame, *, origin: str) -> None:
    """Raise CorruptFile unless `frame` keeps the schema; further columns behind it are allowed."""
    check_columns(tuple(frame.columns), origin=origin)
    if frame["id"].duplicated().any() or frame["number"].duplicated().any() or (frame["number"] < 1).any():
        raise CorruptFile(f"{origin}: {REPEATED}")
    types = set(np.unique(shapely.get_type_id(frame.geometry.to_numpy())).tolist())
    if not types <= {int(shapely.GeometryType.POLYGON), int(shapely.GeometryType.MULTIPOLYGON)} or frame.crs is None:
        raise CorruptFile(f"{origin}: geometries must be polygons with a CRS. Read the source again.")

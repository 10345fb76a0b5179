"""What a parcel source is: a declaration of columns, CRS and encodings; and the registry of all of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bocage.core.registry import Registry
from bocage.parcels.options import ColumnMap

CROP_COLUMNS = ("code", "name", "name_en", "hcat_code", "hcat_name")


@dataclass(frozen=True)
class ParcelSource:
    """How one country (or project) publishes its declarations.

    Attributes:
        columns: candidates of each column.
        needs: roles of which a layer must have at least one column, so that it is a layer of crops.
        country: ISO code, "" if the source has parcels of many.
        crs_if_missing: by country code, "*" for any; used where a file states no CRS.
        encodings: tried in order when a shapefile's text is neither what it declares nor UTF-8.
        file_name: pattern whose groups `country`, `year` and `region` (of a code table) are read from the file's name.
        history: column of an earlier year's native crop code, with `{year}`; "" if there is none.
        hcat_version: 3, or 4 for EuroCrops 2.0.
    """

    name: str
    title: str
    licence: str
    columns: ColumnMap
    needs: tuple[str, ...] = ("code", "name")
    country: str = ""
    crs_if_missing: Mapping[str, str] = field(default_factory=dict)
    encodings: tuple[str, ...] = ("cp1252",)
    file_name: re.Pattern[str] | None = None
    history: str = ""
    hcat_version: int = 3


SOURCES: Registry[ParcelSource] = Registry("parcel source")


def declare(source: ParcelSource) -> ParcelSource:
    """Add a source to the registry under its own name."""
    return SOURCES.register(source.name)(source)

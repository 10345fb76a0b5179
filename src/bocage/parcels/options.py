"""Settings of the parcels room. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from bocage.core.options import Options


class ColumnMap(Options):
    """Which column of a file holds what: candidates in order of preference, compared without regard to case.

    A candidate also matches its first ten characters, because that is what a shapefile keeps of a name. `{year}` in a
    candidate stands for the year asked for, else for the newest year that the file has such a column of.
    """

    id: tuple[str, ...] = Field((), description="Identifier of the parcel.")
    code: tuple[str, ...] = Field((), description="Crop code of the country, kept as text with its leading zeros.")
    name: tuple[str, ...] = Field((), description="Crop name in the language of the country.")
    name_en: tuple[str, ...] = Field((), description="Crop name in English.")
    hcat_code: tuple[str, ...] = Field((), description="HCAT code, ten digits.")
    hcat_name: tuple[str, ...] = Field((), description="HCAT name.")
    year: tuple[str, ...] = Field((), description="Year of the harvest.")
    country: tuple[str, ...] = Field((), description="ISO 3166-1 alpha-2 code of the country.")
    area: tuple[str, ...] = Field(
        (), description="Declared area in hectares, with point or comma; compared with the measured one."
    )

    @model_validator(mode="before")
    @classmethod
    def _single_names(cls, value: object) -> object:
        """`code: GWSCOD_H` is short for `code: [GWSCOD_H]`."""
        if not isinstance(value, dict):
            return value
        return {key: (names,) if isinstance(names, str) else names for key, names in value.items()}


class ParcelOptions(Options):
    """Which declarations to read, and what the file does not say itself."""

    kind: str = Field("eurocrops", description="Name of the parcel source (`bocage parcels sources`).")
    path: str = Field(
        min_length=1,
        description="Shapefile, GeoPackage, GeoJSON, GeoParquet; or a zip or .7z (.7z.001) with one at any depth.",
    )
    year: int | None = Field(
        None, ge=1980, le=2100, description="Year of the harvest; where a file has a year column, the rows to keep."
    )
    country: str | None = Field(
        None, pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code; default: the source's, else unknown."
    )
    coverage: Literal["complete", "partial"] = Field(
        "complete", description="complete: land without a parcel is no crop; partial: it is unknown."
    )
    bbox: tuple[float, float, float, float] | None = Field(
        None, description="Left, bottom, right, top in degrees of longitude and latitude; parcels touching it are kept."
    )
    crs: str | None = Field(None, description="CRS of the coordinates, where the file states none or a wrong one.")
    layer: str | None = Field(
        None,
        description="Layer (or file inside a zip), or several by a pattern such as `Culturas_*`; default: the first "
        "that has the crop columns.",
    )
    encoding: str | None = Field(None, description="Encoding of a shapefile's text; default: found from its bytes.")
    columns: ColumnMap = Field(ColumnMap(), description="Column map; required by source `local`, else it goes first.")
    code_table: str | None = Field(
        None,
        description="CSV or imported table (`bocage taxonomy import hcat`) that gives native codes their HCAT code.",
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            "".encode(value or "utf-8")
        except LookupError:
            raise ValueError(f"'{value}' is no encoding of Python; such as utf-8, cp1250 or iso8859-2") from None
        return value

    @model_validator(mode="after")
    def _box_in_order(self) -> ParcelOptions:
        if self.bbox and not (-180 <= self.bbox[0] < self.bbox[2] <= 180 and -90 <= self.bbox[1] < self.bbox[3] <= 90):
            raise ValueError("bbox is left, bottom, right, top in degrees, with left < right and bottom < top")
        return self

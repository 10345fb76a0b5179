"""The four invented countries: place, language, climate, shape of the land, what is grown. Tables; pure.

Tiles, CRS, attribute names and crop codes are those that the real countries use, so that every reader runs on them as
it would on the real files; fields and crops are invented. Native codes and names: RPG (FR), INVEKOS (AT), BRP (NL),
SIGPAC product codes (ES); HCAT codes: EuroCrops HCAT3 (CC BY-SA 4.0).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class NativeCrop:
    """How one country names one season of one crop."""

    code: str
    name: str
    name_en: str
    hcat_code: str
    hcat_name: str


@dataclass(frozen=True)
class Style:
    """The shape of the land.

    Attributes:
        field_ha: median field size in hectares; `field_spread`: sigma of its logarithm.
        strips: share of blocks cut into parallel strips; `skew_deg`: how far cuts leave the right angle.
        hedges: share of blocks whose fields are parted by hedges; others have grass margins or tracks.
        woods_per_km2, villages_per_km2: density.
    """

    field_ha: float
    field_spread: float
    strips: float
    skew_deg: float
    hedges: float
    woods_per_km2: float
    villages_per_km2: float


@dataclass(frozen=True)
class Country:
    """One country. `left_m`/`top_m` is the upper-left corner of the image inside its tile, on the 60 m lattice.

    `columns` maps what we know of a parcel (id, code, name, area_ha, year) to the country's attribute names; what it
    does not list is not published. `person_column` holds an applicant's name, as careless releases did.
    """

    code: str
    tile: str
    epsg: int
    left_m: float
    top_m: float
    national_epsg: int
    latitude: float
    dryness: float
    style: Style
    preferences: Mapping[str, float]
    columns: Mapping[str, str]
    layer: str
    person_column: str
    people: tuple[str, ...]


@cache
def native_crops(country: str) -> Mapping[tuple[str, str], NativeCrop]:
    """(crop, season) -> what the country calls it, from the table `data/native_crops.csv` of this package."""
    text = (resources.files("bocage.synthetic") / "data" / "native_crops.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["country"] == country]
    return {
        (row["crop"], row["season"]): NativeCrop(
            row["code"], row["name"], row["name_en"], row["hcat_code"], row["hcat_name"]
        )
        for row in rows
    }


COUNTRIES: dict[str, Country] = {
    country.code: country
    for country in (
        Country(
            code="FR",
            tile="31TCJ",
            epsg=32631,
            left_m=340_020,
            top_m=4_860_000,
            national_epsg=2154,
            latitude=43.8,
            dryness=0.45,
            style=Style(3.2, 0.7, 0.35, 9, 0.5, 0.5, 0.09),
            preferences={"vineyard": 1.2, "sunflower": 1.2},
            columns={"id": "ID_PARCEL", "area_ha": "SURF_PARC", "code": "CODE_CULTU", "name": "LIB_CULTU"},
            layer="PARCELLES_GRAPHIQUES",
            person_column="EXPLOITANT",
            people=("Éloïse Garçon", "Benoît Lefèvre", "Noémie Saint-Aubin", "Gaëtan Prévôt"),
        ),
        Country(
            code="AT",
            tile="33UXP",
            epsg=32633,
            left_m=630_000,
            top_m=5_370_000,
            national_epsg=31287,
            latitude=48.2,
            dryness=0.38,
            style=Style(1.9, 0.6, 0.7, 4, 0.15, 0.35, 0.1),
            preferences={"soybean": 2.0, "sugar beet": 1.6, "rapeseed": 0.7, "sunflower": 0.7, "vineyard": 0.8},
            columns={
                "id": "FS_KENNUNG",
                "area_ha": "SL_FLAECHE_BRUTTO_HA",
                "code": "SNAR_CODE",
                "name": "SNAR_BEZEICHNUNG",
            },
            layer="INSPIRE_SCHLAEGE_POLYGON",
            person_column="ANTRAGSTELLER",
            people=("Jürgen Größwang", "Käthe Müllner", "Sepp Übelbacher", "Traudl Häßler"),
        ),
        Country(
            code="NL",
            tile="31UFU",
            epsg=32631,
            left_m=670_020,
            top_m=5_830_020,
            national_epsg=28992,
            latitude=52.5,
            dryness=0.18,
            style=Style(4.2, 0.5, 0.75, 1.5, 0.1, 0.2, 0.08),
            preferences={
                "potato": 4.0,
                "sugar beet": 3.0,
                "pasture": 1.7,
                "sunflower": 0.3,
                "soybean": 0.4,
                "vineyard": 0.15,
                "rapeseed": 0.4,
            },
            columns={"id": "gid", "code": "gewascode", "name": "gewas", "year": "jaar"},
            layer="brp_gewas",
            person_column="aanvrager",
            people=("Daniël Coöpman", "Zoë van der Veën", "Reïnier Hoekstra", "Anneloes Fabriès"),
        ),
        Country(
            code="ES",
            tile="30TUM",
            epsg=32630,
            left_m=349_980,
            top_m=4_680_000,
            national_epsg=25830,
            latitude=42.0,
            dryness=0.8,
            style=Style(4.0, 0.85, 0.3, 14, 0.08, 0.25, 0.05),
            preferences={
                "barley": 2.2,
                "sunflower": 1.5,
                "vineyard": 1.8,
                "maize": 0.6,
                "rapeseed": 0.6,
                "soybean": 0.4,
                "pasture": 0.7,
                "fallow": 2.0,
            },
            columns={"id": "dn_oid", "area_ha": "dn_surface", "code": "parc_producto", "name": "prod_desc"},
            layer="linea_declaracion",
            person_column="titular",
            people=("Íñigo Muñoz", "Begoña Peña", "Ramón Íñiguez", "María Núñez"),
        ),
    )
}

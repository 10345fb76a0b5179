"""The names of crop columns, edition by edition, as EuroCrops 2.0 and the IACS inventory list them."""

import csv
from collections.abc import Iterator
from pathlib import Path

from bocage.parcels.harmonise import match_columns
from bocage.parcels.read import describe_sources
from bocage.parcels.source import SOURCES

NUTS = {
    "AT": "austria",
    "BE2": "flanders",
    "BE3": "wallonia",
    "CZ": "czechia",
    "DE4": "germany_bb",
    "DEA": "germany_nrw",
    "DK": "denmark",
    "FR": "rpg_france",
    "NL": "netherlands",
    "SK": "slovakia",
}
INVENTORY = {
    "AT": "austria",
    "BE_FLA": "flanders",
    "BE_WAL": "wallonia",
    "CZ": "czechia",
    "DE_BRB": "germany_bb",
    "DE_NRW": "germany_nrw",
    "DK": "denmark",
    "ES_CAT": "dun_catalonia",
    "FR_FR": "rpg_france",
    "NL": "netherlands",
    "SK": "slovakia",
}
ROLES = {"original_code": "code", "original_name": "name", "crop_code": "code", "crop_name": "name"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def listed(tables: Path) -> Iterator[tuple[str, str, str, str]]:
    """Source, edition, role, column."""
    for row in rows(tables / "eurocrops2" / "columns_listing.csv"):
        role = ROLES.get(row["type"]) or ROLES.get(row["ToKeep"])
        if row["nuts"] in NUTS and role:
            yield NUTS[row["nuts"]], row["year"], role, row["column_name"]
    for name, source in INVENTORY.items():
        table = tables / "iacs_inventory" / "column_name_translation" / f"{name}_column_name_translation.csv"
        for row in rows(table):
            for edition, column in row.items():
                if row["column_name"] in ROLES and edition[-4:].isdigit() and column:
                    yield source, edition[-4:], ROLES[row["column_name"]], column


def test_every_edition_has_its_crop_columns_found(tables: Path) -> None:
    assert {*NUTS.values(), *INVENTORY.values()} <= {source["name"] for source in describe_sources()}
    every = list(listed(tables))
    assert len(every) > 250
    lost = {
        (source, role, c) for source, _, role, c in every if role not in match_columns([c], SOURCES[source].columns)
    }
    assert lost == set()

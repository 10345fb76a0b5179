"""Columns that name persons, farms or applications never reach an artifact, whatever the source or the map."""

import csv
import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from bocage.core.errors import ConfigError
from bocage.parcels.harmonise import PERSONAL, is_personal
from bocage.parcels.options import ColumnMap, ParcelOptions
from bocage.parcels.read import describe_sources, stream_parcels
from bocage.parcels.source import SOURCES
from bocage.taxonomy.load import find_taxonomy
from bocage.taxonomy.write_classes import write_classes

NAMES = (
    "SUBJEKT_NA",
    "taotleja_nimi",
    "taotleja_r",
    "Journalnr",
    "CVR",
    "farm_id",
    "owner_name",
    "PR_ID",
    "BETNR_PSEU",
    "PACAGE",
    "siret",
    "contact_email",
)
SECRET = "Jane Doe"


def write_fields(path: Path, kind: str) -> None:
    """One field with the columns of a source, and every personal column."""
    values = {"year": 2021, "area": 0.8, "hcat_code": "3301010101", "country": "DE"}
    roles = {names[0]: [values.get(role, "1")] for role, names in SOURCES[kind].columns if names}
    secret = {name: [SECRET] for name in (*NAMES, *PERSONAL)}
    crs = next(iter(SOURCES[kind].crs_if_missing.values()), "EPSG:3035")
    shape = gpd.GeoSeries([box(4_300_000, 3_000_000, 4_300_100, 3_000_100)], crs=3035).to_crs(crs)
    gpd.GeoDataFrame({"crop": ["wheat"], **roles, **secret}, geometry=shape.to_numpy(), crs=crs).to_parquet(path)


@pytest.mark.parametrize("kind", [source["name"] for source in describe_sources()])
def test_no_source_writes_them(tmp_path: Path, kind: str) -> None:
    fields, parcels, classed = (tmp_path / name for name in ("AT_2021.parquet", "parcels.parquet", "classed.parquet"))
    write_fields(fields, kind)
    columns = ColumnMap(name=("crop",)) if kind == "local" else ColumnMap()
    summary = stream_parcels(ParcelOptions(kind=kind, path=str(fields), columns=columns), parcels)
    write_classes(parcels, classed, find_taxonomy("eurocrops-10"))
    for table in (parcels, classed):
        frame = pd.read_parquet(table)
        assert len(frame) == 1
        assert not [c for c in frame.columns if is_personal(c)]
        assert SECRET not in frame.drop(columns="geometry").to_json()
    assert SECRET not in json.dumps(summary.notes)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("role", list(ColumnMap.model_fields))
def test_no_map_may_name_them(tmp_path: Path, role: str, name: str) -> None:
    write_fields(tmp_path / "fields.parquet", "local")
    columns = ColumnMap.model_validate({"name": "crop"} | {role: name})
    out = tmp_path / "out.parquet"
    with pytest.raises(ConfigError, match=f"{name} names persons"):
        stream_parcels(ParcelOptions(kind="local", path=str(tmp_path / "fields.parquet"), columns=columns), out)
    assert not out.exists()


def test_other_columns_are_no_persons() -> None:
    assert not [
        c
        for c in ("GWSNAM_H", "crop_name", "ID_PARCEL", "REF_ID", "PR_IDENT", "REG", "subject", "ownership", "CropName")
        if is_personal(c)
    ]


@pytest.mark.parametrize("name", ["OwnerName", "idFarmer", "nomTitular", "Applicant"])
def test_names_that_are_joined_by_capitals_are_known(name: str) -> None:
    assert is_personal(name)


def test_the_farm_columns_of_the_iacs_inventory_are_known(tables: Path) -> None:
    folder = tables / "iacs_inventory" / "column_name_translation"
    found = set[str]()
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if row.pop("column_name") == "farm_id":
                    found |= {v for k, v in row.items() if k not in ("column_description", "prelim") and v}
    assert len(found) > 15
    assert sorted(c for c in found if not is_personal(c)) == []

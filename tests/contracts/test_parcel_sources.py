"""Every registered source keeps the contract, on real extracts of its country."""

import re
from pathlib import Path

import geopandas as gpd
import pytest
import yaml
from shapely.geometry import box

from bocage.parcels.options import ParcelOptions
from bocage.parcels.read import describe_sources
from bocage.parcels.source import SOURCES
from bocage.parcels.store_code_tables import import_code_tables
from bocage.testing.parcels import check_parcel_source

BE_VLG = "lpis/be_vlg/Landbouwgebruikspercelen_2023_-_Definitief_(extractie_28-03-2024)_GPKG.zip"
FLANDERS = "flanders/2019_BE_LPIS-Flanders_POLY_110_samples.json"
RPG_7Z = "lpis/fr/RPG_2-0__GPKG_LAMB93_FXX_2022-01-01.7z.001"
MAPS = {  # the maps of the docs, by the name in their first line
    found[1]: yaml.safe_load(found[0])
    for found in re.finditer(
        r"(?<=```yaml\n)# (\S+)\n.+?(?=```)",
        (Path(__file__).parents[2] / "docs" / "parcels.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
}
REAL = [
    ("eurocrops", "beziers-2018/parcels/france_data_2018.shp", {"year": 2018}, 120),
    ("eurocrops", "lpis/ec_lv/LV_2021.zip", {}, 100),
    ("eurocrops", "lpis/lt/LT_2024.zip", {}, 100),
    ("eurocrops", "lpis/lt/GSA-LT-2024.geoparquet", {}, 100),
    ("rpg_france", "lpis/fr/unpacked/PARCELLES_GRAPHIQUES.gpkg", {"year": 2022}, 100),
    ("austria", "lpis/at/inspire_schlaege_2025-1_polygon.gpkg.zip", {"year": 2025}, 100),
    ("flanders", BE_VLG, {"year": 2023}, 100),
    ("netherlands", "lpis/nl/brpgewaspercelen_definitief_2023.gpkg", {}, 100),
    ("denmark", "lpis/dk/Marker_2026.zip", {"year": 2026}, 100),
    ("germany_bb", "lpis/de_bb/antrag.zip", {}, 100),
    ("local", FLANDERS, MAPS["flanders-samples.yaml"], 1384),
    ("local", "lpis/pt/Continente.gpkg", MAPS["portugal.yaml"], 100),
    ("rpg_france", RPG_7Z, {"year": 2022}, 100),
]
CODE_LISTS = {
    "lpis/at/at_2021.csv": 220,
    "lpis/be_vlg/be_vlg_2021.csv": 274,
    "lpis/dk/dk_2019.csv": 298,
    "lpis/fr/fr_2018.csv": 282,
    "beziers-2018/parcels/nomenclature.csv": 8,
}


@pytest.mark.parametrize(
    ("kind", "path", "given", "n_rows"), REAL, ids=[f"{k}-{Path(p).stem[:20]}" for k, p, *_ in REAL]
)
def test_source_keeps_the_contract(
    samples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    path: str,
    given: dict[str, object],
    n_rows: int,
) -> None:
    if not (samples / path).is_file():
        pytest.skip(f"{samples / path} is not there")
    if path == RPG_7Z:
        pytest.importorskip("py7zr", reason="py7zr is not installed")
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path))
    table = check_parcel_source(ParcelOptions.model_validate({"kind": kind, "path": str(samples / path)} | given))
    assert table.n_read == n_rows
    assert table.tally.kept == n_rows, table.tally
    assert table.crs.startswith("EPSG:")


@pytest.mark.parametrize(("path", "n_rows"), CODE_LISTS.items())
def test_code_lists_are_read(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, n_rows: int
) -> None:
    if not (samples / path).is_file():
        pytest.skip(f"{samples / path} is not there")
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path))
    ((table,), skipped) = import_code_tables(str(samples / path))
    assert (table["n_rows"], skipped) == (n_rows, [])


def test_every_file_of_the_samples_is_read(samples: Path) -> None:
    """But for read-me files and what belongs to a shapefile."""
    found = [p for folder in ("lpis", "flanders", "beziers-2018/parcels") for p in (samples / folder).rglob("*.*")]
    if not found:
        pytest.skip(f"no parcel samples in {samples}")
    parts = (".cpg", ".dbf", ".prj", ".qix", ".qmd", ".shx", ".md")
    names = {p.relative_to(samples).as_posix() for p in found if p.is_file() and p.suffix not in parts}
    assert names <= {*CODE_LISTS, *(path for _, path, *_ in REAL)}


MADE_UP = ("wallonia", "czechia", "slovakia", "germany_nrw", "dun_catalonia", "eurocrops2", "fiboa")


@pytest.mark.parametrize("kind", MADE_UP)
def test_source_without_an_extract_keeps_the_contract(tmp_path: Path, kind: str) -> None:
    """Two fields with the columns that the source declares, in the CRS that it knows."""
    source = SOURCES[kind]
    shapes = gpd.GeoSeries([box(10, 50, 10.001, 50.001), box(10.01, 50, 10.011, 50.001)], crs=4326)
    values = {"year": 2021, "area": 0.8, "hcat_code": "3301010101", "country": "DE"}
    columns = {names[0]: [values.get(role, f"0{i}") for i in (1, 2)] for role, names in source.columns if names}
    crs = next(iter(source.crs_if_missing.values()), "EPSG:4326")
    path = tmp_path / "AT_2021.parquet"
    gpd.GeoDataFrame(columns, geometry=shapes.to_crs(crs).to_numpy()).set_crs(crs).to_parquet(path)
    table = check_parcel_source(ParcelOptions(kind=kind, path=str(path)))
    assert table.tally.kept == 2


def test_every_source_is_tried() -> None:
    assert {source["name"] for source in describe_sources()} == {*MADE_UP, *(kind for kind, *_ in REAL)}

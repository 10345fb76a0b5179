"""The stream: the same as in memory, whatever the batches; and files in schemas that nobody declared."""

import json
import sqlite3
import struct
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
import yaml
from shapely.geometry import Point, Polygon, box

from bocage.core.errors import CorruptFile, NothingLeft
from bocage.parcels import read_rows
from bocage.parcels.identities import SeenKeys
from bocage.parcels.options import ColumnMap, ParcelOptions
from bocage.parcels.overlaps import OverlapCount
from bocage.parcels.read import read_parcel_file, read_parcels, stream_parcels

X, Y = 4_300_000.0, 3_000_000.0  # EPSG:3035


def square(i: int, side: float = 100.0) -> Polygon:
    return box(X + 200 * i, Y, X + 200 * i + side, Y + side)


def frame(geometries: list[object], crs: object = "EPSG:3035", **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometries, crs=crs)


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".shp"])
def test_a_stream_in_small_batches_writes_what_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"fields{suffix}"
    shapes = [square(0), square(1), square(0), square(2), square(1), square(3), square(4)]
    fields = frame(shapes, nr=["a", None, "b", "a", "c", "a", "a#2"], crop=["x", "y", "x", "x", "z", "x", "x"])
    fields.to_parquet(path) if suffix == ".parquet" else fields.to_file(path)
    options = ParcelOptions(kind="local", path=str(path), columns=ColumnMap(id=("nr",), name=("crop",)))
    whole = read_parcels(options)
    monkeypatch.setattr(read_rows, "BATCH_ROWS", 2)
    summary = stream_parcels(options, tmp_path / "out.parquet")
    assert whole.frame["id"].tolist() == ["a", "fields-2", "a#3", "a#4", "a#2"]
    pd.testing.assert_frame_equal(pd.DataFrame(read_parcel_file(tmp_path / "out.parquet")), pd.DataFrame(whole.frame))
    assert summary.tally == whole.tally
    assert summary.notes == whole.notes
    assert summary.tally.dropped == {
        "same shape as an earlier parcel, same crop": 1,
        "same shape as an earlier parcel, another crop": 1,
    }


def test_nothing_is_written_when_a_stream_fails(tmp_path: Path) -> None:
    path = tmp_path / "points.gpkg"
    frame([Point(X, Y)], crop=["x"]).to_file(path)
    with pytest.raises(NothingLeft, match="1 no polygon"):
        stream_parcels(
            ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",))), tmp_path / "out.parquet"
        )
    assert [p.name for p in tmp_path.iterdir()] == ["points.gpkg"]


def test_box_and_year_are_left_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "years.parquet"
    fields = frame([square(i) for i in range(6)], crop=["x"] * 6, year=[2020, 2020, 2021, 2021, 2021, 2021])
    fields.to_parquet(path, row_group_size=2, write_covering_bbox=True, schema_version="1.1.0")
    read = []
    original = read_rows._to_frame
    monkeypatch.setattr(read_rows, "_to_frame", lambda b, c: read.append(b.num_rows) or original(b, c))
    box_of_last = tuple(gpd.GeoSeries([square(5)], crs=3035).to_crs(4326).total_bounds)
    columns = ColumnMap(name=("crop",), year=("year",))
    options = ParcelOptions(kind="local", path=str(path), columns=columns, year=2021, bbox=box_of_last)
    table = read_parcels(options)
    assert read == [2, 2, 2, 1], "only the last row group is looked at for parcels"
    assert table.tally.to_json() == {"kept": 1, "dropped": {"declared for another year": 2, "outside the box": 3}}
    assert table.frame["id"].tolist() == ["years-6"], "the row in the file"


PAGE = (Path(__file__).parents[3] / "docs" / "parcels.md").read_text(encoding="utf-8")
LOCAL_MAP = PAGE.partition("# czech.yaml\n")[2].partition("```")[0]


def made_up(folder: Path) -> Path:
    """Two layers in a zip, crops in the second; areas with a comma, names in cp1250, codes with leading zeros."""
    shapes = [box(-700_000 + 200 * i, -1_100_000, -699_900 + 200 * i, -1_099_900) for i in range(3)]
    blocks = gpd.GeoDataFrame({"blok": ["A"]}, geometry=[box(-700_000, -1_100_000, -699_000, -1_099_000)], crs=5514)
    crops = gpd.GeoDataFrame(
        {
            "cislo": ["0001", "0002", "0003"],
            "kod": ["007", "010", "007"],
            "plodina": ["Řepka ozimá", "Ječmen jarní", "Řepka ozimá"],
            "vymera": ["1,00", "1,00", "5,50"],
            "rok": [2023, 2023, 2023],
        },
        geometry=shapes,
        crs=5514,
    )
    pyogrio.write_dataframe(blocks, folder / "bloky.shp")
    pyogrio.write_dataframe(crops, folder / "deklarace.shp", encoding="cp1250")
    for extra in (*folder.glob("*.cpg"), *folder.glob("*.prj")):
        extra.unlink()
    path = folder / "made-up.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in sorted(folder.glob("*.[sd][hb]*")):
            archive.write(part, f"data/{part.name}")
    return path


@pytest.mark.parametrize("told", [("layer", "encoding"), ()])
def test_a_made_up_schema_reads_through_a_map_of_fifteen_lines(tmp_path: Path, told: tuple[str, ...]) -> None:
    path = made_up(tmp_path)
    assert len(LOCAL_MAP.splitlines()) <= 15
    given = yaml.safe_load(LOCAL_MAP)
    given = {k: v for k, v in given.items() if k not in ("layer", "encoding") or k in told}
    table = read_parcels(ParcelOptions(kind="local", path=str(path), **given))
    assert table.frame["crop:code"].tolist() == ["007", "010", "007"]
    assert table.frame["crop:name"].tolist() == ["Řepka ozimá", "Ječmen jarní", "Řepka ozimá"]
    assert table.frame["id"].tolist() == ["0001", "0002", "0003"]
    assert table.notes["declared_area"] == {"n_differ": 1, "n_missing": 0}
    assert (table.notes["encoding"], table.notes["layer"]) == ("cp1250", "deklarace")
    assert table.notes["encoding_from"] == ("options" if told else "alphabet")
    assert table.tally.to_json() == {"kept": 3, "dropped": {}}


def test_a_pattern_reads_several_layers_as_one(tmp_path: Path) -> None:
    path = tmp_path / "pt.gpkg"
    for i, name in enumerate(["Culturas_A", "Culturas_B", "Outros"]):
        frame([square(i)], crop=["trigo"]).to_file(path, layer=name)
    options = ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",)), layer="Culturas_*")
    table = read_parcels(options)
    assert table.frame["id"].tolist() == ["Culturas_A-1", "Culturas_B-1"]
    assert table.notes["layer"] == "Culturas_A, Culturas_B"


def test_curves_become_lines(tmp_path: Path) -> None:
    path = tmp_path / "curved.gpkg"
    frame([square(0), square(1)], crop=["x", "y"]).to_file(path)
    around = [(0, 0), (50, 50), (100, 0), (50, -50), (0, 0)]  # a circle of 50 m
    ring = struct.pack("<BII", 1, 8, 5) + b"".join(struct.pack("<dd", X + x, Y + y) for x, y in around)
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        connection.execute(f'drop trigger "{name}"')
    blob = connection.execute("select geom from curved where fid = 1").fetchone()[0]
    curve = blob[:40] + struct.pack("<BII", 1, 10, 1) + ring
    connection.execute("update curved set geom = ? where fid = 1", (curve,))
    connection.commit()
    connection.close()
    table = read_parcels(ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",))))
    np.testing.assert_allclose(table.frame["area"], [np.pi * 0.25, 1.0], rtol=2e-3)


def test_what_crosses_the_antimeridian_is_dropped_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "fiji.gpkg"
    across = Polygon([(179.99, -17), (-179.99, -17), (-179.99, -17.01), (179.99, -17.01)])
    frame([across, box(179.0, -17.01, 179.01, -17.0)], crs=4326, crop=["x", "y"]).to_file(path)
    table = read_parcels(ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",))))
    assert table.tally.to_json() == {"kept": 1, "dropped": {"across the antimeridian": 1}}


def test_slivers_of_a_parcel_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "sliver.gpkg"
    frame([shapely.MultiPolygon([square(0), square(1, side=0.5)])], crop=["x"]).to_file(path)
    table = read_parcels(ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",))))
    assert table.frame.geometry.iloc[0].equals(square(0))
    assert table.notes["n_repaired"] == 1


def test_coordinates_that_are_no_degrees_say_so(tmp_path: Path) -> None:
    path = tmp_path / "wrong.gpkg"
    frame([square(0)], crs=4326, crop=["x"]).to_file(path)
    with pytest.raises(NothingLeft, match=r"no place in WGS 84; check parcels\.crs"):
        read_parcels(ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",))))


def test_a_parquet_file_without_shapes(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"crop": ["x"]}).to_parquet(path)
    with pytest.raises(CorruptFile, match=r"has no geometry.*found crop"):
        read_parcels(ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",))))


def test_overlaps_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "upon.gpkg"
    upon = box(X + 50, Y, X + 150, Y + 100)
    frame([square(0), upon, box(X + 150, Y, X + 200, Y + 100), square(5)], crop=["x"] * 4).to_file(path)
    table = read_parcels(ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",))))
    found = table.notes["overlaps"]
    assert (found["n_pairs"], found["n_parcels"], found["looked_at_fraction"]) == (1, 4, 1.0)
    assert found["area_ha"] == pytest.approx(0.5, rel=1e-3)


def test_overlaps_are_sampled_by_cells_above_the_limit() -> None:
    boxes = np.array([[x, 45.0, x + 0.001, 45.001] for x in np.arange(0, 10, 0.05)])
    shapes = shapely.box(*boxes.T)
    forward, backward = OverlapCount(max_parcels=50), OverlapCount(max_parcels=50)
    forward.add(shapes, boxes)
    for i in range(len(boxes) - 1, -1, -1):
        backward.add(shapes[i : i + 1], boxes[i : i + 1])
    a, b = (c.count(gpd.GeoSeries(crs=4326).crs) for c in (forward, backward))
    assert a == b, "the order does not matter"
    assert a["n_parcels"] <= 50
    assert a["looked_at_fraction"] < 1


def test_seen_keys_know_the_first_of_each() -> None:
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 500, 2000).astype(np.uint64)
    values = np.arange(2000, dtype=np.uint32)
    seen, parts = SeenKeys(), np.split(np.arange(2000), [1, 7, 300, 301, 1500])
    new, first = (np.concatenate(x) for x in zip(*(seen.add(keys[p], values[p]) for p in parts), strict=True))
    expected = {}
    for i, key in enumerate(keys.tolist()):
        expected.setdefault(key, i)
    assert first.tolist() == [expected[k] for k in keys.tolist()]
    assert np.flatnonzero(new).tolist() == sorted(expected.values())


@pytest.mark.parametrize(
    ("code", "name", "name_en"),
    [
        ("hcat:code", "hcat:name", "hcat:name_en"),
        ("ec:hcat_code", "ec:hcat_name", "ec:translated_name"),
        ("EC_hcat_c", "EC_hcat_n", "EC_trans_n"),
    ],
)
def test_every_spelling_of_fiboa(tmp_path: Path, code: str, name: str, name_en: str) -> None:
    """Its HCAT codes are unsigned numbers, as the extension says, and may be missing."""
    path = tmp_path / "fiboa.parquet"
    columns = {
        "id": ["a", "b"],
        "crop:code": ["007", "8"],
        code: pd.array([3301010101, None], dtype="UInt32"),
        name: ["winter_common_soft_wheat", None],
        name_en: ["Winter wheat", None],
        "determination:datetime": pd.to_datetime(["2021-01-01", "2021-01-01"], utc=True),
        "admin:country_code": ["LV", "LV"],
    }
    frame([square(0), square(1)], **columns).to_parquet(path)  # type: ignore[arg-type]
    found = read_parcels(ParcelOptions(kind="fiboa", path=str(path))).frame
    assert found["hcat:code"].tolist() == ["3301010101", None]
    assert found["crop:name_en"].tolist() == ["Winter wheat", None]
    assert (found["crop:code"].tolist(), found["year"].tolist()) == (["007", "8"], [2021, 2021])
    assert found["country"].tolist() == ["LV", "LV"]


EUROCROPS_CSV = """\
nuts,original_code,original_name,translated_name,hcat4_code,hcat4_name,usage_code,usage_name
at,105,KÖRNERMAIS,GRAIN CORN,3310106000,maize_corn_popcorn,6,Harvested as Grains
at,140,WINTERWEICHWEIZEN,WINTER SOFT WHEAT,3310101001,winter_common_soft_wheat,6,Harvested as Grains
be2,105,ander,other,3390000000,not_known_and_other,0,No specified use
"""


@pytest.fixture
def code_table(tmp_path: Path) -> Path:
    path = tmp_path / "eurocrops.csv"
    path.write_text(EUROCROPS_CSV, encoding="utf-8")
    return path


def test_eurocrops2_takes_its_names_from_the_code_table(tmp_path: Path, code_table: Path) -> None:
    path = tmp_path / "AT_2020.parquet"
    frame([square(0), square(1)], crs=None, cropfield=[5, 6], original_code=["140", "999"]).to_parquet(path)
    table = read_parcels(ParcelOptions(kind="eurocrops2", path=str(path), code_table=str(code_table)))
    assert table.frame["hcat:code"].tolist() == ["3310101001", None]
    assert table.frame["crop:name_en"].tolist() == ["WINTER SOFT WHEAT", None]
    assert (table.frame["country"].tolist(), table.frame["year"].tolist()) == (["AT"] * 2, [2020] * 2)
    assert (table.crs, table.notes["crs_from"], table.notes["hcat_version"]) == ("EPSG:3035", "source", 4)
    assert table.notes["code_table"]["n_not_found"] == 1


@pytest.mark.parametrize(
    ("year", "code", "history"), [(None, "140", {"2020": "105", "2019": "140"}), (2019, "140", {})]
)
def test_a_stack_gives_the_history_of_a_parcel(
    tmp_path: Path, code_table: Path, year: int | None, code: str, history: dict[str, str]
) -> None:
    path = tmp_path / "AT_stack.parquet"
    codes = {"c2019": ["140"], "c2020": ["105"], "c2021": ["140"], "cf2021": [7]}
    frame([square(0)], cropfield=["x"], **codes).to_parquet(path)
    out = tmp_path / "out.parquet"
    stream_parcels(ParcelOptions(kind="eurocrops2", path=str(path), code_table=str(code_table), year=year), out)
    row = read_parcel_file(out).iloc[0]
    assert (row["crop:code"], row["year"]) == (code, year or 2021)
    assert (
        json.loads(row["crop:history"]) == history if history else "crop:history" not in row or not row["crop:history"]
    )


def test_a_region_that_the_code_table_does_not_have(tmp_path: Path, code_table: Path) -> None:
    path = tmp_path / "FR_2020.parquet"
    frame([square(0)], cropfield=["x"], original_code=["1"]).to_parquet(path)
    with pytest.raises(LookupError, match=r"no region 'FR'\. Known: at, be2"):
        read_parcels(ParcelOptions(kind="eurocrops2", path=str(path), code_table=str(code_table)))

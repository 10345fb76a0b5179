"""Malformed parcel files through `bocage parcels read`: a clear error or a counted drop, never a traceback."""

import json
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

from bocage.cli.main import main

X, Y = 4_300_000.0, 3_000_000.0  # EPSG:3035


def square(i: int, side: float = 100.0) -> Polygon:
    return box(X + 200 * i, Y, X + 200 * i + side, Y + side)


def frame(geometries: list[Any], crs: object = "EPSG:3035", **columns: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns or {"crop": ["rye"] * len(geometries)}, geometry=geometries, crs=crs)


def shapefile(folder: Path) -> Path:
    path = folder / "fields.shp"
    frame([square(i) for i in range(50)]).to_file(path)
    return path


def truncated(folder: Path, suffix: str) -> Path:
    path = shapefile(folder)
    part = path.with_suffix(suffix)
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    return path


def without(folder: Path, suffix: str) -> Path:
    path = shapefile(folder)
    path.with_suffix(suffix).unlink()
    return path


def wrong_encoding(folder: Path) -> Path:
    """Polish names in cp1250, and a file beside them that says UTF-8."""
    path = folder / "fields.shp"
    pyogrio.write_dataframe(frame([square(0)], crop=["żyto łąkowe"]), path, encoding="cp1250")
    path.with_suffix(".cpg").write_text("UTF-8")
    return path


def three_dimensional(folder: Path) -> Path:
    path = folder / "fields.gpkg"
    frame([shapely.force_3d(square(0), z=120.0), shapely.force_3d(square(1), z=-3.0)]).to_file(path)
    return path


def curved(folder: Path) -> Path:
    """A circle of 50 m as a curve polygon, which no Python library writes: its bytes are put in by hand."""
    path = folder / "curved.gpkg"
    frame([square(0), square(1)]).to_file(path)
    around = [(0, 0), (50, 50), (100, 0), (50, -50), (0, 0)]
    ring = struct.pack("<BII", 1, 8, 5) + b"".join(struct.pack("<dd", X + x, Y + y) for x, y in around)
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        connection.execute(f'drop trigger "{name}"')
    blob = connection.execute("select geom from curved where fid = 1").fetchone()[0]
    connection.execute("update curved set geom = ? where fid = 1", (blob[:40] + struct.pack("<BII", 1, 10, 1) + ring,))
    connection.commit()
    connection.close()
    return path


def mixed_types(folder: Path) -> Path:
    path = folder / "fields.geojson"
    line = LineString([(X, Y), (X + 10, Y)])
    shapes = [square(0), MultiPolygon([square(1), square(2)]), Point(X, Y), line, GeometryCollection([square(4), line])]
    frame(shapes).to_crs(4326).to_file(path)
    return path


def antimeridian(folder: Path) -> Path:
    path = folder / "fiji.gpkg"
    across = Polygon([(179.99, -17), (-179.99, -17), (-179.99, -17.01), (179.99, -17.01)])
    frame([across, box(179.0, -17.01, 179.01, -17.0)], crs=4326).to_file(path)
    return path


def empty_geometry(folder: Path) -> Path:
    path = folder / "fields.parquet"
    frame([square(0), Polygon(), None, MultiPolygon()]).to_parquet(path)
    return path


def duplicates(folder: Path) -> Path:
    """Two parcels with one id, and one shape twice."""
    path = folder / "fields.gpkg"
    frame([square(0), square(1), square(1)], crop=["rye"] * 3, nr=["7", "7", "8"]).to_file(path)
    return path


def crops_in_the_second_layer(folder: Path) -> Path:
    path = folder / "fields.gpkg"
    frame([square(9)], block=["a"]).to_file(path, layer="blocks")
    frame([square(0)]).to_file(path, layer="crops")
    return path


def bow_tie(folder: Path) -> Path:
    path = folder / "fields.gpkg"
    frame([Polygon([(X, Y), (X + 100, Y + 100), (X + 100, Y), (X, Y + 100)])]).to_file(path)
    return path


def run(capfd: pytest.CaptureFixture[str], path: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    map_file = path.parent / "map.yaml"
    map_file.write_text("columns: {name: crop}\n" if "--map" not in more else "")
    given = () if "--map" in more else ("--map", str(map_file))
    out = path.parent / "out" / "parcels.parquet"
    out.unlink(missing_ok=True)
    code = main(["parcels", "read", str(path), "--source", "local", "--out", str(out), "--json", *given, *more])
    captured = capfd.readouterr()
    assert "Traceback" not in captured.err
    assert out.is_file() == (code == 0), "a file stands only after success"
    return code, json.loads(captured.out), captured.err


@pytest.mark.parametrize(
    ("make", "code", "message"),
    [
        (lambda f: truncated(f, ".shp"), 3, r"its \.shp file is damaged or cut short \(\d+ bytes of \d+\)\. Download"),
        (lambda f: truncated(f, ".shx"), 3, r"its \.shx file is damaged or cut short"),
        (lambda f: truncated(f, ".dbf"), 3, r"its \.dbf file is damaged or cut short"),
        (lambda f: without(f, ".shx"), 3, r"has no \.shx file beside it\. Copy all parts"),
        (lambda f: without(f, ".dbf"), 3, r"has no \.dbf file beside it"),
        (lambda f: without(f, ".prj"), 3, r"states no CRS .* Set parcels\.crs \(EPSG:…\)"),
        (lambda f: f / "none.shp", 3, "No parcel file at"),
    ],
    ids=["shp cut", "shx cut", "dbf cut", "no shx", "no dbf", "no crs", "no file"],
)
def test_errors(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], make: Callable[[Path], Path], code: int, message: str
) -> None:
    found, record, stderr = run(capfd, make(tmp_path))
    assert found == code
    assert record["error"]["exit_code"] == code
    assert pd.Series([record["error"]["message"]]).str.contains(message)[0], stderr


@pytest.mark.parametrize(
    ("make", "n_kept", "dropped"),
    [
        (wrong_encoding, 1, {}),
        (three_dimensional, 2, {}),
        (curved, 2, {}),
        (mixed_types, 3, {"no polygon": 2}),
        (antimeridian, 1, {"across the antimeridian": 1}),
        (empty_geometry, 1, {"no geometry": 1, "no polygon": 2}),
        (duplicates, 2, {"same shape as an earlier parcel, same crop": 1}),
        (crops_in_the_second_layer, 1, {}),
        (bow_tie, 1, {}),
    ],
)
def test_counted_drops(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    make: Callable[[Path], Path],
    n_kept: int,
    dropped: dict[str, int],
) -> None:
    code, record, stderr = run(capfd, make(tmp_path))
    assert code == 0, stderr
    assert (record["n_kept"], record["dropped"]) == (n_kept, dropped)
    assert record["n_read"] == n_kept + sum(dropped.values())
    written = gpd.read_parquet(record["out"])
    assert written.geometry.is_valid.all()
    assert not shapely.has_z(written.geometry.to_numpy()).any()
    assert written["id"].is_unique
    assert set(written.geom_type) <= {"Polygon", "MultiPolygon"}


def test_names_in_a_wrong_encoding_are_read_right(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, record, _ = run(capfd, wrong_encoding(tmp_path))
    assert gpd.read_parquet(record["out"])["crop:name"].tolist() == ["żyto łąkowe"]
    code, record, _ = run(capfd, wrong_encoding(tmp_path), "--encoding", "utf-8")
    assert code == 0
    assert record["notes"]["names_with_lost_letters"]["n"] == 1, "what was asked for is done, and what it costs is said"
    code, record, _ = run(capfd, wrong_encoding(tmp_path), "--encoding", "klingon")
    assert (code, record["error"]["type"]) == (2, "ConfigError")


def test_only_dropped_parcels_say_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "points.gpkg"
    frame([Point(X, Y), Point(X + 1, Y)]).to_file(path)
    code, record, _ = run(capfd, path)
    assert (code, record["error"]["type"]) == (4, "NothingLeft")
    assert "2 no polygon" in record["error"]["message"]


def test_local_without_a_map_names_the_columns_of_every_layer(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.yaml").write_text("{}")
    code, record, _ = run(capfd, crops_in_the_second_layer(tmp_path), "--map", str(tmp_path / "empty.yaml"))
    assert (code, record["error"]["type"]) == (2, "UnknownName")
    assert "needs a column map" in record["error"]["message"]
    assert "blocks: block; crops: crop" in record["error"]["message"]


@pytest.mark.parametrize(
    ("out", "said", "code"),
    [
        ("fields.parquet", "is the file that is read", 2),
        ("fields.csv", "GeoParquet", 2),
        ("folder.parquet", "is a folder", 3),
        ("fields.parquet/out.parquet", "is a file, where a folder was to be", 3),
    ],
)
def test_a_table_goes_to_no_file_that_it_would_spoil(tmp_path, capsys, out, said, code):
    path = tmp_path / "fields.parquet"
    frame([square(0)], EC_hcat_n=["rye"]).to_parquet(path)
    (tmp_path / "folder.parquet").mkdir()
    before = path.read_bytes()
    line = ["parcels", "read", str(path), "--source", "eurocrops", "--out", str(tmp_path / out)]
    assert main(line) == code
    message = capsys.readouterr().err
    assert said in " ".join(message.split())
    assert "Traceback" not in message
    assert path.read_bytes() == before

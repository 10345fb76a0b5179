"""Zips are read in place, .7z archives are unpacked once; what would leave its folder is not touched."""

import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow.parquet as pq
import pytest
from shapely.geometry import box

from bocage.core.artifacts import ArtifactStore
from bocage.core.errors import CorruptFile, MissingFile, SourceError
from bocage.parcels import read_layer, store_archive
from bocage.parcels.options import ColumnMap, ParcelOptions
from bocage.parcels.read import read_parcels
from bocage.parcels.schema import ParcelTable
from bocage.parcels.store_archive import is_7z, is_inside


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    path = tmp_path / "fields.gpkg"
    shapes = [box(4_300_000 + 200 * i, 3_000_000, 4_300_100 + 200 * i, 3_000_100) for i in range(2)]
    gpd.GeoDataFrame({"crop": ["rye", "oats"]}, geometry=shapes, crs=3035).to_file(path)
    return path


def read(path: Path) -> ParcelTable:
    return read_parcels(ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",))))


@pytest.mark.parametrize(
    "name",
    ["../out.gpkg", "/etc/out.gpkg", "a/../../out.gpkg", "..\\out.gpkg", "C:\\out.gpkg", "__MACOSX/a.gpkg", "._a"],
)
def test_names_that_leave_an_archive(name: str, fields: Path, tmp_path: Path) -> None:
    assert not is_inside(name)
    path = tmp_path / "slip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), fields.read_bytes())
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(MissingFile, match="holds no parcel file"):
        read(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(fields, "data/fields.gpkg")
    assert read(path).tally.kept == 2, "the others are read"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("in_memory_bytes", [1, 2**20])
def test_a_parquet_file_in_a_zip(
    fields: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory_bytes: int
) -> None:
    monkeypatch.setattr(read_layer, "_IN_MEMORY_BYTES", in_memory_bytes)
    gpd.read_file(fields).to_parquet(tmp_path / "fields.parquet")
    with zipfile.ZipFile(tmp_path / "fields.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "fields.parquet", "deep/fields.parquet")
    assert read(tmp_path / "fields.zip").frame["crop:name"].tolist() == ["rye", "oats"]


@pytest.mark.parametrize("name", ["x.7z", "x.7Z", "RPG_2-0__2022-01-01.7z.001", "x.7z.012"])
def test_archives_by_name(name: str) -> None:
    assert is_7z(Path(name))
    assert not any(is_7z(Path(n)) for n in ("x.zip", "x.001", "7z.gpkg", "x.7z.txt"))


def test_an_archive_is_unpacked_once(
    fields: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    py7zr = pytest.importorskip("py7zr", reason="py7zr is not installed")
    path = tmp_path / "rpg.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.write(fields, "RPG/1_DONNEES/fields.gpkg")
        archive.write(fields, "RPG/readme.txt")
    assert read(path).frame["crop:name"].tolist() == ["rye", "oats"]
    assert [p.name for p in cache.rglob("*") if p.is_file()] == ["fields.gpkg"], "nothing else is written"
    monkeypatch.setattr(store_archive, "_unpack", lambda *_: pytest.fail("unpacked again"))
    assert read(path).tally.kept == 2


def test_an_archive_in_volumes(fields: Path, tmp_path: Path, cache: Path) -> None:
    py7zr = pytest.importorskip("py7zr", reason="py7zr is not installed")
    with py7zr.SevenZipFile(tmp_path / "whole.7z", "w") as archive:
        archive.write(fields, "fields.gpkg")
    content = (tmp_path / "whole.7z").read_bytes()
    first, second = (tmp_path / f"rpg.7z.00{i}" for i in (1, 2))
    first.write_bytes(content[:600])
    with pytest.raises(CorruptFile, match=r"1 volumes found\. Check that all volumes are there"):
        read(first)
    assert not [p for p in cache.rglob("*") if p.is_file()], "nothing is left of the attempt"
    second.write_bytes(content[600:])
    assert read(first).tally.kept == 2
    assert read(second).tally.kept == 2, "any volume stands for all"


def test_links_and_names_that_leave_a_7z_are_left_alone(fields: Path, tmp_path: Path) -> None:
    py7zr = pytest.importorskip("py7zr", reason="py7zr is not installed")
    (tmp_path / "link.gpkg").symlink_to(fields)
    path = tmp_path / "slip.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.write(tmp_path / "link.gpkg", "link.gpkg")
    with pytest.raises(MissingFile, match="holds no parcel file"):
        read(path)


def test_without_the_library_the_error_says_how_to_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "py7zr", None)
    path = tmp_path / "RPG.7z.001"
    path.write_bytes(b"7z")
    with pytest.raises(SourceError, match=r"bocage\[archives\].*7z x 'RPG.7z.001'"):
        read(path)


def test_a_disk_that_is_too_small(fields: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    py7zr = pytest.importorskip("py7zr", reason="py7zr is not installed")
    path = tmp_path / "rpg.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.write(fields, "fields.gpkg")
    usage = store_archive.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(store_archive.shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(SourceError, match="Set BOCAGE_CACHE to a larger disk"):
        read(path)


def test_the_rpg_as_it_is_delivered(samples: Path) -> None:
    pytest.importorskip("py7zr", reason="py7zr is not installed")
    folder = samples / "lpis" / "fr"
    path = folder / "RPG_2-0__GPKG_LAMB93_FXX_2022-01-01.7z.001"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    packed, unpacked = (
        read_parcels(ParcelOptions(kind="rpg_france", path=str(p), year=2022))
        for p in (path, folder / "unpacked" / "PARCELLES_GRAPHIQUES.gpkg")
    )
    assert packed.tally.to_json() == unpacked.tally.to_json() == {"kept": 100, "dropped": {}}
    assert packed.frame["crop:code"].tolist() == unpacked.frame["crop:code"].tolist()


def test_a_7z_is_unpacked_again_after_a_prune(fields: Path, tmp_path: Path) -> None:
    py7zr = pytest.importorskip("py7zr", reason="py7zr is not installed")
    path = tmp_path / "rpg.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.write(fields, "RPG/1_DONNEES/fields.gpkg")
    assert read(path).tally.kept == 2
    assert ArtifactStore().prune()[0] == 1
    assert read(path).tally.kept == 2


@pytest.mark.parametrize("harm", ["bytes", "encrypted"])
def test_a_damaged_member_of_a_zip_is_named(fields: Path, tmp_path: Path, harm: str) -> None:
    path, parquet = tmp_path / "fields.zip", tmp_path / "fields.parquet"
    gpd.read_file(fields).to_parquet(parquet)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(parquet, "fields.parquet")
    data = bytearray(path.read_bytes())
    if harm == "bytes":
        data[200] ^= 0xFF
    else:
        data[6] |= 1  # the flag of encryption, before the member and in the list at the end
        data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match="Download it again" if harm == "bytes" else "Unpack it and give the file"):
        read(path)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"crs": {"foo": 1}}, "states a CRS that is none"),
        ({"bbox": []}, "states the box"),
        ({"covering": {"bbox": {side: ["nope", side] for side in ("xmin", "ymin", "xmax", "ymax")}}}, "the covering"),
        ({"covering": [1]}, "the covering"),
        (None, "does not describe columns by name"),
    ],
)
def test_a_geoparquet_header_that_is_none_is_named(
    fields: Path, tmp_path: Path, header: dict[str, Any] | None, said: str
) -> None:
    path = tmp_path / "fields.parquet"
    gpd.read_file(fields).to_parquet(path)
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    geo["columns"] = geo["columns"] | {"geometry": geo["columns"]["geometry"] | header} if header else None
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)
    with pytest.raises(CorruptFile, match=said):
        read(path)


def test_layers_of_one_name_in_several_folders_make_ids_of_their_own(fields: Path, tmp_path: Path) -> None:
    frame = gpd.read_file(fields)
    with zipfile.ZipFile(tmp_path / "fields.zip", "w") as archive:
        for part in range(3):
            path = tmp_path / f"{part}.gpkg"
            frame.set_geometry(frame.translate(1000 * part)).to_file(path, layer="crops")
            archive.write(path, f"part{part}/crops.gpkg")
    options = ParcelOptions(
        kind="local", path=str(tmp_path / "fields.zip"), layer="cr*", columns=ColumnMap(name=("crop",))
    )
    ids = ["crops-1", "crops-2", "crops.2-1", "crops.2-2", "crops.3-1", "crops.3-2"]
    assert read_parcels(options).frame["id"].tolist() == ids

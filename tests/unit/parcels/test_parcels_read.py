"""A few fields in a made-up file become one schema, and nothing is lost without a reason."""

import json
import shutil
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

from bocage.core.errors import CorruptFile, MissingFile, NothingLeft, SourceError
from bocage.parcels.options import ColumnMap, ParcelOptions
from bocage.parcels.read import read_parcel_file, read_parcels
from bocage.parcels.schema import COLUMNS
from bocage.parcels.write import write_parcels

X, Y = 720_000.0, 6_270_000.0  # near Béziers, EPSG:2154


def square(i: int, side: float = 100.0) -> Polygon:
    return box(X + 200 * i, Y, X + 200 * i + side, Y + side)


def frame(geometries: list[object], crs: str | None = "EPSG:2154", **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometries, crs=crs)


@pytest.fixture
def eurocrops(tmp_path: Path) -> Path:
    """Three parcels of an EuroCrops release: with both columns, with the name only, with none."""
    path = tmp_path / "FR_2018_EC21.shp"
    frame(
        [square(0), square(1), square(2)],
        ID_PARCEL=["7", "8", "9"],
        CODE_CULTU=["BTH", "PPH", "XXX"],
        EC_trans_n=["Winter wheat", "Permanent pasture", None],
        EC_hcat_n=["winter_common_soft_wheat", "pasture_meadow_grassland_grass", None],
        EC_hcat_c=["3301010101", None, None],
    ).to_file(path)
    return path


def test_reads_one_schema(eurocrops: Path) -> None:
    table = read_parcels(ParcelOptions(path=str(eurocrops)))
    assert tuple(table.frame.columns) == COLUMNS
    assert table.frame["id"].tolist() == ["7", "8", "9"]
    assert table.frame["number"].tolist() == [1, 2, 3]
    assert table.frame["country"].tolist() == ["FR"] * 3, "from the file's name"
    assert table.frame["year"].tolist() == [2018] * 3
    assert table.frame["crop:code"].tolist() == ["BTH", "PPH", "XXX"]
    assert table.frame["hcat:code"].tolist() == ["3301010101", "3302000000", None], "the second from its name"
    np.testing.assert_allclose(table.frame["area"], 1.0, rtol=2e-3)
    assert (table.crs, table.n_read, table.tally.to_json()) == ("EPSG:2154", 3, {"kept": 3, "dropped": {}})
    assert table.notes["hcat"] == {"no HCAT code": {"n": 1, "examples": ["- / -"]}}


def test_options_go_before_the_file_name(eurocrops: Path) -> None:
    table = read_parcels(ParcelOptions(path=str(eurocrops), year=2020, country="ES"))
    assert set(table.frame["year"]) == {2020}
    assert set(table.frame["country"]) == {"ES"}


def test_geometry_is_repaired_or_dropped_with_a_reason(tmp_path: Path) -> None:
    bow_tie = Polygon([(X, Y), (X + 100, Y + 100), (X + 100, Y), (X, Y + 100)])
    mixed = GeometryCollection([square(3), LineString([(X, Y), (X + 1, Y + 1)])])
    path = tmp_path / "odd.parquet"
    frame(
        [
            bow_tie,
            None,
            Polygon(),
            Point(X, Y),
            mixed,
            square(5, side=0.5),
            shapely.force_3d(square(6), z=120.0),
            square(7),
            shapely.reverse(square(7)),
            square(7),
        ],
        crop=["a"] * 9 + ["b"],
    ).to_parquet(path)
    table = read_parcels(ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",))))
    assert table.tally.to_json() == {
        "kept": 4,
        "dropped": {
            "no geometry": 1,
            "no polygon": 2,
            "under 1 m²": 1,
            "same shape as an earlier parcel, same crop": 1,
            "same shape as an earlier parcel, another crop": 1,
        },
    }
    assert table.n_read == 10
    assert table.frame.geometry.iloc[0].equals(
        MultiPolygon(
            [
                Polygon([(X, Y), (X + 50, Y + 50), (X, Y + 100)]),
                Polygon([(X + 100, Y + 100), (X + 50, Y + 50), (X + 100, Y)]),
            ]
        )
    )
    assert table.frame.geometry.iloc[1].equals(square(3)), "the line is gone"
    assert not table.frame.geometry.has_z.any()
    assert table.notes["n_repaired"] == 2


def test_ids_are_made_unique(tmp_path: Path) -> None:
    path = tmp_path / "twice.gpkg"
    frame([square(i) for i in range(4)], id=["a", "a", None, "b"], crop=["x"] * 4).to_file(path)
    options = ParcelOptions(kind="local", path=str(path), columns=ColumnMap(id=("id",), name=("crop",)))
    assert read_parcels(options).frame["id"].tolist() == ["a", "a#2", "twice-3", "b"]


def test_only_columns_of_the_schema_are_read(tmp_path: Path) -> None:
    path = tmp_path / "people.gpkg"
    frame([square(0)], EC_hcat_n=["spelt"], SUBJEKT_NA=["A. Person"]).to_file(path)
    table = read_parcels(ParcelOptions(path=str(path)))
    assert "A. Person" not in table.frame.drop(columns="geometry").to_csv()


def test_the_box_is_exact_and_keeps_ids(tmp_path: Path) -> None:
    path = tmp_path / "row.gpkg"
    frame([square(i) for i in range(4)], EC_hcat_n=["spelt"] * 4).to_file(path)
    whole = read_parcels(ParcelOptions(path=str(path)))
    left, bottom, right, top = whole.frame.iloc[[2]].to_crs(4326).total_bounds
    part = read_parcels(ParcelOptions(path=str(path), bbox=(left, bottom, right, top)))
    assert part.frame["id"].tolist() == [whole.frame["id"].iloc[2]]
    assert part.frame["number"].tolist() == [1]
    assert part.tally.to_json() == {"kept": 1, "dropped": {"outside the box": 3}}


def test_another_year_in_the_file_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "brp.gpkg"
    crops = {"gewascode": [233, 266, 233], "gewas": ["Tarwe, winter-", "Grasland", "Tarwe, winter-"]}
    squares = [box(100_000 + 200 * i, 450_000, 100_100 + 200 * i, 450_100) for i in range(3)]
    frame(squares, crs="EPSG:28992", jaar=[2022, 2023, 2023], **crops).to_file(path)  # type: ignore[arg-type]
    every = read_parcels(ParcelOptions(kind="netherlands", path=str(path)))
    assert every.frame["year"].tolist() == [2022, 2023, 2023]
    assert every.frame["crop:code"].tolist() == ["233", "266", "233"], "numbers become text"
    one = read_parcels(ParcelOptions(kind="netherlands", path=str(path), year=2023))
    assert one.tally.to_json() == {"kept": 2, "dropped": {"declared for another year": 1}}


def test_a_zip_with_the_shapefile_in_a_folder(eurocrops: Path, tmp_path: Path) -> None:
    path = tmp_path / "FR_2018.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in eurocrops.parent.glob("FR_2018_EC21.*"):
            archive.write(part, f"FR_2018/{part.name}")
        archive.writestr("../escape.shp", b"")
        archive.writestr("__MACOSX/FR_2018/._FR_2018_EC21.shp", b"")
    plain, zipped = (read_parcels(ParcelOptions(path=str(p))).frame for p in (eurocrops, path))
    pd.testing.assert_frame_equal(pd.DataFrame(plain), pd.DataFrame(zipped))
    assert not (tmp_path.parent / "escape.shp").exists()


def test_the_layer_with_the_crops_is_found(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    frame([square(0)], block=["x"]).to_file(path, layer="blocks")
    frame([square(1)], cultura=["trigo"]).to_file(path, layer="crops")
    columns = ColumnMap(name=("CULTURA",))
    found = read_parcels(ParcelOptions(kind="local", path=str(path), columns=columns))
    assert found.notes["layer"] == "crops"
    with pytest.raises(LookupError, match=r"No layer 'crop'.*Did you mean 'crops'"):
        read_parcels(ParcelOptions(kind="local", path=str(path), columns=columns, layer="crop"))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1250"])
@pytest.mark.parametrize("stated", [True, False])
def test_encodings_are_found(tmp_path: Path, encoding: str, stated: bool) -> None:
    names = ["Žito ozimé", "Pšenica tvrdá"]
    path = tmp_path / "sk.shp"
    pyogrio.write_dataframe(frame([square(0), square(1)], plodina=names), path, encoding=encoding)
    if not stated:
        path.with_suffix(".cpg").unlink()
    given = {"encoding": "cp1250"} if not stated and encoding == "cp1250" else {}
    options = ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("plodina",)), **given)  # type: ignore[arg-type]
    table = read_parcels(options)
    assert table.frame["crop:name"].tolist() == names
    assert table.notes["encoding"] == encoding


def test_a_wrong_code_page_file_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "fr.shp"
    pyogrio.write_dataframe(frame([square(0)], culture=["Blé tendre"]), path, encoding="cp1252")
    path.with_suffix(".cpg").write_text("UTF-8")
    table = read_parcels(ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("culture",))))
    assert table.frame["crop:name"].tolist() == ["Blé tendre"]
    assert table.notes["encoding"] == "cp1252"


def test_lost_letters_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "lv.gpkg"
    frame([square(0), square(1)], crop=["Mie?i", "Rudzi"]).to_file(path)
    table = read_parcels(ParcelOptions(kind="local", path=str(path), columns=ColumnMap(name=("crop",))))
    assert table.notes["names_with_lost_letters"] == {"n": 1, "examples": ["Mie?i"]}


def test_crs_without_a_code_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "l93.shp"
    frame([square(0)], EC_hcat_n=["spelt"]).to_file(path)
    esri = path.with_suffix(".prj").read_text()
    assert "AUTHORITY" not in esri, "ESRI's spelling carries no code"
    table = read_parcels(ParcelOptions(path=str(path)))
    assert table.crs == "EPSG:2154"
    assert table.frame.crs == "EPSG:2154"


def test_crs_missing(tmp_path: Path) -> None:
    path = tmp_path / "bare.shp"
    frame([square(0)], crs=None, EC_hcat_n=["spelt"]).to_file(path)
    with pytest.raises(SourceError, match=r"states no CRS.*Set parcels\.crs") as caught:
        read_parcels(ParcelOptions(path=str(path)))
    assert caught.value.exit_code == 3
    table = read_parcels(ParcelOptions(path=str(path), crs="EPSG:2154"))
    assert (table.crs, table.notes["crs_from"]) == ("EPSG:2154", "options")


def test_crs_missing_is_filled_by_the_source(tmp_path: Path) -> None:
    path = tmp_path / "CZ_2023.shp"
    czech = box(-700_000, -1_100_000, -699_900, -1_099_900)
    frame([czech], crs=None, EC_hcat_n=["spelt"]).to_file(path)
    table = read_parcels(ParcelOptions(path=str(path)))
    assert (table.crs, table.notes["crs_from"]) == ("EPSG:5514", "source")


def test_a_written_table_reads_back_the_same(eurocrops: Path, tmp_path: Path) -> None:
    table = read_parcels(ParcelOptions(path=str(eurocrops)))
    path = tmp_path / "out" / "parcels.parquet"
    write_parcels(table, path)
    pd.testing.assert_frame_equal(pd.DataFrame(read_parcel_file(path)), pd.DataFrame(table.frame))
    import pyarrow.parquet as pq

    geo = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["covering"]["bbox"]


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="No parcel file at"):
        read_parcels(ParcelOptions(path=str(tmp_path / "none.shp")))


def test_a_folder(eurocrops: Path) -> None:
    with pytest.raises(MissingFile, match=r"is a folder.*FR_2018_EC21\.shp"):
        read_parcels(ParcelOptions(path=str(eurocrops.parent)))


def test_a_wrong_extension(tmp_path: Path) -> None:
    (tmp_path / "parcels.docx").write_text("crops")
    with pytest.raises(MissingFile, match="is no parcel file that is read"):
        read_parcels(ParcelOptions(path=str(tmp_path / "parcels.docx")))


@pytest.mark.parametrize("suffix", [".shp", ".gpkg", ".geojson", ".parquet", ".zip"])
@pytest.mark.parametrize("content", [b"", b"this is no such file", bytes(200)])
def test_files_that_are_not_what_they_are_called(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(CorruptFile) as caught:
        read_parcels(ParcelOptions(path=str(path)))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("part", [".shp", ".shx", ".dbf"])
def test_a_truncated_shapefile(eurocrops: Path, part: str) -> None:
    damaged = eurocrops.with_suffix(part)
    damaged.write_bytes(damaged.read_bytes()[:-40])
    with pytest.raises(CorruptFile, match=rf"its \{part} file is damaged or cut short"):
        read_parcels(ParcelOptions(path=str(eurocrops)))


@pytest.mark.parametrize("part", [".shx", ".dbf"])
def test_a_shapefile_without_one_of_its_files(eurocrops: Path, part: str) -> None:
    eurocrops.with_suffix(part).unlink()
    with pytest.raises(CorruptFile, match=rf"has no \{part} file beside it"):
        read_parcels(ParcelOptions(path=str(eurocrops)))


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".geojson", ".zip"])
def test_other_truncated_files(eurocrops: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut{suffix}"
    whole = gpd.read_file(eurocrops)
    if suffix == ".zip":
        shutil.make_archive(str(path.with_suffix("")), "zip", eurocrops.parent, eurocrops.name)
    elif suffix == ".parquet":
        whole.to_parquet(path)
    else:
        whole.to_file(path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(CorruptFile):
        read_parcels(ParcelOptions(path=str(path)))


def test_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "empty.gpkg"
    frame([], EC_hcat_n=[]).to_file(path)
    with pytest.raises(NothingLeft, match="0 rows") as caught:
        read_parcels(ParcelOptions(path=str(path)))
    assert caught.value.exit_code == 4


def test_no_geometry_at_all(tmp_path: Path) -> None:
    path = tmp_path / "null.gpkg"
    frame([None, None], EC_hcat_n=["spelt", "rye"]).to_file(path)
    with pytest.raises((NothingLeft, CorruptFile)):
        read_parcels(ParcelOptions(path=str(path)))


def test_no_crop_column(eurocrops: Path) -> None:
    with pytest.raises(LookupError, match=r"looks for Afgkode or Afgroede; found .*EC_hcat_n.*eurocrops.*would fit"):
        read_parcels(ParcelOptions(kind="denmark", path=str(eurocrops)))


def test_a_column_map_that_does_not_fit(eurocrops: Path) -> None:
    columns = ColumnMap(code=("CODE_CULTURE",), id=("ID_PARCEL",))
    assert read_parcels(ParcelOptions(kind="local", path=str(eurocrops), columns=columns)).tally.kept == 3, (
        "ten letters"
    )
    with pytest.raises(LookupError, match=r"has no column CULTU .*Found: ID_PARCEL"):
        read_parcels(ParcelOptions(kind="local", path=str(eurocrops), columns=ColumnMap(code=("CULTU",))))


def test_a_column_about_persons_is_refused(eurocrops: Path) -> None:
    columns = ColumnMap(code=("CODE_CULTU",), id=("CVR",))
    with pytest.raises(ValueError, match="names persons"):
        read_parcels(ParcelOptions(kind="local", path=str(eurocrops), columns=columns))


def test_an_unknown_source(eurocrops: Path) -> None:
    with pytest.raises(LookupError, match=r"No parcel source is called 'eurocrop'. Did you mean 'eurocrops'"):
        read_parcels(ParcelOptions(kind="eurocrop", path=str(eurocrops)))


@pytest.mark.parametrize("bbox", [(140.0, -38.0, 141.0, -37.0), (3.0, 43.0, 3.001, 43.001)])
def test_a_box_elsewhere_says_where_the_parcels_are(eurocrops: Path, bbox: tuple[float, float, float, float]) -> None:
    with pytest.raises(NothingLeft, match=r"Asked: .*the parcels lie in 3\.24\d+, 43\.5"):
        read_parcels(ParcelOptions(path=str(eurocrops), bbox=bbox))


def test_a_parcel_table_that_is_none(eurocrops: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        read_parcel_file(tmp_path / "none.parquet")
    other = tmp_path / "other.parquet"
    gpd.read_file(eurocrops).to_parquet(other)
    with pytest.raises(CorruptFile, match="column id, number"):
        read_parcel_file(other)
    table = read_parcels(ParcelOptions(path=str(eurocrops)))
    table.frame["id"] = "same"
    with pytest.raises(CorruptFile, match="must be unique"):
        write_parcels(table, other)


def test_degrees_read_as_metres_are_told(eurocrops: Path, tmp_path: Path) -> None:
    path = tmp_path / "degrees.shp"
    gpd.read_file(eurocrops).to_crs(4326).to_file(path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(NothingLeft, match=r"look like degrees, but were read as .*Lambert-93.*EPSG:4326"):
        read_parcels(ParcelOptions(kind="rpg_france", path=str(path)))


def test_layers_with_crops_that_are_not_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "districts.gpkg"
    for i, name in enumerate(("north", "south")):
        frame([square(i)], CODE_CULTU=["BTH"]).to_file(path, layer=name)
    frame([square(3)], river=["Orb"]).to_file(path, layer="rivers")
    options = ParcelOptions(kind="rpg_france", path=str(path), country="FR")
    assert read_parcels(options).notes["layers_left_out"] == {"south": 1}
    for asked in ("north", "*th"):
        assert "layers_left_out" not in read_parcels(options.model_copy(update={"layer": asked})).notes

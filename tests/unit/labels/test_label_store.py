"""Label rasters built from a few fields, written and read again."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from geopandas.testing import assert_geodataframe_equal

from bocage.core.artifacts import read_json
from bocage.core.errors import CorruptFile, GridMismatch, MissingFile, NothingLeft
from bocage.core.grid import Window, make_grid
from bocage.core.tally import Tally
from bocage.labels.options import LabelOptions
from bocage.labels.read import read_parcels_around
from bocage.labels.store import build_labels, open_labels
from bocage.parcels.write import write_parcels

GRID = make_grid("EPSG:32631", 500_000, 4_900_060, 10, (6, 8))


def parcels(*rows: tuple[int, tuple[float, float, float, float]]) -> gpd.GeoDataFrame:
    """(class id, rectangle in pixels: left, top, right, bottom) → a frame."""
    boxes = [
        shapely.box(500_000 + 10 * left, 4_900_060 - 10 * bottom, 500_000 + 10 * right, 4_900_060 - 10 * top)
        for _, (left, top, right, bottom) in rows
    ]
    table = {
        "number": np.arange(1, len(rows) + 1, dtype=np.uint32),
        "class_id": np.array([class_id for class_id, _ in rows], np.uint8),
    }
    return gpd.GeoDataFrame(table, geometry=boxes, crs="EPSG:32631")


def build(folder: Path, frame: gpd.GeoDataFrame, coverage: str = "complete", **options: object) -> Tally:
    return build_labels(frame, GRID, LabelOptions(**options), coverage=coverage, folder=folder)  # type: ignore[arg-type]


def test_classes_ids_and_counts(tmp_path: Path) -> None:
    frame = parcels((3, (0, 0, 3, 2)), (255, (4, 0, 6, 1)), (0, (0, 4, 2, 6)))
    assert build(tmp_path, frame) == Tally(3)
    store = open_labels(tmp_path)
    labels, ids = store.read()
    assert labels.tolist() == [
        [3, 3, 3, 0, 255, 255, 0, 0],
        [3, 3, 3, 0, 0, 0, 0, 0],
        *[[0] * 8] * 4,
    ]
    assert ids[0].tolist() == [1, 1, 1, 0, 2, 2, 0, 0]
    assert ids[5].tolist() == [3, 3, 0, 0, 0, 0, 0, 0]
    assert (labels.dtype, ids.dtype, store.grid) == (np.uint8, np.uint32, GRID)
    assert store.info["n_px"] == {"0": 40, "3": 6, "255": 2}
    assert store.info["outside"] == "background"
    part = store.read(Window(0, 2, 1, 3))
    assert [p.tolist() for p in part] == [[[3, 0, 255]], [[1, 0, 2]]]


@pytest.mark.parametrize(
    ("coverage", "outside", "expected"),
    [("complete", "auto", 0), ("partial", "auto", 255), ("partial", "background", 0), ("complete", "ignore", 255)],
)
def test_land_without_a_parcel(tmp_path: Path, coverage: str, outside: str, expected: int) -> None:
    build(tmp_path, parcels((1, (0, 0, 1, 1))), coverage, outside=outside)
    labels, _ = open_labels(tmp_path).read()
    assert labels[0, 0] == 1
    assert set(np.unique(labels)) == {1, expected}


def test_the_ring_at_the_edge_is_unknown_but_keeps_its_id(tmp_path: Path) -> None:
    build(tmp_path, parcels((2, (0, 0, 4, 4))), inner_buffer_m=10)
    labels, ids = open_labels(tmp_path).read()
    ring = [255, 255, 255, 255, 0]
    assert labels[:5, :5].tolist() == [ring, [255, 2, 2, 255, 0], [255, 2, 2, 255, 0], ring, [0] * 5]
    assert (ids[:4, :4] == 1).all()


def test_parcels_with_too_few_pure_pixels_are_unknown_and_tallied(tmp_path: Path) -> None:
    """A field of 4 x 4 pixels has 4 off its ring, one of 3 x 3 has 1, a lane none."""
    frame = parcels((2, (0, 0, 4, 4)), (1, (5, 0, 8, 3)), (3, (0, 5, 8, 6)))
    assert build(tmp_path, frame, inner_buffer_m=10, min_pixels=4) == Tally(1, {"fewer than 4 pure pixels": 2})
    store = open_labels(tmp_path)
    labels, ids = store.read()
    assert (labels[1, 1], labels[1, 6]) == (2, 255)
    assert set(np.unique(labels)) == {0, 2, 255}
    assert set(np.unique(ids)) == {0, 1, 2, 3}
    assert store.info["min_pixels"] == 4
    assert build(tmp_path / "all", frame, min_pixels=8) == Tally(3)


def test_a_buffer_wider_than_every_parcel_leaves_rings_only(tmp_path: Path) -> None:
    build(tmp_path, parcels((2, (0, 0, 4, 4))), inner_buffer_m=25)
    labels, _ = open_labels(tmp_path).read()
    assert set(np.unique(labels)) == {0, 255}


def test_contested_pixels_are_counted_and_may_be_nobodys(tmp_path: Path) -> None:
    build(tmp_path, parcels((1, (0, 0, 3, 1)), (2, (2, 0, 5, 1))), overlaps="ignore")
    store = open_labels(tmp_path)
    labels, ids = store.read()
    assert labels[0].tolist() == [1, 1, 255, 2, 2, 0, 0, 0]
    assert ids[0].tolist() == [1, 1, 0, 2, 2, 0, 0, 0]
    assert store.info["n_overlap_px"] == 1


def test_parcels_without_a_pixel_are_tallied(tmp_path: Path) -> None:
    frame = parcels((1, (0, 0, 3, 1)), (1, (20, 0, 21, 1)), (1, (4.6, 4.6, 5.4, 5.4)), (2, (0, 0, 3, 1)))
    assert build(tmp_path, frame) == Tally(1, {"outside the image": 1, "no pixel of its own": 2})


def test_other_coordinates_are_brought_onto_the_grid(tmp_path: Path) -> None:
    build(tmp_path, parcels((1, (0.1, 0.1, 2.9, 1.9))).to_crs("EPSG:4326"))
    assert (open_labels(tmp_path).read()[0][:2, :3] == 1).all()


def test_parcels_elsewhere_on_the_globe(tmp_path: Path) -> None:
    frame = parcels((1, (0, 0, 3, 2))).to_crs("EPSG:4326")
    frame = frame.set_geometry(frame.geometry.translate(xoff=140, yoff=-80))
    with pytest.raises(NothingLeft, match=r"None of the 1 parcels.*longitude 143\.\d+ to.*image: longitude 3\.0"):
        build(tmp_path / "labels", frame)
    assert not (tmp_path / "labels").exists()


def test_parcels_too_small_for_a_pixel(tmp_path: Path) -> None:
    with pytest.raises(NothingLeft, match="all_touched"):
        build(tmp_path, parcels((1, (0.6, 0.6, 1.4, 1.4))))


def test_class_colours_travel_in_the_file(tmp_path: Path) -> None:
    frame = parcels((1, (0, 0, 3, 2)))
    build_labels(frame, GRID, LabelOptions(), coverage="complete", folder=tmp_path, colors={0: "#000000", 1: "#ff8000"})
    with rasterio.open(tmp_path / "labels.tif") as file:
        assert file.colormap(1)[1] == (255, 128, 0, 255)
        assert file.profile["compress"] == "deflate"
        assert (file.profile["tiled"], file.nodata) == (True, 255)


def test_unfinished_and_damaged_labels_are_not_opened(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"labels\.json"):
        open_labels(tmp_path)
    build(tmp_path, parcels((1, (0, 0, 3, 2))))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["labels.json", "labels.tif", "parcel_ids.tif"]
    assert read_json(tmp_path / "labels.json")["tally"] == {"kept": 1, "dropped": {}}
    with pytest.raises(GridMismatch, match="6 x 8"):
        open_labels(tmp_path).read(Window(4, 4, 4, 4))
    (tmp_path / "labels.tif").write_bytes(b"II*")
    with pytest.raises(CorruptFile, match=r"labels\.tif"):
        open_labels(tmp_path)


@pytest.mark.parametrize("crs", ["EPSG:32631", "EPSG:2154", "EPSG:4326", "EPSG:32632"])
def test_parcels_around_a_grid_give_the_labels_of_all(tmp_path: Path, crs: str) -> None:
    inside = [(1, (0, 0, 3, 2)), (2, (-5, 3, 2, 9)), (3, (7, 5, 12, 9))]
    far = [(1, (1000 + 10 * i, 0, 1005 + 10 * i, 5)) for i in range(200)]
    frame = stored(tmp_path / "p.parquet", parcels(*far, *inside).to_crs(crs))
    near, n_elsewhere = read_parcels_around(tmp_path / "p.parquet", GRID)
    assert (near["number"].tolist(), n_elsewhere) == ([201, 202, 203], 200)
    everything, _ = read_parcels_around(tmp_path / "p.parquet", GRID, None)
    assert_geodataframe_equal(everything, gpd.read_parquet(tmp_path / "p.parquet")[200:].reset_index(drop=True))
    options = LabelOptions()
    whole = build_labels(frame, GRID, options, coverage="complete", folder=tmp_path / "whole")
    part = build_labels(near, GRID, options, coverage="complete", folder=tmp_path / "part", n_elsewhere=n_elsewhere)
    assert whole == part == Tally(3, {"outside the image": 200})
    for name in ("labels.tif", "parcel_ids.tif", "labels.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "part" / name).read_bytes()


def test_without_a_parcel_around_the_grid_the_message_says_where_they_are(tmp_path: Path) -> None:
    frame = stored(tmp_path / "p.parquet", parcels((1, (5000, 0, 5005, 5))).to_crs("EPSG:2154"))
    with pytest.raises(NothingLeft) as of_all:
        build(tmp_path, frame)
    with pytest.raises(NothingLeft) as of_near:
        read_parcels_around(tmp_path / "p.parquet", GRID)
    assert str(of_all.value) == str(of_near.value)
    assert "None of the 1 parcels lies on the image" in str(of_all.value)


def stored(path: Path, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A frame with the columns of the schema, written as a table of parcels."""
    text = dict.fromkeys(("crop:code", "crop:name", "crop:name_en", "hcat:code", "hcat:name"), "x")
    frame = frame.assign(id=frame["number"].astype(str), country="FR", year=2018, area=1.0, **text)
    write_parcels(frame, path)
    return frame


@pytest.mark.parametrize("record", ["null", "[]", "{}", '{"grid": 5}'])
def test_a_record_without_a_grid_is_named(tmp_path: Path, record: str) -> None:
    build(tmp_path, parcels((3, (0, 0, 3, 2))))
    (tmp_path / "labels.json").write_text(record)
    with pytest.raises(CorruptFile, match="does not say its grid"):
        open_labels(tmp_path)

"""Two windows of two by two pixels, two dates: what each candidate holds."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from bocage.core.arrays import MISSING_INT16
from bocage.core.errors import GridMismatch
from bocage.core.grid import Window, grid_to_json, make_grid
from bocage.cubes.store import CubeStore, CubeWriter, open_cube
from bocage.labels.options import LabelOptions
from bocage.labels.store import build_labels, open_labels
from bocage.patches.candidates import count_values, find_candidates
from bocage.patches.options import FilterOptions, PatchOptions

GRID = make_grid("EPSG:32631", 500_000, 4_900_020, 10, (2, 4))
NODATA, SATURATED, UNCLEAR, BRIGHT = 1, 2, 4, 8
QUALITY = np.array(
    [
        [[0, 0, NODATA, NODATA], [0, BRIGHT, NODATA, UNCLEAR]],
        [[UNCLEAR, UNCLEAR, 0, 0], [UNCLEAR | BRIGHT, SATURATED, 0, 0]],
    ],
    np.uint8,
)
DAYS = [17_600, 17_605]  # 2018-03-10, 2018-03-15


@pytest.fixture
def cube(tmp_path: Path) -> CubeStore:
    writer = CubeWriter(tmp_path / "cube", (2, 1, 2, 4), "digest")
    for t, scene in enumerate(("S2A_first", "S2B_second")):
        writer.put(t, Window(0, 0, 2, 4), np.full((1, 2, 4), MISSING_INT16, np.int16), QUALITY[t])
        writer.keep(scene, {})
    record = {"bands": ["B02"], "days": DAYS, "scenes": ["S2A_first", "S2B_second"], "tile": "31TEJ", "level": "L2A"}
    writer.finish({"grid": grid_to_json(GRID), **record})
    return open_cube(tmp_path / "cube")


@pytest.fixture
def labels_folder(tmp_path: Path) -> Path:
    """Class 1 on the left column, class 2 on the upper right pixel, unknown on the lower right one."""
    boxes = [(0, 0, 1, 2), (3, 0, 4, 1), (3, 1, 4, 2)]
    shapes = [
        shapely.box(500_000 + 10 * a, 4_900_020 - 10 * d, 500_000 + 10 * c, 4_900_020 - 10 * b) for a, b, c, d in boxes
    ]
    table = {"number": np.uint32([1, 2, 3]), "class_id": np.uint8([1, 2, 255])}
    frame = gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:32631")
    build_labels(frame, GRID, LabelOptions(), coverage="complete", folder=tmp_path / "labels")
    return tmp_path / "labels"


def test_single_dates_make_one_candidate_a_window_and_date(cube: CubeStore, labels_folder: Path) -> None:
    table = find_candidates(cube, open_labels(labels_folder), PatchOptions(size_px=2), n_classes=3, cube_name="a-31TEJ")
    assert table["candidate_id"].tolist() == [
        "a-31TEJ-00000-00000-20180310",
        "a-31TEJ-00000-00002-20180310",
        "a-31TEJ-00000-00000-20180315",
        "a-31TEJ-00000-00002-20180315",
    ]
    assert set(table["region"]) == {"a"}
    assert table[["row", "col", "height", "width"]].to_numpy().tolist() == [[0, 0, 2, 2], [0, 2, 2, 2]] * 2
    assert table["dates"].tolist() == [[0], [0], [1], [1]]
    assert table["days"].tolist() == [[17_600], [17_600], [17_605], [17_605]]
    assert table["scenes"].tolist() == [["S2A_first"]] * 2 + [["S2B_second"]] * 2
    assert table[["n_px_0", "n_px_1", "n_px_2", "n_px_255"]].to_numpy().tolist() == [[2, 2, 0, 0], [2, 0, 1, 1]] * 2
    assert table["foreground_fraction"].tolist() == [0.5, 0.25] * 2
    assert table["nodata_fraction"].tolist() == [0, 0.75, 0, 0]
    assert table["unclear_fraction"].tolist() == [0, 0.25, 1, 0]
    assert table["bright_fraction"].tolist() == [0.25, 0, 0.25, 0]
    assert table["n_clear_dates"].tolist() == [0, 0, 0, 1]


def test_a_series_makes_one_candidate_a_window(cube: CubeStore, labels_folder: Path) -> None:
    options = PatchOptions(size_px=2, dates="series", filters=FilterOptions(max_bright_fraction=0.5))
    table = find_candidates(cube, open_labels(labels_folder), options, n_classes=3, cube_name="a-31TEJ")
    assert table["candidate_id"].tolist() == ["a-31TEJ-00000-00000", "a-31TEJ-00000-00002"]
    assert table["dates"].tolist() == [[0, 1], [0, 1]]
    assert table["scenes"].tolist() == [["S2A_first", "S2B_second"]] * 2
    assert table["nodata_fraction"].tolist() == [0, 0.375]
    assert table["unclear_fraction"].tolist() == [0.5, 0.125]
    assert table["n_clear_dates"].tolist() == [1, 1]


def test_two_acquisitions_of_one_day_have_different_ids(cube: CubeStore, labels_folder: Path) -> None:
    cube.days = np.array([17_600, 17_600], np.int32)
    table = find_candidates(cube, open_labels(labels_folder), PatchOptions(size_px=2), n_classes=3, cube_name="a-31TEJ")
    assert table["candidate_id"].is_unique
    assert table["candidate_id"].iloc[3] == "a-31TEJ-00000-00002-20180310-2"


def test_labels_of_another_grid_are_refused(cube: CubeStore, labels_folder: Path) -> None:
    cube.grid = make_grid("EPSG:32631", 500_010, 4_900_020, 10, (2, 4))
    with pytest.raises(GridMismatch, match="a-31TEJ"):
        find_candidates(cube, open_labels(labels_folder), PatchOptions(size_px=2), n_classes=3, cube_name="a-31TEJ")


def test_counting_values_in_overlapping_windows() -> None:
    raster = np.array([[0, 1, 2], [1, 1, 9]], np.uint8)
    counts = count_values(raster, np.array([0, 0]), np.array([0, 1]), (2, 2), 4)
    assert counts.tolist() == [[1, 3, 0, 0], [0, 2, 1, 1]]

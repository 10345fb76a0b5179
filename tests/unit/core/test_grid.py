import pytest
from shapely.geometry import box

from bocage.core.errors import GridMismatch
from bocage.core.grid import (
    Window,
    footprint,
    grid_bounds,
    grid_from_json,
    grid_to_json,
    grid_window,
    make_grid,
    project,
    same_lattice,
    utm_of,
)

GRID = make_grid("EPSG:32631", 500_000, 4_900_000, 10, (20, 30))


def test_a_grid_knows_its_bounds_and_its_parts():
    assert grid_bounds(GRID) == (500_000, 4_899_800, 500_300, 4_900_000)
    part = grid_window(GRID, Window(2, 3, 4, 5))
    assert grid_bounds(part) == (500_030, 4_899_940, 500_080, 4_899_980)


def test_a_shifted_grid_is_another_lattice():
    shifted = make_grid("EPSG:32631", 500_003, 4_900_000, 10, (20, 30))
    assert same_lattice(GRID, make_grid("EPSG:32631", 499_990, 4_900_050, 10, (2, 2)))
    assert not same_lattice(GRID, shifted)
    assert not same_lattice(GRID, make_grid("EPSG:32632", 500_000, 4_900_000, 10, (20, 30)))


def test_a_grid_survives_json():
    again = grid_from_json(grid_to_json(GRID))
    assert again == GRID
    assert grid_to_json(GRID)["crs"] == "EPSG:32631"


def test_windows_overlap_by_pixels():
    assert Window(0, 0, 4, 4).overlap_px(Window(2, 3, 4, 4)) == 2
    assert Window(0, 0, 4, 4).overlap_px(Window(4, 0, 4, 4)) == 0
    with pytest.raises(GridMismatch):
        Window(0, 0, 0, 4)


def test_a_footprint_goes_to_degrees_and_back():
    outline = footprint(GRID)
    assert 2.99 < outline.bounds[0] < 3.01
    back = project(outline, "EPSG:4326", "EPSG:32631")
    assert back.symmetric_difference(box(*grid_bounds(GRID))).area < 1.0


def test_a_footprint_across_the_antimeridian_has_a_part_on_either_side():
    outline = footprint(make_grid("EPSG:32760", 750_000, 8_200_000, 10, (10_980, 10_980)))
    assert [round(part.bounds[0]) for part in outline.geoms] in ([-180, 179], [179, -180])
    assert outline.intersects(box(179.9, -17, 180, -16.9))
    assert outline.intersects(box(-180, -17, -179.9, -16.9))
    assert not outline.intersects(box(0, -17, 10, -16.9))


def test_a_place_has_a_utm_zone():
    assert [utm_of(*place) for place in ((3, 45), (-180, 1), (180, 1), (179.9, -17))] == [
        "EPSG:32631", "EPSG:32601", "EPSG:32601", "EPSG:32760",
    ]  # fmt: skip

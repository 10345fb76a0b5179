"""Parcels on a grid of six by eight pixels."""

import numpy as np
import pytest
import shapely

from bocage.core.grid import make_grid
from bocage.labels.rasterize import rasterize_ids

GRID = make_grid("EPSG:32631", 0, 60, 10, (6, 8))  # x 0 … 80 m, y 60 … 0 m


def field(left_px: float, top_px: float, right_px: float, bottom_px: float) -> shapely.Polygon:
    """A rectangle in pixels from the upper left corner."""
    return shapely.box(10 * left_px, 60 - 10 * bottom_px, 10 * right_px, 60 - 10 * top_px)


def draw(*fields: shapely.Geometry, **choices: object) -> tuple[list[str], int]:
    """The raster as one text a row, "." for no parcel."""
    numbers = np.arange(1, len(fields) + 1, dtype=np.uint32)
    ids, n_overlap_px = rasterize_ids(np.array(fields), numbers, GRID, **choices)  # type: ignore[arg-type]
    return ["".join(str(v) if v else "." for v in row) for row in ids], n_overlap_px


def test_a_pixel_belongs_to_the_parcel_that_holds_its_centre() -> None:
    rows, n_overlap_px = draw(field(0.4, 0.6, 3.4, 2.6), field(5, 3, 7, 6))
    assert rows == ["........", "111.....", "111.....", ".....22.", ".....22.", ".....22."]
    assert n_overlap_px == 0


def test_all_touched_adds_the_pixels_under_the_boundary() -> None:
    rows, _ = draw(field(0.4, 0.6, 3.4, 2.6), all_touched=True)
    assert rows == ["1111....", "1111....", "1111....", "........", "........", "........"]


def test_holes_and_parts_of_a_multi_polygon() -> None:
    ring = field(0, 0, 4, 4) - field(1, 1, 3, 3)
    rows, _ = draw(shapely.MultiPolygon([ring, field(6, 5, 8, 6)]))
    assert rows == ["1111....", "1..1....", "1..1....", "1111....", "........", "......11"]


@pytest.mark.parametrize(
    ("overlaps", "contested"), [("last", "22"), ("first", "11"), ("smallest", "22"), ("ignore", "..")]
)
def test_overlaps_go_where_the_policy_says(overlaps: str, contested: str) -> None:
    rows, n_overlap_px = draw(field(0, 0, 5, 1), field(3, 0, 6, 1), overlaps=overlaps)
    assert rows[0] == "111" + contested + "2.."
    assert n_overlap_px == 2


def test_the_smallest_parcel_wins_whatever_the_order() -> None:
    rows, n_overlap_px = draw(field(2, 0, 4, 1), field(0, 0, 8, 1), overlaps="smallest")
    assert (rows[0], n_overlap_px) == ("22112222", 2)


def test_a_pixel_claimed_three_times_is_one_contested_pixel() -> None:
    _, n_overlap_px = draw(field(0, 0, 1, 1), field(0, 0, 1, 1), field(0, 0, 1, 1))
    assert n_overlap_px == 1


def test_overlapping_parts_of_one_parcel_contest_nothing() -> None:
    _, n_overlap_px = draw(shapely.MultiPolygon([field(0, 0, 2, 1), field(1, 0, 3, 1)]))
    assert n_overlap_px == 0


def test_parcels_that_share_an_edge_share_no_pixel() -> None:
    """The edge runs exactly through pixel centres: they go to the left one."""
    rows, n_overlap_px = draw(field(0, 0, 2.5, 2), field(2.5, 0, 5, 2))
    assert (rows[0], n_overlap_px) == ("11122...", 0)


def test_what_lies_outside_the_grid_is_cut_off() -> None:
    rows, _ = draw(field(-3, -2, 2, 1), field(7, 5, 20, 20), field(100, 100, 110, 110))
    assert rows == ["11......", *["........"] * 4, ".......2"]


def test_a_parcel_between_the_centres_draws_nothing() -> None:
    rows, _ = draw(field(1.6, 1.6, 2.4, 2.4), shapely.Polygon())
    assert rows == ["........"] * 6


def test_lines_are_refused() -> None:
    with pytest.raises(TypeError, match="LINESTRING"):
        draw(shapely.LineString([(0, 0), (10, 10)]))

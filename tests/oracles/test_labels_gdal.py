"""Our rasters against GDAL's (through rasterio): not one pixel may differ."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio import features

from bocage.core.grid import Grid, make_grid
from bocage.labels.rasterize import rasterize_ids

HEIGHT, WIDTH = 30, 40
GRID = make_grid("EPSG:32631", 600_000, 4_900_000, 10, (HEIGHT, WIDTH))


def gdal(geometries: list[shapely.Geometry], grid: Grid, *, all_touched: bool) -> np.ndarray:
    pairs = [(g, i) for i, g in enumerate(geometries, start=1)]
    return features.rasterize(
        pairs, out_shape=grid.shape, transform=grid.affine, dtype="uint32", all_touched=all_touched
    )


def ours(geometries: list[shapely.Geometry], grid: Grid, *, all_touched: bool) -> np.ndarray:
    numbers = np.arange(1, len(geometries) + 1, dtype=np.uint32)
    return rasterize_ids(np.array(geometries), numbers, grid, all_touched=all_touched)[0]


def polygonal(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """The polygons of a repaired geometry, on the ground instead of in pixels."""
    parts = [g for g in shapely.get_parts(shapely.make_valid(geometry)) if g.geom_type == "Polygon" and g.area > 0]
    if not parts:
        return None
    return shapely.transform(shapely.MultiPolygon(parts), lambda xy: xy * [10, -10] + [600_000, 4_900_000])


@st.composite
def shapes(draw: st.DrawFn) -> shapely.Geometry | None:
    """Stars, slivers, holes and boxes with corners anywhere, on pixel corners, on pixel centres, or next to them."""
    step = draw(st.sampled_from([1.0, 0.5, 0.25, 1e-3]))
    size = draw(st.sampled_from([1, 6, 60]))
    # GDAL's slip (see `rasterize`) needs a corner exactly on the right border: keep off it.
    centre_x, centre_y = draw(st.integers(-3, WIDTH + 3)), draw(st.integers(-3, HEIGHT + 3))
    n = draw(st.integers(3, 9))
    offsets = draw(st.lists(st.tuples(*[st.integers(-1000, 1000)] * 2), min_size=n, max_size=n))
    xy = np.round(np.array(offsets) * size / 1000 / step) * step + [centre_x, centre_y]
    xy[:, 0] += np.where(xy[:, 0] == WIDTH, step, 0) + draw(st.sampled_from([0, 1e-5, -1e-5, 2e-4]))
    if draw(st.booleans()):
        shape: shapely.Geometry = shapely.Polygon(xy)
    else:
        shape = shapely.box(*xy.min(0), *xy.max(0))
        if draw(st.booleans()):
            shape = shape.difference(shapely.Polygon(xy).buffer(0))
    return polygonal(shape)


@pytest.mark.parametrize("all_touched", [False, True])
@settings(max_examples=300, deadline=None)
@given(drawn=st.lists(shapes(), min_size=1, max_size=4))
def test_random_shapes_give_gdals_raster(all_touched: bool, drawn: list[shapely.Geometry | None]) -> None:
    geometries = [g for g in drawn if g is not None]
    if geometries:
        expected = gdal(geometries, GRID, all_touched=all_touched)
        np.testing.assert_array_equal(ours(geometries, GRID, all_touched=all_touched), expected)


@pytest.mark.parametrize("all_touched", [False, True])
def test_a_landscape_across_strips_of_rows(all_touched: bool) -> None:
    """Fields that share their edges, from a Voronoi partition of 700 rows: more than two strips."""
    grid = make_grid("EPSG:32631", 600_000, 4_900_000, 10, (700, 300))
    generator = np.random.default_rng(5)
    points = generator.uniform([600_000, 4_893_000], [603_000, 4_900_000], (400, 2))
    cells = list(shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points))))
    fields = cells + [c.buffer(-15) for c in cells[::7]]
    np.testing.assert_array_equal(
        ours(fields, grid, all_touched=all_touched), gdal(fields, grid, all_touched=all_touched)
    )


def test_other_pixel_sizes_and_origins() -> None:
    """A pixel size without an exact inverse, an origin off the round numbers, corners on the lattice."""
    for size, left, top in ((30.0, 399_960.0, 5_000_040.0), (7.3, 12_345.6, 99_999.9), (60.0, 0.0, 0.0)):
        grid = make_grid("EPSG:32631", left, top, size, (50, 60))
        generator = np.random.default_rng(3)
        corners = generator.integers(0, 90, (60, 4, 2)) / 2 * size * [1, -1] + [left, top]
        fields = [shapely.convex_hull(shapely.MultiPoint(c)) for c in corners]
        fields = [f for f in fields if f.area > 0]
        for all_touched in (False, True):
            expected = gdal(fields, grid, all_touched=all_touched)
            np.testing.assert_array_equal(ours(fields, grid, all_touched=all_touched), expected)

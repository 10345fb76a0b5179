"""Properties of label rasters that hold whatever the parcels."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.core.grid import make_grid
from bocage.labels.rasterize import draw_parcels, rasterize_ids

GRID = make_grid("EPSG:32631", 0, 200, 10, (20, 25))
corner = st.tuples(st.floats(-50, 300), st.floats(-50, 250))


def hull(points: list[tuple[float, float]]) -> shapely.Geometry:
    return shapely.convex_hull(shapely.MultiPoint(points))


fields = st.lists(
    st.lists(corner, min_size=3, max_size=7).map(hull).filter(lambda g: g.geom_type == "Polygon"),
    min_size=1,
    max_size=5,
).map(np.array)


@settings(deadline=None)
@given(fields)
def test_policies_agree_off_the_contested_pixels(geometries: np.ndarray) -> None:
    numbers = np.arange(1, len(geometries) + 1, dtype=np.uint32)
    rasters = {
        policy: draw_parcels(geometries, numbers, GRID, all_touched=False, overlaps=policy)
        for policy in ("first", "last", "smallest", "ignore")
    }
    last, contested = rasters["last"]
    for ids, claims in rasters.values():
        np.testing.assert_array_equal(claims, contested)
        np.testing.assert_array_equal(ids[~contested], last[~contested])
    assert (rasters["first"][0] <= last).all()  # numbers ascend in file order
    assert not rasters["ignore"][0][contested].any()


@settings(deadline=None)
@given(fields)
def test_contested_pixels_are_those_that_two_parcels_draw_alone(geometries: np.ndarray) -> None:
    numbers = np.arange(1, len(geometries) + 1, dtype=np.uint32)
    claims = sum((rasterize_ids(geometries[[i]], numbers[[i]], GRID)[0] > 0).astype(int) for i in range(len(numbers)))
    ids, n_overlap_px = rasterize_ids(geometries, numbers, GRID)
    assert n_overlap_px == (claims > 1).sum()
    np.testing.assert_array_equal(ids > 0, claims > 0)


@settings(deadline=None)
@given(fields)
def test_all_touched_only_adds(geometries: np.ndarray) -> None:
    one = np.uint32([1])
    for geometry in geometries:
        centres, _ = rasterize_ids(np.array([geometry]), one, GRID)
        touched, _ = rasterize_ids(np.array([geometry]), one, GRID, all_touched=True)
        assert not (centres & ~touched).any()

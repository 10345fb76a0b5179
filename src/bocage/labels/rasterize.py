"""Polygons and a grid → the raster of parcel numbers. Pure: arrays in, arrays out.

The rules are GDAL's, so that the raster is the one that `gdal_rasterize` and rasterio draw, to the pixel; an oracle
test holds us to it. A pixel belongs to a polygon when its centre does: on the line through the centres of a row, the
boundary crossings are sorted, and pixels from floor(x₁ + ½) up to, not including, floor(x₂ + ½) lie inside. Rings are
taken clockwise, and a stretch of one that runs west exactly along such a line draws its pixels too. `all_touched` adds
every pixel that the boundary passes through; that rule is left to rasterio itself.

The grid is cut into strips of rows; each strip is drawn by one thread, polygon after polygon in order, so the result
does not depend on the number of threads.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, NamedTuple

import numba
import numpy as np
import shapely
from rasterio.features import rasterize

from bocage.core.arrays import NO_PARCEL, AnyArray, Bool, Float64, Int64, UInt32
from bocage.core.grid import Grid
from bocage.core.threads import side_by_side

Overlaps = Literal["first", "last", "smallest", "ignore"]

STRIP_ROWS = 256


def rasterize_ids(
    geometries: AnyArray, numbers: UInt32, grid: Grid, *, all_touched: bool = False, overlaps: Overlaps = "last"
) -> tuple[UInt32, int]:
    """Parcel numbers on a grid.

    Args:
        geometries: (N,) shapely polygons and multi-polygons in the grid's CRS; empty ones draw nothing.
        numbers: (N,) unique numbers ≥ 1.
        all_touched: also the pixels that the boundary passes through, not only those whose centre lies inside.
        overlaps: whose a pixel is that several parcels claim: the first or last one's in order, the one's of smallest
            area (of equals, the last), or nobody's.

    Returns:
        (H, W) uint32 numbers, 0 = no parcel, and the number of pixels that several parcels claim.
    """
    ids, contested = draw_parcels(geometries, numbers, grid, all_touched=all_touched, overlaps=overlaps)
    return ids, int(contested.sum())


def draw_parcels(
    geometries: AnyArray, numbers: UInt32, grid: Grid, *, all_touched: bool, overlaps: Overlaps
) -> tuple[UInt32, Bool]:
    """As `rasterize_ids`, but with the (H, W) bool raster of the pixels that several parcels claim."""
    shape = int(grid.shape[0]), int(grid.shape[1])
    ids, contested = np.zeros(shape, np.uint32), np.zeros(shape, np.bool_)
    filled = ~shapely.is_empty(geometries)
    if not filled.any():
        return ids, contested
    geometries, numbers = geometries[filled], numbers[filled]
    order = _drawing_order(geometries, overlaps)
    if all_touched:
        ids = _draw_touched(geometries[order], numbers[order], grid)
        contested = ids != _draw_touched(geometries[order[::-1]], numbers[order[::-1]], grid)
    else:
        outlines = _flatten(geometries, numbers.astype(np.uint32), grid, order)
        strips = [(first, min(first + STRIP_ROWS, shape[0])) for first in range(0, shape[0], STRIP_ROWS)]
        side_by_side(partial(_draw_strip, ids, contested), [(*strip, outlines) for strip in strips])
    if overlaps == "ignore":
        ids[contested] = NO_PARCEL
    return ids, contested


def _draw_touched(geometries: AnyArray, numbers: UInt32, grid: Grid) -> UInt32:
    """Every pixel that a parcel touches, the last one's in order. A pixel is contested if the reverse order differs."""
    shapes = zip(geometries, numbers.tolist(), strict=True)
    return np.asarray(
        rasterize(shapes, tuple(grid.shape), transform=grid.affine, all_touched=True, dtype="uint32", fill=NO_PARCEL)
    )


class _Outlines(NamedTuple):
    """Polygons as flat arrays. Polygon p has rings polygon_start[p]:polygon_start[p + 1], ring r has vertices
    ring_start[r]:ring_start[r + 1], the first one repeated at the end."""

    xs: Float64  # of the vertices, in pixels from the left edge of the grid
    ys: Float64  # in pixels from its upper edge
    ring_start: Int64
    clockwise: Bool  # of the rings, on the ground
    polygon_start: Int64
    top: Float64  # least y of the polygons
    bottom: Float64  # greatest y
    numbers: UInt32  # of the polygons: the parcel's
    order: Int64  # in which polygons are drawn: the last one keeps the pixel


def _drawing_order(geometries: AnyArray, overlaps: Overlaps) -> Int64:
    order = np.arange(len(geometries))
    if overlaps == "first":
        return order[::-1]
    if overlaps == "smallest":
        return np.argsort(-shapely.area(geometries), kind="stable")
    return order


def _flatten(geometries: AnyArray, numbers: UInt32, grid: Grid, order: Int64) -> _Outlines:
    kind, xy, offsets = shapely.to_ragged_array(geometries, include_z=False)
    if kind not in (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON):
        raise TypeError(f"parcels are polygons and multi-polygons, not {kind.name}")
    starts = [np.asarray(o, np.int64) for o in offsets]
    ring_start, polygon_start = starts[0], starts[1]
    parcel_start = starts[2] if kind == shapely.GeometryType.MULTIPOLYGON else np.arange(len(geometries) + 1)
    a = grid.affine
    xs = -a.c / a.a + xy[:, 0] * (1 / a.a)  # GDAL's inverse of a north-up transform, in its order of operations
    ys = -a.f / a.e + xy[:, 1] * (1 / a.e)

    n_parts = np.diff(parcel_start)
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    first_vertex = ring_start[polygon_start[:-1]]
    return _Outlines(
        xs,
        ys,
        ring_start,
        _is_clockwise(xs, ys, ring_start),
        polygon_start,
        np.minimum.reduceat(ys, first_vertex),
        np.maximum.reduceat(ys, first_vertex),
        np.repeat(numbers, n_parts),
        np.argsort(np.repeat(ranks, n_parts), kind="stable"),
    )


def _is_clockwise(xs: Float64, ys: Float64, ring_start: Int64) -> Bool:
    """Of each ring, seen on the ground: by the sign of its area. y grows downwards."""
    first = np.repeat(ring_start[:-1], np.diff(ring_start))
    x, y = xs - xs[first], ys - ys[first]
    cross = np.append(x[:-1] * y[1:] - x[1:] * y[:-1], 0.0)  # 0 from one ring to the next: the rings are closed
    return np.asarray(np.add.reduceat(cross, ring_start[:-1]) > 0)


@numba.njit(nogil=True, cache=True)
def _draw_strip(
    ids: UInt32,
    contested: Bool,
    first: int,
    last: int,
    outlines: _Outlines,
) -> None:
    """Draw all polygons, in order, on rows first … last − 1."""
    n_crossings = np.zeros(last - first + 1, np.int64)  # of the current polygon, row by row
    crossings = np.empty(64, np.int64)  # the columns where they lie, row after row
    o = outlines
    for p in o.order:
        if o.bottom[p] < first or o.top[p] > last:
            continue
        row0 = max(first, int(np.floor(o.top[p])))
        row1 = min(last, int(np.floor(o.bottom[p])) + 1)
        if row1 > row0:
            crossings = _fill(ids, contested, o, p, row0, row1, n_crossings, crossings)


@numba.njit(nogil=True, cache=True)
def _fill(
    ids: UInt32,
    contested: Bool,
    outlines: _Outlines,
    p: int,
    row0: int,
    row1: int,
    n_crossings: Int64,
    crossings: Int64,
) -> Int64:
    """Draw the pixels of rows row0 … row1 − 1 whose centres lie in polygon p; returns the scratch, grown if need be.

    Edges are walked twice: to count each row's crossings, then to put them where the counts say.
    """
    o, number = outlines, outlines.numbers[p]
    n_crossings[: row1 - row0 + 1] = 0
    for r in range(o.polygon_start[p], o.polygon_start[p + 1]):
        for v in range(o.ring_start[r], o.ring_start[r + 1] - 1):
            y0, y1 = min(o.ys[v], o.ys[v + 1]), max(o.ys[v], o.ys[v + 1])
            for row in range(max(row0, int(np.ceil(y0 - 0.5))), min(row1, int(np.ceil(y1 - 0.5)))):
                n_crossings[row - row0 + 1] += 1
            level = int(np.floor(y0))
            if y0 == y1 and y0 == level + 0.5 and row0 <= level < row1:
                start, end = (o.xs[v], o.xs[v + 1]) if o.clockwise[r] else (o.xs[v + 1], o.xs[v])
                _draw_span(ids, contested, number, level, int(np.floor(end + 0.5)), int(np.floor(start + 0.5)))
    for row in range(row1 - row0):
        n_crossings[row + 1] += n_crossings[row]
    total = n_crossings[row1 - row0]
    if total > len(crossings):
        crossings = np.empty(2 * total, np.int64)

    # From here n_crossings[row - row0] is where the row's next crossing goes; in the end, where the next row starts.
    for r in range(o.polygon_start[p], o.polygon_start[p + 1]):
        for v in range(o.ring_start[r], o.ring_start[r + 1] - 1):
            upper, lower = (v, v + 1) if o.ys[v] < o.ys[v + 1] else (v + 1, v)
            x0, y0, x1, y1 = o.xs[upper], o.ys[upper], o.xs[lower], o.ys[lower]
            for row in range(max(row0, int(np.ceil(y0 - 0.5))), min(row1, int(np.ceil(y1 - 0.5)))):
                x = (row + 0.5 - y0) * (x1 - x0) / (y1 - y0) + x0
                crossings[n_crossings[row - row0]] = int(np.floor(x + 0.5))
                n_crossings[row - row0] += 1

    start = 0
    for row in range(row0, row1):
        end = n_crossings[row - row0]
        here = crossings[start:end]
        if len(here) == 2:
            _draw_span(ids, contested, number, row, min(here[0], here[1]), max(here[0], here[1]))
        elif len(here) > 2:
            here.sort()
            for i in range(0, len(here) - 1, 2):
                _draw_span(ids, contested, number, row, here[i], here[i + 1])
        start = end
    return crossings


@numba.njit(nogil=True, cache=True)
def _draw_span(ids: UInt32, contested: Bool, number: Any, row: int, left: int, right: int) -> None:
    """Pixels left … right − 1 of a row, as far as they lie in the image, go to `number`."""
    line = ids[row, max(left, 0) : max(right, 0)]
    taken = contested[row, max(left, 0) : max(right, 0)]
    for column in range(len(line)):
        taken[column] |= (line[column] != np.uint32(NO_PARCEL)) & (line[column] != number)
        line[column] = number

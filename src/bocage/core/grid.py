"""Grids (odc-geo GeoBox) and windows on them. Pure.

A grid is an immutable GeoBox: CRS, affine transform, shape (y, x). A window is a rectangle of whole pixels in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from shapely.affinity import translate
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from bocage.core.errors import GridMismatch

Grid: TypeAlias = GeoBox


@dataclass(frozen=True, order=True)
class Window:
    """A rectangle of pixels: first row and column, height and width, in pixels. Array order, y before x."""

    row: int
    col: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height <= 0 or self.width <= 0:
            raise GridMismatch(f"an empty window: {self}")

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.row, self.row + self.height), slice(self.col, self.col + self.width)

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    def overlap_px(self, other: Window) -> int:
        """Number of pixels that both windows cover."""
        rows = min(self.row + self.height, other.row + other.height) - max(self.row, other.row)
        cols = min(self.col + self.width, other.col + other.width) - max(self.col, other.col)
        return max(rows, 0) * max(cols, 0)


def make_grid(crs: str | CRS, left: float, top: float, resolution_m: float, shape: tuple[int, int]) -> Grid:
    """A north-up grid from its upper-left corner; `shape` is (rows, columns)."""
    return GeoBox(shape, Affine(resolution_m, 0, left, 0, -resolution_m, top), crs)


def grid_window(grid: Grid, window: Window) -> Grid:
    """The part of `grid` under `window`."""
    return grid[window.slices]


def grid_bounds(grid: Grid) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) in the grid's CRS."""
    b = grid.boundingbox
    return b.left, b.bottom, b.right, b.top


def grid_resolution_m(grid: Grid) -> float:
    """Pixel size in metres; grids here have square pixels in a metric CRS."""
    return abs(float(grid.affine.a))


def full_window(grid: Grid) -> Window:
    return Window(0, 0, int(grid.shape[0]), int(grid.shape[1]))


def footprint(grid: Grid, crs: str | CRS = "EPSG:4326") -> BaseGeometry:
    """The grid's outline in another CRS (longitude/latitude by default), x before y.

    In degrees a grid across the antimeridian has two parts, one on either side of it.
    """
    left, bottom, right, top = grid_bounds(grid)
    outline = box(left, bottom, right, top).segmentize(max(right - left, top - bottom) / 16)
    placed = project(outline, str(grid.crs), crs)
    west, _, east, _ = placed.bounds
    return _cut_at_antimeridian(placed) if east - west > 180 and CRS.from_user_input(crs).is_geographic else placed


def _cut_at_antimeridian(outline: BaseGeometry) -> BaseGeometry:
    """Of a longitude/latitude outline whose corners lie on both sides of ±180°."""
    eastward = shapely.transform(outline, lambda xy: np.column_stack([xy[:, 0] % 360, xy[:, 1]]))
    beyond = translate(eastward.intersection(box(180, -90, 360, 90)), xoff=-360)
    return eastward.intersection(box(0, -90, 180, 90)).union(beyond)


def utm_of(longitude: float, latitude: float) -> str:
    """The CRS of the UTM zone of a place, by degrees alone: the exceptions around Norway and Svalbard are left out."""
    return f"EPSG:{(32600 if latitude >= 0 else 32700) + int((longitude + 180) // 6) % 60 + 1}"


def project(geometry: BaseGeometry, source: str | CRS, target: str | CRS) -> BaseGeometry:
    """A geometry in another CRS, x before y."""
    transformer = Transformer.from_crs(CRS.from_user_input(source), CRS.from_user_input(target), always_xy=True)
    return shapely.transform(geometry, transformer.transform, interleaved=False)  # type: ignore[arg-type]


def same_lattice(a: Grid, b: Grid, *, tolerance_px: float = 1e-6) -> bool:
    """True if both grids have one CRS and pixel size, and their pixel corners coincide."""
    if a.crs != b.crs or abs(a.affine.a - b.affine.a) > 1e-9 or abs(a.affine.e - b.affine.e) > 1e-9:
        return False
    shift_x, shift_y = (b.affine.c - a.affine.c) / a.affine.a, (b.affine.f - a.affine.f) / a.affine.e
    return abs(shift_x - round(shift_x)) < tolerance_px and abs(shift_y - round(shift_y)) < tolerance_px


def grid_to_json(grid: Grid) -> dict[str, Any]:
    """crs (EPSG code where there is one, else WKT), transform (six numbers, row by row), shape (rows, columns)."""
    crs = CRS.from_user_input(str(grid.crs))
    epsg = crs.to_epsg()
    return {
        "crs": f"EPSG:{epsg}" if epsg else crs.to_wkt(),
        "transform": [float(v) for v in tuple(grid.affine)[:6]],
        "shape": [int(grid.shape[0]), int(grid.shape[1])],
    }


def grid_from_json(record: Mapping[str, Any]) -> Grid:
    return GeoBox(tuple(record["shape"]), Affine(*record["transform"][:6]), record["crs"])

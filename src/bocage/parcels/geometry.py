"""Geometry of declared parcels: repaired, polygons only, measured, duplicates found. Pure, on arrays of shapely."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from bocage.core.arrays import Bool, Float64

Geometries = NDArray[np.object_]
POLYGONAL = (int(shapely.GeometryType.POLYGON), int(shapely.GeometryType.MULTIPOLYGON))
MIN_AREA_M2 = 1.0  # a hundredth of a Sentinel-2 pixel: digitising noise, not a field


def repair(geometries: Geometries) -> tuple[Geometries, Bool]:
    """Flat and valid geometries without their points and lines, and which ones had to be changed.

    What holds no polygon becomes an empty polygon. What is missing, or has a coordinate that is no number, is None.
    """
    flat = shapely.force_2d(geometries)
    flat[~shapely.is_empty(flat) & ~np.isfinite(shapely.bounds(flat)).all(axis=1)] = None
    present = ~shapely.is_missing(flat)
    invalid = present & ~shapely.is_valid(flat)
    flat[invalid] = shapely.make_valid(flat[invalid], method="structure", keep_collapsed=False)
    other = present & ~np.isin(shapely.get_type_id(flat), POLYGONAL)
    flat[other] = [_polygons_of(g) for g in flat[other]]
    return flat, invalid | other


def _polygons_of(geometry: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shapely.get_parts(geometry))
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return shapely.union_all(polygons) if len(polygons) else shapely.Polygon()


def areas_ha(geometries: Geometries, crs: CRS, equal_area: CRS) -> Float64:
    """Areas in hectares, measured in an equal-area CRS; 0 for missing, empty, and what cannot be projected."""
    moved = move(geometries, crs, equal_area)
    placed = np.isfinite(shapely.bounds(moved)).all(axis=1)
    areas: Float64 = np.where(placed, shapely.area(moved), 0.0) / 10_000
    return areas


def move(geometries: Geometries, source: CRS, target: CRS) -> Geometries:
    """Geometries in another CRS, x before y; coordinates that have no place in it become infinite."""
    transformer = Transformer.from_crs(source, target, always_xy=True)
    moved: Geometries = shapely.transform(
        geometries, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
    )
    return moved


def first_of_same(geometries: Geometries) -> NDArray[np.int64]:
    """For each geometry the position of the first one with exactly the same shape (itself if there is none before)."""
    seen: dict[bytes, int] = {}
    shapes = shapely.to_wkb(shapely.normalize(geometries))
    return np.array([seen.setdefault(shape, i) for i, shape in enumerate(shapes)], dtype=np.int64)

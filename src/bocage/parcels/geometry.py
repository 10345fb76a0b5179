"""Geometry of declared parcels: repaired, polygons only, measured, keyed. Pure, on arrays of shapely."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from pandas.util import hash_array
from pyproj import CRS

from bocage.core.arrays import Bool, Float64, UInt64
from bocage.parcels.crs import is_european, lonlat_boxes, transformer

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


def areas_ha(geometries: Geometries, crs: CRS) -> Float64:
    """Areas in hectares, measured in an equal-area CRS; 0 for missing, empty, and what cannot be projected.

    EPSG:3035 for what lies in Europe, EPSG:6933 for the rest: decided for each shape, so that its area does not depend
    on its neighbours.
    """
    areas = np.zeros(len(geometries))
    european = is_european(lonlat_boxes(crs, shapely.bounds(geometries)))
    for code, chosen in ((3035, european), (6933, ~european)):
        if chosen.any():
            moved = move(geometries[chosen], crs, CRS.from_epsg(code))
            placed = np.isfinite(shapely.bounds(moved)).all(axis=1)
            areas[chosen] = np.where(placed, shapely.area(moved), 0.0) / 10_000
    return areas


def move(geometries: Geometries, source: CRS, target: CRS) -> Geometries:
    """Geometries in another CRS, x before y; coordinates that have no place in it become infinite."""
    transform = transformer(source, target).transform
    moved: Geometries = shapely.transform(geometries, lambda xy: np.column_stack(transform(xy[:, 0], xy[:, 1])))
    return moved


def drop_slivers(geometries: Geometries, crs: CRS) -> tuple[Geometries, Bool]:
    """Shapes without those parts that are smaller than `MIN_AREA_M2`, and which ones had such; a last part stays."""
    many = np.flatnonzero(shapely.get_num_geometries(geometries) > 1)
    parts, owner = shapely.get_parts(geometries[many], return_index=True)
    small = areas_ha(parts, crs) * 10_000 < MIN_AREA_M2
    changed, result = np.zeros(len(geometries), dtype=bool), geometries.copy()
    for i in np.unique(owner[small]):
        kept = parts[(owner == i) & ~small]
        if len(kept):
            changed[many[i]], result[many[i]] = True, shapely.MultiPolygon(list(kept)) if len(kept) > 1 else kept[0]
    return result, changed


def shape_keys(geometries: Geometries) -> UInt64:
    """A 64-bit key of each shape: equal for exactly the same shape, wherever its ring starts.

    Among ten million different shapes the chance that any two share a key is 3 in a million.
    """
    keys: UInt64 = hash_array(np.asarray(shapely.to_wkb(shapely.normalize(geometries)), dtype=object), categorize=False)
    return keys

"""Where samples lie on the ground, across coordinate systems: overlap, distance, shared area. Pure.

Samples of one window (several dates, several years) share a place. Places in different UTM zones are compared in the
zone of the first of them; their edges are taken as straight, which errs by centimetres over a patch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from bocage.core.arrays import Bool, Int64
from bocage.core.errors import DataError

Geometries = NDArray[np.object_]
COLUMNS = ("sample_id", "crs", "left", "top", "height", "width", "resolution_m")
_LEAST_PX = 0.01  # overlaps below this share of a pixel are rounding of coordinates


@dataclass(frozen=True)
class Places:
    """P distinct windows of ground.

    Attributes:
        of_sample: (N,) number of each sample's place.
        crs: (P,) coordinate system, as in the manifest.
        boxes: (P,) rectangles in their own crs.
        resolution_m: (P,) pixel size.
    """

    of_sample: Int64
    crs: NDArray[np.object_]
    boxes: Geometries
    resolution_m: NDArray[np.float64]


def find_places(manifest: pd.DataFrame) -> Places:
    """The distinct windows of a manifest.

    Raises:
        DataError: if columns are missing, or a sample has no georeference.
    """
    if missing := [c for c in COLUMNS if c not in manifest]:
        raise DataError(f"The manifest lacks {', '.join(missing)}: without them nothing is known of the ground.")
    nowhere = manifest.loc[manifest[list(COLUMNS)].isna().any(axis=1), "sample_id"].tolist()
    if nowhere:
        raise DataError(
            f"{len(nowhere)} samples have no georeference, e.g. '{nowhere[0]}'; they cannot be split by ground."
        )
    groups = manifest.groupby([c for c in COLUMNS if c != "sample_id"], sort=False)
    of_sample = np.asarray(groups.ngroup(), np.int64)
    first = manifest.iloc[np.unique(of_sample, return_index=True)[1]]
    left, top, size = (first[c].to_numpy(float) for c in ("left", "top", "resolution_m"))
    right, bottom = left + first["width"].to_numpy() * size, top - first["height"].to_numpy() * size
    return Places(of_sample, first["crs"].to_numpy(object), shapely.box(left, bottom, right, top), size)


def block_ids(manifest: pd.DataFrame, block_m: float) -> NDArray[np.object_]:
    """The block of each sample: the square of ground (in its crs) that its centre lies in, as "crs/column/row"."""
    places = find_places(manifest)
    centre = shapely.get_coordinates(shapely.centroid(places.boxes))
    cells = np.floor(np.round(centre, 3) / block_m).astype(np.int64)
    names = [f"{crs}/{x}/{y}" for crs, (x, y) in zip(places.crs, cells, strict=True)]
    return np.array(names, object)[places.of_sample]


def overlapping(places: Places) -> tuple[Int64, Int64, Geometries]:
    """All pairs of different places that cover the same ground: i, j, and what they share, in the crs of i."""
    found: list[tuple[Int64, Int64, Geometries]] = []
    for own, tree, others, boxes in _by_crs(places):
        a, b = tree.query(boxes, predicate="intersects")
        i, j = own[b], others[a]
        once = np.where(places.crs[i] == places.crs[j], i < j, places.crs[i] < places.crs[j])
        i, j, a = i[once], j[once], a[once]
        shared = shapely.intersection(places.boxes[i], boxes[a])
        real = shapely.area(shared) > _LEAST_PX * places.resolution_m[i] ** 2
        found.append((i[real], j[real], shared[real]))
    i, j, shared = (np.concatenate(column) for column in zip(*found, strict=True))
    return i, j, shared


def least_distance_m(places: Places, a: Bool, b: Bool) -> float | None:
    """Least distance on the ground between the places of two groups ((P,) bool each); None if one is empty.

    Far from its own zone a UTM distance is stretched; the least one is what counts, and that is near.
    """
    least: float | None = None
    for own, _, others, boxes in _by_crs(places):
        left, right = places.boxes[own[a[own]]], boxes[b[others]]
        if len(left) and len(right):
            _, distances = shapely.STRtree(right).query_nearest(left, return_distance=True, all_matches=False)
            least = min(float(distances.min()), np.inf if least is None else least)
    return least


def shared_ground_px(places: Places, parts: NDArray[np.object_]) -> int:
    """Pixels of ground that samples of two or more parts cover.

    Args:
        parts: (N,) part of each sample; None where it belongs to none.
    """
    table = pd.DataFrame({"place": places.of_sample, "part": parts}).dropna().drop_duplicates()
    of_place = table.groupby("place")["part"].agg(frozenset).reindex(range(len(places.boxes)))
    sets: list[frozenset[str]] = [s if isinstance(s, frozenset) else frozenset() for s in of_place]
    pieces: dict[tuple[Any, float], list[Any]] = {}
    for p, (parts_here, box) in enumerate(zip(sets, places.boxes, strict=True)):
        if len(parts_here) > 1:
            pieces.setdefault((places.crs[p], places.resolution_m[p]), []).append(box)
    for i, j, shape in zip(*overlapping(places), strict=True):
        if sets[i] and sets[j] and len(sets[i] | sets[j]) > 1:
            pieces.setdefault((places.crs[i], places.resolution_m[i]), []).append(shape)
    areas = {key: shapely.area(shapely.union_all(shapes)) / key[1] ** 2 for key, shapes in pieces.items()}
    return round(sum(areas.values()))


def _by_crs(places: Places) -> Iterator[tuple[Int64, shapely.STRtree, Int64, Geometries]]:
    """For each crs: its places, a tree of their boxes, and all places that have coordinates in this crs, in it."""
    names = sorted(set(places.crs))
    for name in names:
        own = np.flatnonzero(places.crs == name)
        others, boxes = [own], [places.boxes[own]]
        for other in (n for n in names if n != name):
            there = np.flatnonzero(places.crs == other)
            moved = _project(places.boxes[there], other, name)
            inside = np.isfinite(shapely.bounds(moved)).all(axis=1)
            others.append(there[inside])
            boxes.append(moved[inside])
        yield own, shapely.STRtree(places.boxes[own]), np.concatenate(others), np.concatenate(boxes)


def _project(boxes: Geometries, source: str, target: str) -> Geometries:
    transformer = Transformer.from_crs(source, target, always_xy=True)
    moved: Geometries = shapely.transform(boxes, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))
    return moved

"""Why a parcel is dropped: one verdict each, None for those that stay. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from bocage.core.arrays import Bool, Float64, Int64
from bocage.parcels.crs import LONLAT
from bocage.parcels.geometry import MIN_AREA_M2, move, shape_keys
from bocage.parcels.harmonise import Texts
from bocage.parcels.identities import SeenKeys, text_keys
from bocage.parcels.options import ParcelOptions

OUTSIDE = "outside the box"
OTHER_YEAR = "declared for another year"
NOT_PLACED = "outside its CRS"
NO_POLYGON = "no polygon"
TINY = f"under {MIN_AREA_M2:g} m²"


def is_placed(where: Float64) -> Bool:
    """Which lon/lat boxes are on the earth."""
    with np.errstate(invalid="ignore"):
        placed: Bool = np.all(np.abs(where) <= np.array([360, 90, 360, 90]), axis=1)
    return placed


def judge_parcels(
    geometries: NDArray[np.object_],
    crs: CRS,
    where: Float64,
    placed: Bool,
    area_ha: Float64,
    years: Int64,
    options: ParcelOptions,
) -> NDArray[np.object_]:
    """Why each parcel is dropped; None for those that stay."""
    verdicts = np.full(len(geometries), None, dtype=object)
    _set(verdicts, "no geometry", np.array([g is None for g in geometries], dtype=bool))
    _set(verdicts, NO_POLYGON, shapely.is_empty(geometries))
    _set(verdicts, NOT_PLACED, ~placed)
    _set(verdicts, "across the antimeridian", where[:, 2] - where[:, 0] > 180)
    _set(verdicts, TINY, area_ha * 10_000 < MIN_AREA_M2)
    if options.year is not None:
        _set(verdicts, OTHER_YEAR, (years > 0) & (years != options.year))
    if options.bbox is not None:
        asked = np.full(len(geometries), shapely.box(*options.bbox), dtype=object)
        _set(verdicts, OUTSIDE, ~shapely.intersects(move(geometries, crs, LONLAT), asked))
    return verdicts


def _set(verdicts: NDArray[np.object_], reason: str, hit: Bool) -> None:
    """Give `reason` to the parcels that are hit and have none yet."""
    verdicts[hit & np.array([v is None for v in verdicts], dtype=bool)] = reason


def judge_duplicates(
    verdicts: NDArray[np.object_], geometries: NDArray[np.object_], columns: Mapping[str, Texts], shapes: SeenKeys
) -> None:
    """Of parcels with exactly the same shape, the first one of the file stays."""
    left = np.flatnonzero([v is None for v in verdicts])
    labels = ["\x1f".join(v or "" for v in row) for row in zip(*(c[left] for c in columns.values()), strict=True)]
    crops = (text_keys(np.array(labels, dtype=object)) >> np.uint64(32)).astype(np.uint32)
    is_new, first_crops = shapes.add(shape_keys(geometries[left]), crops)
    for i in np.flatnonzero(~is_new):
        same_crop = crops[i] == first_crops[i]
        verdicts[left[i]] = f"same shape as an earlier parcel, {'same' if same_crop else 'another'} crop"

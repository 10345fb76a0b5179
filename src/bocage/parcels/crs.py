"""Which CRS a file means, as an EPSG code wherever one says the same. Pure."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from bocage.core.arrays import Bool, Float64
from bocage.core.errors import ConfigError

EUROPE = (-35.58, 24.6, 44.83, 84.73)  # area of use of EPSG:3035, degrees (EPSG registry)
SAME_DEG = 1e-7  # about a centimetre
LONLAT = CRS.from_epsg(4326)

Bounds = tuple[float, float, float, float]


def parse_crs(text: str) -> CRS:
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise ConfigError(f"'{text}' is not a CRS. Give a code such as EPSG:2154.") from error


@lru_cache(maxsize=64)
def transformer(source: CRS, target: CRS) -> Transformer:
    """From one CRS to another, x before y. Making one takes longer than moving ten thousand points."""
    return Transformer.from_crs(source, target, always_xy=True)


def name_crs(crs: CRS, bounds: Bounds) -> tuple[str, CRS]:
    """The EPSG code of a CRS, also of one that carries none.

    Many files describe a known CRS in other words (ESRI's spelling, another authority). The best match of the EPSG
    registry is accepted if it puts the corners and the centre of `bounds` (left, bottom, right, top in the units of
    the CRS) on the same spot of the earth; else the CRS keeps its own WKT.
    """
    matches = [crs.to_epsg(), crs.to_epsg(min_confidence=20), 4326 if crs.is_geographic else None]
    for code in dict.fromkeys(m for m in matches if m):
        match = CRS.from_epsg(code)
        if np.all(np.abs(_lonlat(crs, bounds) - _lonlat(match, bounds)) < SAME_DEG):
            return f"EPSG:{code}", match
    return crs.to_wkt(), crs


def _lonlat(crs: CRS, bounds: Bounds) -> Float64:
    left, bottom, right, top = bounds
    x = np.array([left, left, right, right, (left + right) / 2])
    y = np.array([bottom, top, bottom, top, (bottom + top) / 2])
    return np.stack(transformer(crs, LONLAT).transform(x, y))


def lonlat_boxes(crs: CRS, boxes: Float64) -> Float64:
    """Boxes (n, 4: left, bottom, right, top) in degrees of longitude and latitude; infinite where there is no place."""
    x, y = transformer(crs, LONLAT).transform(boxes[:, [0, 0, 2, 2]], boxes[:, [1, 3, 1, 3]])
    return np.stack([x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)], axis=1)


def outer_box(boxes: Float64) -> Bounds:
    """The box around boxes (n, 4), n at least 1."""
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def is_european(boxes: Float64) -> Bool:
    """Which lon/lat boxes (n, 4) lie in the area of use of EPSG:3035; False where a box is infinite or missing."""
    left, bottom, right, top = boxes.T
    with np.errstate(invalid="ignore"):
        inside: Bool = (left >= EUROPE[0]) & (bottom >= EUROPE[1]) & (right <= EUROPE[2]) & (top <= EUROPE[3])
    return inside

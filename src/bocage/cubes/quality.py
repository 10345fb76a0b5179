"""What is wrong with a pixel, as bit flags. Pure."""

from __future__ import annotations

import numba
import numpy as np

from bocage.core.arrays import SCALE, Bool, Int16, Int64, UInt8, UInt16
from bocage.cubes.radiometry import VISIBLE

NODATA = 1  # no number in some band
SATURATED = 2  # some band is saturated
UNCLEAR = 4  # cloud, shadow, snow, …: a scene class that does not count as clear
BRIGHT = 8  # unusually bright in all visible bands; the pixel stays valid, patches may judge it
FILLED = 16  # no usable value of its own; estimated from other dates, and valid

N_QUALITY = 32  # values that five flags can have
INVALID = NODATA | SATURATED | UNCLEAR
RIPPLE_DN = 10  # numbers up to this beside no-data are no-data: see `grow_nodata`


def find_valid(quality: UInt8) -> Bool:
    """True where a pixel is usable."""
    return np.asarray((quality & INVALID) == 0)


def grow_nodata(nodata: Bool, low: Bool) -> Bool:
    """No-data, and its neighbours that hold next to nothing.

    Lossy JPEG 2000 turns the zeros along an edge into small numbers here and there (0, 0, 3, 0, 8, …), which would pass
    as very dark ground.

    Args:
        nodata: (y, x) True where some band's DN is 0.
        low: (y, x) True where some band's DN is at most RIPPLE_DN.
    """
    near = nodata.copy()
    near[1:] |= nodata[:-1]
    near[:-1] |= nodata[1:]
    rows = near.copy()
    near[:, 1:] |= rows[:, :-1]
    near[:, :-1] |= rows[:, 1:]
    return nodata | (near & low)


def dilate(unclear: Bool, radius_px: float) -> Bool:
    """(y, x) True within `radius_px` (between pixel centres) of a True pixel. What lies off the raster is not seen."""
    reach = int(radius_px)
    if reach == 0:
        return unclear
    half_widths = np.floor(np.sqrt(radius_px**2 - np.arange(-reach, reach + 1) ** 2.0)).astype(np.int64)
    out = unclear.copy()
    _stamp_disks(unclear, half_widths, out)
    return out


@numba.njit(nogil=True, cache=True)
def _stamp_disks(unclear: Bool, half_widths: Int64, out: Bool) -> None:
    """A disk, given by its half width in each row, around each pixel at an edge; the inner ones add nothing."""
    height, width = unclear.shape
    reach = len(half_widths) // 2
    for y in range(height):
        for x in range(width):
            if not unclear[y, x]:
                continue
            inner_y = (y == 0 or unclear[y - 1, x]) and (y == height - 1 or unclear[y + 1, x])
            inner_x = (x == 0 or unclear[y, x - 1]) and (x == width - 1 or unclear[y, x + 1])
            if inner_y and inner_x:
                continue
            for row in range(max(y - reach, 0), min(y + reach + 1, height)):
                half = half_widths[row - y + reach]
                out[row, max(x - half, 0) : min(x + half + 1, width)] = True


def find_bright(stored: Int16, bands: tuple[str, ...], bright_reflectance: float) -> Bool:
    """(y, x) True where every visible band of `stored` (band, y, x) exceeds the reflectance; False without any."""
    visible = [stored[i] for i, band in enumerate(bands) if band in VISIBLE]
    if not visible:
        return np.zeros(stored.shape[1:], bool)
    return np.asarray(np.minimum.reduce(visible) > bright_reflectance * SCALE)


def mark_filled(quality: UInt8, filled: Bool) -> UInt8:
    """The flags after gap filling: what was filled is valid, and says so."""
    return np.where(filled, np.uint8(FILLED), quality).astype(np.uint8)


def composite_flags(n_valid: UInt16, has_data: Bool, bright: Bool) -> UInt8:
    """Flags of a composite.

    Args:
        n_valid: (y, x) number of valid observations.
        has_data: (y, x) True where some date of the period has data, usable or not.
        bright: (y, x) True where the composite is unusually bright.
    """
    missing = np.where(has_data, np.uint8(UNCLEAR), np.uint8(NODATA))
    return np.where(n_valid > 0, bright * np.uint8(BRIGHT), missing).astype(np.uint8)


def to_flags(*, nodata: Bool, saturated: Bool, unclear: Bool, bright: Bool) -> UInt8:
    """Four boolean rasters as one of bit flags; a pixel without data carries no other flag."""
    flags = saturated * np.uint8(SATURATED) | unclear * np.uint8(UNCLEAR) | bright * np.uint8(BRIGHT)
    return np.where(nodata, np.uint8(NODATA), flags).astype(np.uint8)

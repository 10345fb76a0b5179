"""DN -> stored reflectance, and the check of dark pixels against the product's metadata. Pure.

Reflectance = (DN + offset) / quantification; DN 0 is no-data, 65535 saturated. ESA, Sentinel-2 product metadata.
"""

from __future__ import annotations

import numba
import numpy as np

from bocage.core.arrays import MISSING_INT16, SCALE, Bool, Int16, Int64, UInt8
from bocage.scenes.record import OFFSET_BASELINE, Scene, baseline_number

NODATA_DN, SATURATED_DN = 0, 65535
MOST_STORED = 32767  # stored reflectance: 3.2767 or more
VISIBLE = ("B02", "B03", "B04")
_DARK_SCL = (4, 6)  # vegetation and water: always dark in the visible bands
_DARK_PERCENTILE = 5
_DARK_ENOUGH_PX = 500  # fewer vegetation and water pixels prove nothing
_DARKEST, _LIGHTEST = -0.03, 0.10  # what 5 % of vegetation or water lies under; wrong by the offset is ±0.1


def reflectance_table(offset: float, quantification: float) -> Int16:
    """(65536,) the stored reflectance of every DN: round(1e4 · (DN + offset) / quantification), DN 0 missing.

    Reflectances above 3.2767 are stored as that.
    """
    reflectance = (np.arange(65536, dtype=np.float64) + offset) / quantification
    table = np.clip(np.rint(reflectance * SCALE), -MOST_STORED, MOST_STORED).astype(np.int16)
    table[NODATA_DN] = MISSING_INT16
    return table


def count_dark(stored: Int16, bands: tuple[str, ...], scl: UInt8, valid: Bool) -> Int64:
    """How often each stored reflectance occurs over vegetation and water, in each visible band: (visible, 65536).

    Args:
        stored: (band, y, x) stored reflectance.
        bands: its band names.
        scl: (y, x) scene classes.
        valid: (y, x) True where all bands have a number.

    Returns:
        Column 0 counts −32768. Counts of the parts of a date add up to those of the date.
    """
    visible = [i for i, band in enumerate(bands) if band in VISIBLE]
    counts = np.zeros((len(visible), 1 << 16), np.int64)
    is_dark = np.zeros(256, np.bool_)
    is_dark[list(_DARK_SCL)] = True
    for row, i in zip(counts, visible, strict=True):
        _count(stored[i], is_dark, scl, valid, row)
    return counts


def dark_reflectance(counts: Int64) -> float | None:
    """How dark the darkest visible band is over vegetation and water: its 5th percentile, as reflectance.

    Args:
        counts: of `count_dark`.

    Returns:
        None if there is no visible band, or too little vegetation and water to tell.
    """
    n = int(counts[:1].sum())
    if n < _DARK_ENOUGH_PX:
        return None
    position = _DARK_PERCENTILE / 100 * (n - 1)  # between two pixels in order, as numpy.percentile interpolates
    below = np.cumsum(counts, axis=1)
    pair = np.array([np.searchsorted(b, [int(position), int(position) + 1], side="right") for b in below]) - (1 << 15)
    return float((pair[:, 0] + (position - int(position)) * (pair[:, 1] - pair[:, 0])).min() / SCALE)


@numba.njit(nogil=True, cache=True)
def _count(values: Int16, is_dark: Bool, scl: UInt8, valid: Bool, counts: Int64) -> None:
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            if valid[y, x] and is_dark[scl[y, x]]:
                counts[values[y, x] + 32768] += 1


def find_contradiction(scene: Scene, darkest: float | None) -> str | None:
    """Whether the darkest pixels (see `dark_reflectance`) contradict the scene's offset: what is wrong, or None.

    An offset that is subtracted though the numbers do not carry it leaves vegetation and water near −0.08 in the
    darkest visible band; one that is left in leaves them above 0.10. The latter can only be since baseline 04.00.
    """
    if darkest is None:
        return None
    measured = f"5 % of its vegetation and water pixels have a reflectance under {darkest:.3f}"
    said = f"offset {scene.offset:g} ({scene.offset_source})"
    if scene.offset < 0 and darkest < _DARKEST:
        return f"{scene.id}: {said}, but {measured}: the offset seems to be removed already"
    number = baseline_number(scene.baseline)
    if scene.offset == 0 and darkest >= _LIGHTEST and (number is None or number >= OFFSET_BASELINE):
        return f"{scene.id}: {said}, but {measured}: the offset seems to be in the numbers still"
    return None

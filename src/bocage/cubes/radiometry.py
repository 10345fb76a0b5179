"""DN -> stored reflectance, and the check of dark pixels against the product's metadata. Pure.

Reflectance = (DN + offset) / quantification; DN 0 is no-data, 65535 saturated. ESA, Sentinel-2 product metadata.
"""

from __future__ import annotations

import numpy as np

from bocage.core.arrays import MISSING_INT16, SCALE, Bool, Int16, UInt8
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


def dark_reflectance(stored: Int16, bands: tuple[str, ...], scl: UInt8, valid: Bool) -> float | None:
    """How dark the darkest visible band is over vegetation and water: its 5th percentile, as reflectance.

    Args:
        stored: (band, y, x) stored reflectance.
        bands: its band names.
        scl: (y, x) scene classes.
        valid: (y, x) True where all bands have a number.

    Returns:
        None if there is no visible band, or too little vegetation and water to tell.
    """
    visible = [i for i, band in enumerate(bands) if band in VISIBLE]
    dark = np.isin(scl, _DARK_SCL) & valid
    if not visible or np.count_nonzero(dark) < _DARK_ENOUGH_PX:
        return None
    return float(min(np.percentile(stored[i][dark], _DARK_PERCENTILE) for i in visible) / SCALE)


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

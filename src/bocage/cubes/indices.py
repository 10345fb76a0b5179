"""Reflectance -> spectral indices. Pure.

All are normalised differences (a − b) / (a + b), between −1 and 1 where both reflectances are positive.
"""

from __future__ import annotations

import numpy as np

from bocage.core.arrays import Bool, Float32
from bocage.core.errors import MissingBand, UnknownName

INDICES: dict[str, tuple[str, str]] = {
    "ndvi": ("B08", "B04"),  # vegetation: Rouse et al. 1974
    "gndvi": ("B08", "B03"),  # green vegetation: Gitelson et al. 1996
    "ndre": ("B8A", "B05"),  # chlorophyll, by the red edge: Barnes et al. 2000
    "ndmi": ("B8A", "B11"),  # moisture of vegetation: Gao 1996
    "ndwi": ("B03", "B08"),  # open water: McFeeters 1996
}


def spectral_index(name: str, reflectance: Float32, bands: tuple[str, ...], valid: Bool) -> tuple[Float32, Bool]:
    """One index of every pixel and date.

    Args:
        name: of `INDICES`.
        reflectance: (time, band, y, x) surface reflectance, unitless.
        bands: its band names.
        valid: (time, y, x) True where usable.

    Returns:
        (time, y, x) the index, 0 where it is not defined; and where it is defined: valid, and the sum above 0.

    Raises:
        UnknownName: if there is no such index.
        MissingBand: if a band that it needs is not there.
    """
    if name not in INDICES:
        raise UnknownName(f"There is no index '{name}'. Known: {', '.join(INDICES)}.")
    if missing := [band for band in INDICES[name] if band not in bands]:
        raise MissingBand(f"The index {name} needs {' and '.join(missing)}; there is {', '.join(bands)}.")
    a, b = (reflectance[:, bands.index(band)] for band in INDICES[name])
    total = a + b
    defined = valid & (total > 0)
    index = np.divide(a - b, total, out=np.zeros_like(total), where=defined)
    return np.clip(index, -1, 1, out=index), defined

"""Array conventions: names of dimensions, dtypes on disk and in memory, missing values. Pure.

On disk reflectance is int16 = round(10 000 ρ) with −32768 for missing (negative reflectance is legal after the
radiometric offset). In memory it is float32 with a separate boolean `valid`; missing pixels hold 0, never NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt8 = NDArray[np.uint8]
UInt16 = NDArray[np.uint16]
UInt32 = NDArray[np.uint32]
UInt64 = NDArray[np.uint64]
Bool = NDArray[np.bool_]
AnyArray = NDArray[Any]

BACKGROUND = 0  # labels: known not to be a target class
IGNORE = 255  # labels: unknown, never trained on or scored
NO_PARCEL = 0  # parcel ids: no parcel here
MISSING_INT16 = -32768  # stored reflectance: no value
SCALE = 10_000.0  # stored reflectance = round(SCALE * reflectance)


def to_stored(reflectance: Float32, valid: Bool) -> Int16:
    """Reflectance (unitless) as int16; `valid` broadcasts against it, invalid pixels become MISSING_INT16."""
    scaled = np.rint(np.clip(reflectance * np.float32(SCALE), -32767, 32767)).astype(np.int16)
    return np.where(valid, scaled, np.int16(MISSING_INT16)).astype(np.int16)


def from_stored(stored: Int16) -> Float32:
    """Stored int16 as float32 reflectance (unitless); missing pixels hold 0."""
    return np.where(stored == MISSING_INT16, np.float32(0), stored / np.float32(SCALE)).astype(np.float32)

"""What the readers share: a look at arrays on disk without loading them. IO, read only."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

EPOCH = date(1970, 1, 1)


def days_since_epoch(day: date) -> int:
    return (day - EPOCH).days


def check_npy(path: Path, dtype: str | None, shape: tuple[int, ...]) -> list[str]:
    """Problems of one .npy file: missing, truncated, of another type or shape."""
    if not path.is_file():
        return [f"{path.name} is missing"]
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        return [f"{path.name} is truncated or no array ({error})"]
    if array.shape != shape:
        return [f"{path.name} has the shape {array.shape}, expected {shape}"]
    if dtype is not None and array.dtype != np.dtype(dtype):
        return [f"{path.name} holds {array.dtype}, expected {dtype}"]
    return []

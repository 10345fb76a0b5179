"""What the readers share: a look at arrays on disk without loading them. IO, read only."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import h5py  # type: ignore[import-untyped]
import numpy as np

from bocage.core.errors import CorruptFile

EPOCH = date(1970, 1, 1)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


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


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file to read from.

    Raises:
        CorruptFile: if it cannot be opened, or something in it cannot be read.
    """
    try:
        with h5py.File(path) as file:
            yield file
    except OSError as error:
        raise CorruptFile(f"{path} is damaged ({error}). Get it again.") from error


def is_whole_png(data: bytes) -> bool:
    """Whether every chunk is there with its checksum, to the last one: GDAL reads a cut picture without an error."""
    at, kind = len(PNG_SIGNATURE), b""
    if not data.startswith(PNG_SIGNATURE):
        return False
    while kind != b"IEND":
        if at + 12 > len(data):
            return False
        n_bytes, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + n_bytes
        if data[end : end + 4] != struct.pack(">I", zlib.crc32(data[at + 4 : end])):
            return False
        at = end + 4
    return True

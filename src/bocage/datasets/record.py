"""Sample ⇄ the arrays and bytes that stand on disk. Pure.

A record is one sample without its origin: int16 image, labels, parcel ids. Where a pixel is invalid on a date, all its
bands hold −32768, so that validity needs no array of its own. Packed, a record is a small header followed by three
Blosc frames. LZ4 with bit shuffle: ten bands of nine real L2A products (Béziers 2018) take 0.53 of their bytes; LZ4HC
with byte shuffle takes 0.49 and three times as long to pack, zstd 0.46 and three times as long both ways.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numcodecs import blosc

from bocage.core.arrays import MISSING_INT16, SCALE, AnyArray, Bool, Float32, Int16, UInt8, UInt32, to_stored
from bocage.core.sample import Sample

blosc.use_threads = False  # threads finish blocks in any order: the bytes would differ between two runs

_HEADER = struct.Struct("<4s4H3I")  # magic; T, C, H, W; bytes of the frames of image, labels, parcel ids
_MAGIC = b"BCG1"
_CODEC, _LEVEL = b"lz4", 9


@dataclass(frozen=True)
class Record:
    """The arrays of one sample as they are stored.

    Attributes:
        image: (T, C, H, W) int16 = round(10 000 ρ), −32768 in all bands where the pixel is invalid.
        labels: (H, W) uint8.
        parcel_ids: (H, W) uint32.
    """

    image: Int16
    labels: UInt8
    parcel_ids: UInt32

    @property
    def digest(self) -> str:
        """sha256 of shape and content, whatever the store."""
        state = hashlib.sha256(repr(self.image.shape).encode())
        for array in (self.image, self.labels, self.parcel_ids):
            state.update(np.ascontiguousarray(array).data)
        return state.hexdigest()


def to_record(sample: Sample) -> Record:
    """A sample's arrays in stored form; reflectance under invalid pixels is dropped."""
    return Record(to_stored(sample.image, sample.valid[:, None]), sample.labels, sample.parcel_ids)


def to_reflectance(image: Int16) -> tuple[Float32, Bool]:
    """Stored image (…, T, C, H, W) → reflectance float32 of that shape, 0 where invalid, and valid (…, T, H, W)."""
    valid = image[..., 0, :, :] != MISSING_INT16
    reflectance = np.divide(image, np.float32(SCALE), dtype=np.float32)
    if not valid.all():
        np.copyto(reflectance, np.float32(0), where=~valid[..., None, :, :])
    return reflectance, valid


def pack(record: Record) -> bytes:
    """One record as bytes: the same bytes for the same arrays, always."""
    frames = [
        _compress(record.image, blosc.BITSHUFFLE),
        *(_compress(a, blosc.SHUFFLE) for a in (record.labels, record.parcel_ids)),
    ]
    return b"".join([_HEADER.pack(_MAGIC, *record.image.shape, *map(len, frames)), *frames])


def unpack(data: bytes) -> Record:
    """The arrays of a packed record.

    Raises:
        ValueError: if the bytes are not a whole record.
    """
    if len(data) < _HEADER.size or data[:4] != _MAGIC:
        raise ValueError("not a packed record")
    _, t, c, h, w, *lengths = _HEADER.unpack_from(data)
    ends = np.cumsum([_HEADER.size, *lengths])
    if ends[-1] != len(data):
        raise ValueError(f"a record of {ends[-1]} bytes, got {len(data)}")
    frames = [memoryview(data)[a:b] for a, b in pairwise(ends)]
    arrays = Record(np.empty((t, c, h, w), np.int16), np.empty((h, w), np.uint8), np.empty((h, w), np.uint32))
    for frame, array in zip(frames, (arrays.image, arrays.labels, arrays.parcel_ids), strict=True):
        try:
            blosc.decompress(frame, array)
        except RuntimeError as error:
            raise ValueError(str(error)) from error
    return arrays


def _compress(array: AnyArray, shuffle: int) -> bytes:
    frame: bytes = blosc.compress(np.ascontiguousarray(array), _CODEC, _LEVEL, shuffle)
    return frame

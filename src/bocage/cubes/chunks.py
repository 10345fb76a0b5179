"""The chunks of an array of a cube, read and written window by window. IO.

zarr makes the arrays and describes them, and reads them too; but each of its calls costs several milliseconds, more
than the chunk itself. Here a chunk is a file that holds one Blosc frame, as the Zarr v3 specification has it
(default chunk keys `c/…`, codecs bytes and blosc); a chunk of nothing but the fill value has no file.
"""

from __future__ import annotations

import struct
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numcodecs import blosc
from numcodecs.blosc import Blosc
from zarr.codecs import BloscCodec

from bocage.core.arrays import AnyArray
from bocage.core.errors import CorruptFile
from bocage.core.grid import Window
from bocage.core.threads import side_by_side

_SIZES = struct.Struct("<4xI4xI")  # of the head of a frame: bytes unpacked, bytes of the frame
_REBUILD = "Delete its cube and build it again."

blosc.use_threads = False  # threads finish blocks in any order: the bytes would differ between two runs


class Chunks:
    """One array (time, y, x) or (time, band, y, x), chunked in space, one date and all bands to a chunk."""

    def __init__(self, folder: Path, array: zarr.Array[Any]) -> None:
        self._folder = folder / array.basename / "c"
        (codec,) = array.compressors
        assert isinstance(codec, BloscCodec)
        how: Any = codec.to_dict()["configuration"]
        self._codec = Blosc(how["cname"], how["clevel"], getattr(Blosc, how["shuffle"].upper()))
        self._size = array.shape[-2:]
        self._chunk, self._dtype, self._fill = array.chunks[1:], array.dtype, array.fill_value

    def read(self, t: int, window: Window, threads: int | None = 1) -> AnyArray:
        """([band,] y, x) of one date in a window inside the array; see `read_into`."""
        out = np.empty((*self._chunk[:-2], *window.shape), self._dtype)
        self.read_into(out, t, window, threads)
        return out

    def read_into(self, out: AnyArray, t: int, window: Window, threads: int | None = 1) -> None:
        """What `read` returns, into an array that is there.

        Args:
            threads: CPU threads that unpack; None for all.

        Raises:
            CorruptFile: if a chunk is not whole.
        """
        side_by_side(partial(self._read_chunk, t, window, out), self._within(window), threads)

    def write(self, t: int, window: Window, values: AnyArray, threads: int | None = 1) -> None:
        """Put ([band,] y, x) of one date into a window; where it holds a part of a chunk, the rest stays."""
        side_by_side(partial(self._write_chunk, t, window, values), self._within(window), threads)

    def _within(self, window: Window) -> list[tuple[int, int]]:
        """The chunks (row, column) that a window meets."""
        height, width = self._chunk[-2:]
        rows = range(window.row // height, -(-(window.row + window.height) // height))
        cols = range(window.col // width, -(-(window.col + window.width) // width))
        return list(product(rows, cols))

    def _path(self, t: int, i: int, j: int) -> Path:
        bands = ["0"] * (len(self._chunk) - 2)
        return self._folder.joinpath(str(t), *bands, str(i), str(j))

    def _overlap(self, window: Window, i: int, j: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Where a chunk and a window meet: in the window's array, and in the chunk's."""
        height, width = self._chunk[-2:]
        top, left = max(window.row, i * height), max(window.col, j * width)
        bottom, right = (
            min(window.row + window.height, (i + 1) * height),
            min(window.col + window.width, (j + 1) * width),
        )
        inside = (..., slice(top - window.row, bottom - window.row), slice(left - window.col, right - window.col))
        return inside, (..., slice(top - i * height, bottom - i * height), slice(left - j * width, right - j * width))

    def _read_chunk(self, t: int, window: Window, out: AnyArray, i: int, j: int) -> None:
        inside, own = self._overlap(window, i, j)
        out[inside] = self._unpack(self._path(t, i, j))[own]

    def _write_chunk(self, t: int, window: Window, values: AnyArray, i: int, j: int) -> None:
        path, (inside, own) = self._path(t, i, j), self._overlap(window, i, j)
        height, width = self._chunk[-2:]
        whole = Window(
            i * height, j * width, min(height, self._size[0] - i * height), min(width, self._size[1] - j * width)
        )
        is_covered = window.overlap_px(whole) == whole.height * whole.width
        chunk = np.full(self._chunk, self._fill, self._dtype) if is_covered else self._unpack(path)
        chunk[own] = values[inside]
        if chunk.flat[0] == self._fill and (chunk == self._fill).all():
            path.unlink(missing_ok=True)
            return
        part = path.with_name(f".{path.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(self._codec.encode(chunk))
        part.replace(path)

    def _unpack(self, path: Path) -> AnyArray:
        try:
            frame = path.read_bytes()
        except FileNotFoundError:
            return np.full(self._chunk, self._fill, self._dtype)
        chunk = np.empty(self._chunk, self._dtype)
        sizes = _SIZES.unpack_from(frame) if len(frame) >= _SIZES.size else ()
        if sizes != (chunk.nbytes, len(frame)):  # the decoder trusts them
            raise CorruptFile(f"{path} is not a whole chunk ({len(frame)} bytes). {_REBUILD}")
        try:
            self._codec.decode(frame, chunk)
        except RuntimeError as error:
            raise CorruptFile(f"{path} cannot be unpacked ({error}). {_REBUILD}") from error
        return chunk

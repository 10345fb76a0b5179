"""Where the arrays of a data set stand: the registry of stores. IO: reads and writes files below one folder.

    shards   shards/00000.bin …: packed records one behind the other; the manifest says shard, offset, length, crc32
    npy      images/<id>.npy, labels/<id>.npy, parcel_ids/<id>.npy: readable by anything

Every read compares the crc32 of the bytes with the manifest's before it trusts them.
"""

from __future__ import annotations

import io
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Protocol

import numpy as np

from bocage.core.arrays import AnyArray
from bocage.core.errors import CorruptFile
from bocage.core.registry import Registry
from bocage.datasets.record import Record, pack, unpack

SHARD_BYTES = 32 << 20  # a shard is closed once it holds as much


@dataclass(frozen=True)
class Place:
    """Where one record stands. For stores with files of their own for each sample, shard and offset are 0."""

    shard: int
    offset: int
    length: int  # bytes
    crc32: int


class Store(Protocol):
    """Arrays by sample id, below one folder. Written one behind the other, then read at random by any number of
    readers. What `add` has returned a place for survives the end of the process."""

    def clear(self) -> None:
        """Delete what this kind of store has under the folder."""

    def go_on(self, last: Place) -> None:
        """Throw away what stands behind a record; the next one comes there."""

    def prepare(self, record: Record) -> tuple[bytes, ...]:
        """A record as the bytes of its files. Pure: any thread may do it."""

    def add(self, sample_id: str, parts: tuple[bytes, ...]) -> Place:
        """Append one prepared record."""

    def close(self) -> None:
        """No more records will come."""

    def read(self, sample_id: str, place: Place) -> Record:
        """One record back.

        Raises:
            CorruptFile: if the file is missing or short, or the checksum differs.
        """


STORES: Registry[Callable[[Path], Store]] = Registry("store")


@STORES.register("shards")
class ShardStore:
    """Packed records in a few files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shards"
        self._file: FileIO | None = None
        self._shard = 0

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def go_on(self, last: Place) -> None:
        for path in self.folder.glob("*.bin"):
            if path > self._path(last.shard):
                path.unlink()
        self._shard = last.shard
        self._file = self._path(last.shard).open("r+b", buffering=0)
        self._file.truncate(last.offset + last.length)
        self._file.seek(0, io.SEEK_END)

    def prepare(self, record: Record) -> tuple[bytes, ...]:
        return (pack(record),)

    def add(self, sample_id: str, parts: tuple[bytes, ...]) -> Place:
        (data,) = parts
        if self._file is not None and self._file.tell() + len(data) > SHARD_BYTES:
            self.close()
            self._shard += 1
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path(self._shard).open("wb", buffering=0)
        place = Place(self._shard, self._file.tell(), len(data), zlib.crc32(data))
        while data:  # a full disk takes a part and says why at the next call
            data = data[self._file.write(data) :]
        return place

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def read(self, sample_id: str, place: Place) -> Record:
        path = self._path(place.shard)
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(place.offset)
                data = file.read(place.length)
        except FileNotFoundError:
            raise _missing(path, sample_id) from None
        _check(path, sample_id, place, len(data), zlib.crc32(data))
        try:
            return unpack(data)
        except ValueError as error:
            raise CorruptFile(f"{path}, sample '{sample_id}': {error}. {_REBUILD}") from error

    def _path(self, shard: int) -> Path:
        return self.folder / f"{shard:05d}.bin"


@STORES.register("npy")
class NpyStore:
    """Plain .npy files, three a sample."""

    def __init__(self, folder: Path) -> None:
        self.folders = [folder / name for name in ("images", "labels", "parcel_ids")]

    def clear(self) -> None:
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    def go_on(self, last: Place) -> None:
        """A file of its own for each sample: the next one replaces a half-written one."""

    def prepare(self, record: Record) -> tuple[bytes, ...]:
        return _npy_bytes(record.image), _npy_bytes(record.labels), _npy_bytes(record.parcel_ids)

    def add(self, sample_id: str, parts: tuple[bytes, ...]) -> Place:
        length = crc = 0
        for folder, data in zip(self.folders, parts, strict=True):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{sample_id}.npy").write_bytes(data)
            length, crc = length + len(data), zlib.crc32(data, crc)
        return Place(0, 0, length, crc)

    def close(self) -> None:
        pass

    def read(self, sample_id: str, place: Place) -> Record:
        paths = [folder / f"{sample_id}.npy" for folder in self.folders]
        try:
            parts = [path.read_bytes() for path in paths]
        except FileNotFoundError as error:
            raise _missing(Path(error.filename), sample_id) from None
        crc = 0
        for data in parts:
            crc = zlib.crc32(data, crc)
        _check(paths[0], sample_id, place, sum(map(len, parts)), crc)
        image, labels, parcel_ids = (np.load(io.BytesIO(data), allow_pickle=False) for data in parts)
        return Record(image, labels, parcel_ids)


_REBUILD = "Delete the data set and build it again."


def _npy_bytes(array: AnyArray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _missing(path: Path, sample_id: str) -> CorruptFile:
    return CorruptFile(f"{path} is missing; it should hold sample '{sample_id}'. {_REBUILD}")


def _check(path: Path, sample_id: str, place: Place, length: int, crc32: int) -> None:
    if (length, crc32) != (place.length, place.crc32):
        raise CorruptFile(
            f"{path}, sample '{sample_id}': the manifest says {place.length} bytes with checksum {place.crc32:08x}, "
            f"the file has {length} with {crc32:08x}. {_REBUILD}"
        )

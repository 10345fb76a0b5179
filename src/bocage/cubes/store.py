"""Cubes on disk and back. IO: writes and reads one folder.

`cube.zarr` (zarr v3): `reflectance` int16 (time, band, y, x), round(1e4 · ρ), missing −32768; `quality` uint8 (time, y,
x), the bit flags of `quality`; of composites also `observations` uint16 (time, y, x), the valid dates that a pixel's
median is of. Coordinates and attributes follow the CF conventions, so xarray opens the array store by itself. One chunk
holds all bands of one date on 256 × 256 pixels, so that a window is a few reads a date. `cube.json`: grid, bands, days,
scenes and what was left out. While building, `building.json` has the dates that are done; a cube without `cube.json` is
unfinished.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from bocage.core.arrays import MISSING_INT16, Bool, Float32, Int16, Int32, UInt8, UInt16, from_stored
from bocage.core.artifacts import read_json, write_json
from bocage.core.errors import CorruptFile, GridMismatch, MissingFile
from bocage.core.grid import Grid, Window, full_window, grid_from_json, grid_window
from bocage.cubes.cf import CELL_METHODS, CONVENTIONS, OBSERVATIONS, QUALITY, REFLECTANCE, describe_axes
from bocage.cubes.chunks import Chunks
from bocage.cubes.quality import NODATA, find_valid

_CHUNK_PX = 256
_BLOCK_PX = 2048  # JPEG 2000 blocks of Sentinel-2 have 1024 pixels a side, at 20 m that is 2048 at 10 m
_PROGRAM_GB = 0.6  # the interpreter, its libraries, and the marks and flags of a strip of a whole tile
_RECORD, _BUILDING, _ARRAYS = "cube.json", "building.json", "cube.zarr"


@dataclass(frozen=True)
class Cube:
    """A part of a cube in memory.

    Attributes:
        reflectance: (time, band, y, x) float32, unitless; 0 where there is no data.
        quality: (time, y, x) uint8 bit flags of `bocage.cubes.quality`.
        days: (time,) int32 days since 1970-01-01, ascending.
        bands: band names, in order.
        grid: its grid.
    """

    reflectance: Float32
    quality: UInt8
    days: Int32
    bands: tuple[str, ...]
    grid: Grid

    def __post_init__(self) -> None:
        t, c, h, w = self.reflectance.shape
        rest = (self.quality.shape, self.days.shape, len(self.bands), tuple(self.grid.shape))
        if rest != ((t, h, w), (t,), c, (h, w)):
            raise GridMismatch(f"a cube of reflectance {self.reflectance.shape}, but the rest is {rest}")

    @property
    def valid(self) -> Bool:
        """(time, y, x) True where usable: data in all bands, not saturated, clear."""
        return find_valid(self.quality)


class CubeStore:
    """A finished cube on disk; reads windows.

    `scenes` has one name a date: the product's, or of a composite the period's; `record["periods"]` has its products.
    """

    def __init__(self, folder: Path, record: Mapping[str, Any], group: zarr.Group) -> None:
        self.folder, self.record = folder, record
        self._chunks = _open_chunks(folder, group)
        self.grid: Grid = grid_from_json(record["grid"])
        self.bands: tuple[str, ...] = tuple(record["bands"])
        self.days: Int32 = np.array(record["days"], np.int32)
        self.scenes: tuple[str, ...] = tuple(p["name"] for p in record.get("periods", ())) or tuple(record["scenes"])
        self.tile: str = record["tile"]
        self.level: str = record["level"]
        height, width = full_window(self.grid).shape
        self.shape: tuple[int, int, int, int] = (len(self.days), len(self.bands), height, width)

    def read(self, window: Window | None = None, dates: Sequence[int] | None = None) -> Cube:
        """A window (all by default) of some dates (by position; all by default).

        Raises:
            GridMismatch: if the window reaches outside the grid.
        """
        window, chosen = self._within(window), self._positions(dates)
        quality = self.read_quality(window, chosen)
        shape = (len(chosen), len(self.bands), *window.shape)
        reflectance = np.zeros(shape, np.float32)
        for i, t in enumerate(chosen):
            stored = self._chunks["reflectance"].read(t, window)
            reflectance[i] = np.where((quality[i] & NODATA) == 0, from_stored(stored), np.float32(0))
        return Cube(reflectance, quality, self.days[chosen], self.bands, grid_window(self.grid, window))

    def read_stored(
        self, window: Window | None = None, dates: Sequence[int] | None = None, *, threads: int | None = 1
    ) -> tuple[Int16, Bool]:
        """(time, band, y, x) stored reflectance and (time, y, x) where it is usable; half the work of `read`."""
        window, chosen = self._within(window), self._positions(dates)
        stored = np.empty((len(chosen), len(self.bands), *window.shape), np.int16)
        for i, t in enumerate(chosen):
            self._chunks["reflectance"].read_into(stored[i], t, window, threads)
        return stored, find_valid(self.read_quality(window, chosen))

    def read_quality(self, window: Window | None = None, dates: Sequence[int] | None = None) -> UInt8:
        """(time, y, x) bit flags alone; cheap."""
        window, chosen = self._within(window), self._positions(dates)
        out = np.empty((len(chosen), *window.shape), np.uint8)
        for i, t in enumerate(chosen):
            self._chunks["quality"].read_into(out[i], t, window)
        return out

    def read_observations(self, window: Window | None = None) -> UInt16:
        """(time, y, x) number of valid dates behind each pixel of a composite.

        Raises:
            MissingFile: if the cube is of single dates.
        """
        if "observations" not in self._chunks:
            raise MissingFile(f"The cube in {self.folder} is of single dates: it counts no observations.")
        window = self._within(window)
        return np.stack([self._chunks["observations"].read(t, window) for t in range(len(self.days))])

    @property
    def arrays(self) -> Path:
        """Its array store, which xarray opens."""
        return self.folder / _ARRAYS

    def _positions(self, dates: Sequence[int] | None) -> list[int]:
        return list(range(len(self.days))) if dates is None else [int(t) for t in dates]

    def _within(self, window: Window | None) -> Window:
        whole = full_window(self.grid)
        if window is not None and whole.overlap_px(window) != window.height * window.width:
            raise GridMismatch(f"{window} reaches outside the cube of {whole.height} × {whole.width} pixels.")
        return window or whole


def open_cube(folder: Path) -> CubeStore:
    """A finished cube.

    Raises:
        MissingFile: if there is none, or it was never finished.
        CorruptFile: if its files contradict each other.
    """
    if not (folder / _RECORD).is_file():
        raise MissingFile(f"{folder} holds no finished cube ({_RECORD} is not there). Build it again.")
    record = read_json(folder / _RECORD)
    try:
        group = zarr.open_group(folder / _ARRAYS, mode="r")
        store = CubeStore(folder, record, group)
        shapes = tuple(group["reflectance"].shape), tuple(group["quality"].shape)  # type: ignore[union-attr]
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise CorruptFile(f"the cube in {folder} cannot be opened ({error}). Delete it and build it again.") from error
    if shapes != (store.shape, (store.shape[0], *store.shape[2:])):
        raise CorruptFile(
            f"the cube in {folder} holds arrays of {shapes}, its record says {store.shape}. Build it again."
        )
    return store


class CubeWriter:
    """A cube being built. Dates that a killed run finished are kept; a half-written one is written again.

    Args:
        folder: where the cube goes.
        shape: (dates at most, bands, rows, columns).
        digest: of what is being built; halves of something else are thrown away.
        counts: whether the dates are composites, with numbers of observations.
        threads: CPU threads that pack and unpack; all by default.
    """

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, int, int, int],
        digest: str,
        *,
        counts: bool = False,
        threads: int | None = None,
    ) -> None:
        self.folder, self._shape, self._digest = folder, shape, digest
        self._threads = threads
        folder.mkdir(parents=True, exist_ok=True)
        self.done: dict[str, dict[str, Any]] = self._resume()
        if not self.done:
            shutil.rmtree(folder / _ARRAYS, ignore_errors=True)
            _create(folder / _ARRAYS, shape, counts=counts)
        self._group: Any = zarr.open_group(folder / _ARRAYS, mode="r+")
        self._chunks = _open_chunks(folder, self._group)

    @property
    def n_kept(self) -> int:
        return sum(entry["dropped"] is None for entry in self.done.values())

    def put(
        self, position: int, window: Window, stored: Int16, quality: UInt8, observations: UInt16 | None = None
    ) -> None:
        """A part of one date: (band, y, x) stored reflectance, (y, x) flags; of a composite (y, x) valid dates."""
        self.put_reflectance(position, window, stored)
        self.put_quality(position, window, quality)
        if observations is not None:
            self._chunks["observations"].write(position, window, observations, self._threads)

    def put_reflectance(self, position: int, window: Window, stored: Int16) -> None:
        """The reflectance alone; see `put`."""
        self._chunks["reflectance"].write(position, window, stored, self._threads)

    def put_quality(self, position: int, window: Window, quality: UInt8) -> None:
        """The flags alone; see `put`."""
        self._chunks["quality"].write(position, window, quality, self._threads)

    def read(self, window: Window) -> tuple[Int16, UInt8]:
        """A part of all dates so far: (time, band, y, x) stored reflectance, (time, y, x) flags."""
        stored = np.empty((self.n_kept, self._shape[1], *window.shape), np.int16)
        quality = np.empty((self.n_kept, *window.shape), np.uint8)
        for t in range(self.n_kept):
            self._chunks["reflectance"].read_into(stored[t], t, window, self._threads)
            self._chunks["quality"].read_into(quality[t], t, window)
        return stored, quality

    def overwrite(self, window: Window, stored: Int16, quality: UInt8) -> None:
        """A part of all dates so far, as `read` gives it."""
        for t in range(self.n_kept):
            self.put(t, window, stored[t], quality[t])

    def keep(self, name: str, notes: Mapping[str, Any]) -> None:
        """The next date stands complete in the arrays."""
        self._record(name, {"dropped": None, **notes})

    def drop(self, scene: str, reason: str, notes: Mapping[str, Any]) -> None:
        """A scene that makes no date."""
        self._record(scene, {"dropped": reason, **notes})

    def finish(self, record: Mapping[str, Any]) -> None:
        """Cut the arrays to the dates that were kept; write coordinates and the record: the cube is finished."""
        for name in ("reflectance", "quality"):
            array = self._group[name]
            array.resize((self.n_kept, *array.shape[1:]))
        periods = record.get("periods", ())
        bounds = [(period["first_day"], period["last_day"] + 1) for period in periods]
        axes = describe_axes(
            grid_from_json(record["grid"]), record["bands"], np.array(record["days"], np.int32), bounds
        )
        for axis in axes:
            made = self._group.create_array(
                axis.name,
                shape=axis.values.shape,
                dtype="str" if axis.values.dtype.kind == "T" else axis.values.dtype,
                dimension_names=axis.dims,
                attributes=dict(axis.attributes),
                overwrite=True,
            )
            made[...] = axis.values
        statistic = record.get("options", {}).get("composite", "none").rpartition("_")[2]
        if method := CELL_METHODS.get(statistic):
            self._group["reflectance"].attrs["cell_methods"] = method
        self._group.attrs.update({"Conventions": CONVENTIONS, "bocage": json.dumps(record)})
        write_json(self.folder / _RECORD, dict(record))
        (self.folder / _BUILDING).unlink(missing_ok=True)

    def _resume(self) -> dict[str, dict[str, Any]]:
        (self.folder / _RECORD).unlink(missing_ok=True)
        if not (self.folder / _BUILDING).is_file():
            return {}
        half = read_json(self.folder / _BUILDING)
        return dict(half["done"]) if half.get("digest") == self._digest else {}

    def _record(self, scene: str, entry: dict[str, Any]) -> None:
        self.done[scene] = entry
        write_json(self.folder / _BUILDING, {"digest": self._digest, "done": self.done})


def plan_blocks(shape: tuple[int, int, int, int], memory_gb: float) -> list[Window]:
    """Windows that cover a cube chunk by chunk, each as wide as its dates (time, band) take a sixteenth of the memory.

    The rest is for what is computed from a block: copies, flags, what the compressor holds.
    """
    t, c, height, width = shape
    n_chunks = max(1, int(memory_gb * 2**30 / 16) // (2 * max(t, 1) * c * _CHUNK_PX**2))
    step = n_chunks * _CHUNK_PX
    return [
        Window(row, col, min(_CHUNK_PX, height - row), min(step, width - col))
        for row in range(0, height, _CHUNK_PX)
        for col in range(0, width, step)
    ]


def plan_strips(shape: tuple[int, int, int, int], memory_gb: float, *, threads: int) -> list[list[Window]]:
    """Windows that cover a cube, strip by strip: those of a strip lie side by side and share their rows.

    One date of a window takes at most the memory while it is read: a pixel 2 bytes a band as stored and 4 for each band
    that is being decoded (its numbers, and GDAL's cache). Windows have as many columns as keep the threads busy, and
    keep JPEG 2000's blocks of 20 m whole where there is room for them.

    Args:
        threads: bands that may be decoded at a time.
    """
    _, c, height, width = shape
    n_px = int(max(memory_gb - _PROGRAM_GB, 0) * 1e9 / (2 * c + 4 * min(c, threads + 1)))
    n_cols = _BLOCK_PX * min(max(2, threads // 2), -(-width // _BLOCK_PX))
    while n_cols > _BLOCK_PX and _BLOCK_PX * n_cols > n_px:
        n_cols -= _BLOCK_PX
    n_rows = next((rows for rows in (_BLOCK_PX, 1024, 512) if rows * n_cols <= n_px), _CHUNK_PX)
    return [
        [Window(row, col, min(n_rows, height - row), min(n_cols, width - col)) for col in range(0, width, n_cols)]
        for row in range(0, height, n_rows)
    ]


def _open_chunks(folder: Path, group: Any) -> dict[str, Chunks]:
    return {
        name: Chunks(folder / _ARRAYS, group[name])
        for name in ("reflectance", "quality", "observations")
        if name in group
    }


def _create(path: Path, shape: tuple[int, int, int, int], *, counts: bool) -> None:
    t, c, h, w = shape
    group = zarr.create_group(path, zarr_format=3)
    tile = (min(_CHUNK_PX, h), min(_CHUNK_PX, w))
    group.create_array(
        "reflectance",
        shape=(t, c, h, w),
        chunks=(1, c, *tile),
        dtype="int16",
        fill_value=MISSING_INT16,
        compressors=BloscCodec(cname="lz4", clevel=9, shuffle="bitshuffle", typesize=2),
        dimension_names=("time", "band", "y", "x"),
        attributes=REFLECTANCE,
    )
    group.create_array(
        "quality",
        shape=(t, h, w),
        chunks=(1, *tile),
        dtype="uint8",
        fill_value=NODATA,
        compressors=BloscCodec(cname="zstd", clevel=3, shuffle="noshuffle", typesize=1),
        dimension_names=("time", "y", "x"),
        attributes=QUALITY,
    )
    if counts:
        group.create_array(
            "observations",
            shape=(t, h, w),
            chunks=(1, *tile),
            dtype="uint16",
            fill_value=0,
            compressors=BloscCodec(cname="zstd", clevel=3, shuffle="shuffle", typesize=2),
            dimension_names=("time", "y", "x"),
            attributes=OBSERVATIONS,
        )

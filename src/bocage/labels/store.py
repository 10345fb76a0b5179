"""Label rasters of one cube: built from parcels, opened again. IO: one folder.

`labels.tif` uint8 (0 background, 1 … K − 1 classes, 255 unknown), `parcel_ids.tif` uint32 (0 = none), both tiled
deflated GeoTIFFs on the cube's grid; `labels.json`: grid, options and counts, written last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from pyproj import CRS
from rasterio.errors import RasterioIOError
from rasterio.io import MemoryFile
from rasterio.windows import Window as RasterWindow

from bocage.core.arrays import BACKGROUND, IGNORE, NO_PARCEL, AnyArray, Bool, UInt8, UInt32
from bocage.core.artifacts import read_json, write_json
from bocage.core.errors import CorruptFile, GridMismatch, MissingFile, NothingLeft
from bocage.core.grid import Grid, Window, footprint, full_window, grid_bounds, grid_from_json, grid_to_json
from bocage.core.tally import Tally
from bocage.labels.options import LabelOptions
from bocage.labels.rasterize import draw_parcels

RECORD, LABELS, PARCEL_IDS = "labels.json", "labels.tif", "parcel_ids.tif"
BLOCK_PX = 256


def build_labels(
    frame: gpd.GeoDataFrame,
    grid: Grid,
    options: LabelOptions,
    *,
    coverage: Literal["complete", "partial"],
    folder: Path,
    colors: Mapping[int, str] | None = None,
    n_elsewhere: int = 0,
) -> Tally:
    """Write `labels.tif` (uint8), `parcel_ids.tif` (uint32) and `labels.json` of one grid.

    Args:
        frame: parcels with the columns number (unique, ≥ 1), class_id (0 … 254, or 255 for unknown) and geometry, in
            any CRS.
        coverage: whether `frame` holds all parcels of the land; decides `outside: auto`.
        colors: "#rrggbb" by class id, for the colour table of `labels.tif`.
        n_elsewhere: parcels off the grid that `frame` leaves out; they are counted.

    Returns:
        Parcels that own at least one pixel, `options.min_pixels` of them pure, and why others do not.

    Raises:
        NothingLeft: if no parcel owns a pixel.
    """
    numbers = frame["number"].to_numpy(np.uint32)
    class_ids = frame["class_id"].to_numpy(np.uint8)
    geometries = frame.geometry.to_crs(CRS.from_user_input(str(grid.crs))).to_numpy()
    inside = _meets(geometries, grid)
    if not inside.any():
        raise NothingLeft(describe_elsewhere(len(frame), frame.to_crs(4326).total_bounds, grid))

    ids, contested = draw_parcels(
        geometries[inside], numbers[inside], grid, all_touched=options.all_touched, overlaps=options.overlaps
    )
    owners = np.zeros(int(numbers.max()) + 1, np.bool_)
    for row in ids:  # row by row here and below: looking up takes 8 bytes a pixel
        owners[row] = True
    kept = int(owners[1:].sum())
    if not kept:
        raise NothingLeft(
            f"{int(inside.sum())} parcels lie on the image, but none holds the centre of a pixel of "
            f"{abs(grid.affine.a):g} m. Set labels.all_touched: true, or take larger parcels."
        )

    outside = _outside(options, coverage)
    labels = class_raster(ids, numbers, class_ids, outside=outside)
    if options.overlaps == "ignore":
        labels[contested] = IGNORE
    if options.inner_buffer_m:
        cores = shapely.buffer(geometries[inside], -options.inner_buffer_m)
        inner, _ = draw_parcels(
            cores, numbers[inside], grid, all_touched=options.all_touched, overlaps=options.overlaps
        )
        labels[(ids != NO_PARCEL) & (inner != ids)] = IGNORE
    else:
        inner = ids
    small = _find_small(ids, inner, len(owners), options.min_pixels)
    if small.any():
        for row, own in zip(labels, ids, strict=True):
            row[small[own]] = IGNORE
    dropped = {
        "outside the image": int((~inside).sum()) + n_elsewhere,
        "no pixel of its own": int(inside.sum()) - kept,
        f"fewer than {options.min_pixels} pure pixels": int(small.sum()),
    }
    tally = Tally(kept - int(small.sum()), dropped)

    folder.mkdir(parents=True, exist_ok=True)
    _write_raster(folder / LABELS, labels, grid, nodata=IGNORE, colors=colors)
    _write_raster(folder / PARCEL_IDS, ids, grid, nodata=NO_PARCEL)
    write_json(folder / RECORD, _record(labels, int(contested.sum()), grid, options, outside, tally))
    return tally


def _find_small(ids: UInt32, inner: UInt32, n: int, min_pixels: int) -> Bool:
    """By number, whether a parcel that owns pixels (in `ids`) has fewer than `min_pixels` that are also its own in
    `inner`; nobody is for a least number of 1."""
    owned, pure = np.zeros(n, np.int64), np.zeros(n, np.int64)
    if min_pixels > 1:
        for own, core in zip(ids, inner, strict=True):
            np.add.at(owned, own, 1)
            np.add.at(pure, own[core == own], 1)
    small: Bool = (owned > 0) & (pure < min_pixels)
    small[NO_PARCEL] = False
    return small


def class_raster(ids: UInt32, numbers: UInt32, class_ids: UInt8, *, outside: int) -> UInt8:
    """Class of each pixel by the parcel that owns it; `outside` where none does.

    Args:
        ids: (H, W) parcel numbers, 0 = none.
        numbers, class_ids: (N,) of the parcels.
    """
    class_of = np.full(int(numbers.max(initial=0)) + 1, outside, np.uint8)
    class_of[numbers] = class_ids
    labels = np.empty(ids.shape, np.uint8)
    for row, own in zip(labels, ids, strict=True):
        row[:] = class_of[own]
    return labels


def _meets(geometries: AnyArray, grid: Grid) -> Bool:
    """Which geometries' bounding boxes meet the grid; those that the reprojection could not place do not."""
    left, bottom, right, top = grid_bounds(grid)
    x0, y0, x1, y1 = shapely.bounds(geometries).T  # NaN for empty ones: no comparison holds
    placed = np.isfinite(x0 + y0 + x1 + y1)
    return np.asarray(placed & (x0 < right) & (x1 > left) & (y0 < top) & (y1 > bottom))


def describe_elsewhere(n: int, parcels: Sequence[float], grid: Grid) -> str:
    """The message for n parcels, none of which lies on the grid; `parcels` is their box in degrees."""

    def spell(bounds: Any) -> str:
        left, bottom, right, top = (float(v) for v in bounds)
        return f"longitude {left:.3f} to {right:.3f}, latitude {bottom:.3f} to {top:.3f}"

    return (
        f"None of the {n} parcels lies on the image. Parcels: {spell(parcels)}; "
        f"image: {spell(footprint(grid).bounds)}. Check that parcels and scenes show the same place, and parcels.crs."
    )


def _outside(options: LabelOptions, coverage: str) -> int:
    background = options.outside == "background" or (options.outside == "auto" and coverage == "complete")
    return BACKGROUND if background else IGNORE


def _write_raster(
    path: Path, values: AnyArray, grid: Grid, *, nodata: int, colors: Mapping[int, str] | None = None
) -> None:
    """A tiled, deflated GeoTIFF, whole or not at all. GDAL writes it in memory: on a full disk it raises nothing."""
    part = path.with_name(f".{path.name}.part")
    profile = {
        "driver": "GTiff", "dtype": values.dtype.name, "count": 1, "height": values.shape[0], "width": values.shape[1],
        "crs": str(grid.crs), "transform": grid.affine, "nodata": nodata, "tiled": True, "blockxsize": BLOCK_PX,
        "blockysize": BLOCK_PX, "compress": "deflate", "num_threads": "all_cpus",
    }  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(values, 1)
            if colors:
                table = {k: (*bytes.fromhex(color.removeprefix("#")), 255) for k, color in colors.items()}
                file.write_colormap(1, table | {IGNORE: (0, 0, 0, 0)})
        part.write_bytes(memory.getbuffer())
    part.replace(path)


def _record(
    labels: UInt8, n_overlap_px: int, grid: Grid, options: LabelOptions, outside: int, tally: Tally
) -> dict[str, Any]:
    n_px = np.sum([np.bincount(row, minlength=IGNORE + 1) for row in labels], axis=0)
    return {
        "grid": grid_to_json(grid),
        "outside": "background" if outside == BACKGROUND else "ignore",
        "overlaps": options.overlaps,
        "n_overlap_px": n_overlap_px,
        "all_touched": options.all_touched,
        "inner_buffer_m": options.inner_buffer_m,
        "min_pixels": options.min_pixels,
        "n_px": {str(label): int(n) for label, n in enumerate(n_px) if n},
        "tally": tally.to_json(),
    }


@dataclass(frozen=True)
class LabelStore:
    """Opened labels; `info` is `labels.json`: grid, outside, overlaps, n_overlap_px, n_px by label, tally."""

    folder: Path
    grid: Grid
    info: Mapping[str, Any]

    def read(self, window: Window | None = None) -> tuple[UInt8, UInt32]:
        """Labels (h, w) uint8 and parcel ids (h, w) uint32 of a window, or of the whole grid.

        Raises:
            GridMismatch: if the window reaches outside the grid.
            CorruptFile: if a raster cannot be decoded.
        """
        whole = full_window(self.grid)
        window = window or whole
        if window.overlap_px(whole) < window.height * window.width:
            raise GridMismatch(f"{window} reaches outside the labels, which have {whole.height} x {whole.width} pixels")
        return self._read(LABELS, window), self._read(PARCEL_IDS, window)

    def _read(self, name: str, window: Window) -> AnyArray:
        try:
            with rasterio.open(self.folder / name) as file:
                values: AnyArray = file.read(
                    1, window=RasterWindow(window.col, window.row, window.width, window.height)
                )
                return values
        except RasterioIOError as error:
            raise CorruptFile(
                f"{self.folder / name} cannot be read ({error}). Delete its folder, run again."
            ) from error


def open_labels(folder: Path) -> LabelStore:
    """Open what `build_labels` wrote.

    Raises:
        MissingFile: if one of the three files is not there.
        CorruptFile: if a raster is not the one that `labels.json` describes.
    """
    for name in (RECORD, LABELS, PARCEL_IDS):
        if not (folder / name).is_file():
            raise MissingFile(f"No labels in {folder}: {name} is not there. Run the stage `labels` again.")
    info = read_json(folder / RECORD)
    try:
        grid = grid_from_json(info["grid"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFile(
            f"{folder / RECORD} does not say its grid ({error!r}). Delete its folder, run again."
        ) from error
    for name, dtype in ((LABELS, "uint8"), (PARCEL_IDS, "uint32")):
        try:
            with rasterio.open(folder / name) as file:
                found = file.shape, file.dtypes[0]
        except RasterioIOError as error:
            raise CorruptFile(f"{folder / name} cannot be read ({error}). Delete its folder, run again.") from error
        if found != (tuple(grid.shape), dtype):
            raise CorruptFile(f"{folder / name} holds {found}, but {RECORD} says {tuple(grid.shape)}, {dtype}.")
    return LabelStore(folder, grid, info)

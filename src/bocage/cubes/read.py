"""Band files -> arrays on the cube's grid. IO: the only opener of band files.

JPEG 2000 is decoded one band after the other with all of GDAL's threads on each, GeoTIFF with a thread a band: the
fastest ways measured. GDAL's threads read a damaged multi-tile JPEG 2000 without an error, so
`bocage.scenes.read.check_scene_files` comes first.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window as RasterWindow

from bocage.core.arrays import Bool, UInt16
from bocage.core.errors import CorruptFile, GridMismatch, MissingBand, MissingFile
from bocage.core.grid import Grid, grid_from_json
from bocage.core.threads import in_order
from bocage.cubes.align import MARGIN_PX, interpolate_onto, plan_alignment, repeat_onto
from bocage.cubes.plan import LATTICE_BAND
from bocage.scenes.jpeg2000 import CODESTREAM, SIGNATURE
from bocage.scenes.patience import hide_queries
from bocage.scenes.read_remote import open_remote, remote_env
from bocage.scenes.record import Asset, Scene

CLOUD_MASK = "MSK_CLASSI_B00"


def read_scene_grid(scene: Scene, band: str = LATTICE_BAND) -> Grid:
    """The grid of one band of a scene, from the file's header.

    Raises:
        MissingBand: if the scene has no such band.
        CorruptFile: if the file cannot be opened, or neither it nor the catalog says where it lies.
    """
    if band not in scene.assets:
        raise MissingBand(f"{scene.id} has no {band} (it has {', '.join(scene.assets) or 'no band at all'}).")
    asset = scene.assets[band]
    with remote_env(asset.href), _open(asset) as source:
        return _grid_of(source, asset)


def read_bands(
    scene: Scene, bands: Sequence[str], grid: Grid, *, resampling: str = "nearest", threads: int | None = None
) -> Iterator[tuple[str, UInt16]]:
    """The DN of each band on a grid, (y, x), in the order asked; 0 where the band has no pixels.

    Args:
        scene: with local, checked files.
        bands: band names, or SCL (always nearest).
        grid: on the lattice of the bands, and at most as coarse.
        resampling: "nearest", "bilinear" or "cubic" for bands coarser than the grid.
        threads: CPU threads to use; all by default.

    Raises:
        CorruptFile: if a file cannot be decoded.
        GridMismatch: if a band does not fit the grid's lattice.
    """
    threads = threads or os.cpu_count() or 1
    chosen = [(scene.assets[band], "nearest" if band == "SCL" else resampling) for band in bands]
    if len(bands) == 1 or any(is_jpeg2000(asset) for asset, _ in chosen):
        for band, (asset, how) in zip(bands, chosen, strict=True):
            yield band, read_asset(asset, grid, resampling=how, threads=threads)
        return
    read = partial(_read_chosen, grid=grid)
    yield from zip(bands, in_order(read, chosen, threads), strict=True)


def _read_chosen(chosen: tuple[Asset, str], grid: Grid) -> UInt16:
    return read_asset(chosen[0], grid, resampling=chosen[1], threads=1)


def find_cloud_mask(scene: Scene) -> Asset | None:
    """The cloud mask of an L1C product, if it carries one: QI_DATA/MSK_CLASSI_B00.jp2, since baseline 04.00."""
    if scene.level != "L1C" or LATTICE_BAND not in scene.assets:
        return None
    path = Path(scene.assets[LATTICE_BAND].href).parent.parent / "QI_DATA" / f"{CLOUD_MASK}.jp2"
    return Asset(str(path), 60) if path.is_file() else None


def read_cloud_mask(asset: Asset, grid: Grid) -> Bool:
    """(y, x) True under opaque clouds, cirrus or snow. Decoded with one thread, which raises on a damaged file."""
    layers = [read_asset(asset, grid, resampling="nearest", threads=1, index=i) for i in (1, 2, 3)]
    return np.asarray(np.maximum.reduce(layers) > 0)


def read_asset(asset: Asset, grid: Grid, *, resampling: str, threads: int, index: int = 1) -> UInt16:
    """One layer (counted from 1) of a band file on a grid; see `read_bands`."""
    out = np.zeros(grid.shape, np.uint16)
    with remote_env(asset.href, GDAL_NUM_THREADS=str(threads)), _open(asset) as source:
        try:
            alignment = plan_alignment(_grid_of(source, asset), grid, margin_px=MARGIN_PX[resampling])
        except GridMismatch as error:
            raise GridMismatch(f"{hide_queries(asset.href)}: {error}") from None
        if alignment is None:
            return out
        w = alignment.window
        window = RasterWindow(w.col, w.row, w.width, w.height)
        try:
            if alignment.factor == 1 and w.shape == out.shape:
                source.read(index, window=window, out=out)
                return out
            native = source.read(index, window=window, out_dtype=np.uint16)
        except RasterioError as error:
            problem = hide_queries(str(error))  # GDAL names the signed address
            raise CorruptFile(
                f"{hide_queries(asset.href)} cannot be decoded ({problem}). Get the product again."
            ) from None
    if resampling == "nearest" or alignment.factor == 1:
        repeat_onto(native, alignment, out)
    else:
        interpolate_onto(native, alignment, out, method=resampling)
    return out


def is_jpeg2000(asset: Asset) -> bool:
    """Whether a local file is JPEG 2000, by its first bytes.

    Raises:
        MissingFile: if it is not there any more.
    """
    if asset.is_remote:
        return urlsplit(asset.href).path.endswith(".jp2")
    try:
        with Path(asset.href).open("rb") as file:
            head = file.read(8)
    except FileNotFoundError:
        raise MissingFile(
            f"{hide_queries(asset.href)} is not there any more. Bring the product back, and run again."
        ) from None
    return head == SIGNATURE or head[:4] == CODESTREAM


def _open(asset: Asset) -> rasterio.DatasetReader:
    if asset.is_remote:
        return open_remote(asset.href)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # then the catalog's grid counts, see `_grid_of`
            return rasterio.open(asset.href)
    except RasterioError as error:
        raise CorruptFile(f"{hide_queries(asset.href)} cannot be opened ({error}). Get the product again.") from error


def _grid_of(source: rasterio.DatasetReader, asset: Asset) -> Grid:
    """The grid of an open file; for a file without a georeference what the catalog says, scaled to the file's size."""
    shape = (source.height, source.width)
    if source.crs is not None:
        grid = GeoBox(shape, source.transform, source.crs.to_wkt() if not source.crs.to_epsg() else str(source.crs))
    elif asset.grid is not None:
        stated = grid_from_json(asset.grid)
        whole, zoom_y, zoom_x = stated.affine, stated.shape[0] / shape[0], stated.shape[1] / shape[1]
        grid = GeoBox(shape, Affine(whole.a * zoom_x, 0, whole.c, 0, whole.e * zoom_y, whole.f), stated.crs)
    else:
        raise CorruptFile(f"{hide_queries(asset.href)} does not say where it lies, and its catalog does not either.")
    a = grid.affine
    if a.b or a.d or a.e >= 0 or abs(a.a + a.e) > 1e-9:
        raise GridMismatch(f"{hide_queries(asset.href)} is rotated or has pixels that are not square: {a!r}.")
    return grid

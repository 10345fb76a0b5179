"""Mapping with unet4_gn: a cube on disk, in blended windows, to a class map and its confidence; `precision: bf16`.

The peer is what one writes by hand: the same windows in fp32, and where two overlap the last one's class, no blending.
GroupNorm looks at a whole window, so results are compared where only one window lies. The limit computes in bf16 too.
"""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from rasterio.windows import Window as RasterWindow

from bocage.core.grid import full_window, grid_to_json, make_grid
from bocage.cubes.store import CubeStore, CubeWriter, open_cube
from bocage.mapping.map_area import map_area
from bocage.mapping.options import MappingOptions
from bocage.mapping.tiles import plan_axis
from bocage.models.networks.initialize import initialize
from bocage.models.networks.predictor import NetworkPredictor
from bocage.models.options import UNet4Options
from bocage.models.zoo import MODELS
from perf.frame import Entry

SIZE_PX = 992
BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
CLASSES = tuple(f"c{i}" for i in range(11))
COLORS = ("#336699",) * len(CLASSES)
GOAL_RATIO = 1 / 2.2  # of the plain sliding window
GOAL_LIMIT_RATIO = 1 / 0.85  # of the bare network, once a pixel
LEAST_EQUAL = 0.98  # share of pixels with one class; an untrained network is undecided in many, and bf16 moves some


def write_cube(folder: Path, size_px: int) -> CubeStore:
    """A cube of one date: noise over fields of 16 x 16 pixels."""
    generator = np.random.default_rng(0)
    side = -(-size_px // 16)
    fields = generator.integers(200, 5000, (len(BANDS), side, side)).repeat(16, 1).repeat(16, 2)
    stored = fields[:, :size_px, :size_px] + generator.integers(0, 300, (size_px, size_px))
    grid = make_grid("EPSG:32631", 600_000, 4_900_000, 10, (size_px, size_px))
    writer = CubeWriter(folder, (1, len(BANDS), size_px, size_px), "perf")
    writer.put(0, full_window(grid), stored.astype(np.int16), np.zeros((size_px, size_px), np.uint8))
    writer.keep("s", {})
    record = {"grid": grid_to_json(grid), "bands": list(BANDS), "days": [17700], "scenes": ["s"]}
    writer.finish({**record, "tile": "31TEJ", "level": "L2A"})
    return open_cube(folder)


def write_source(path: Path, cube: CubeStore) -> None:
    """The first date of a cube as a GeoTIFF."""
    _, _, height, width = cube.shape
    side = {"height": height, "width": width, "crs": str(cube.grid.crs), "transform": cube.grid.affine}
    with rasterio.open(path, "w", driver="GTiff", dtype="int16", count=len(BANDS), tiled=True, **side) as raster:
        raster.write(cube.read_stored()[0][0])


def slide(network: torch.nn.Module, source: Path, target: Path, options: MappingOptions) -> np.ndarray[Any, Any]:
    """Read a window, predict, write its classes."""
    with rasterio.open(source) as raster, torch.inference_mode():
        tiles = plan_axis(raster.height, options.window_px, options.overlap_px)
        side = {"height": raster.height, "width": raster.width, "crs": raster.crs, "transform": raster.transform}
        with rasterio.open(target, "w", driver="GTiff", dtype="uint8", count=1, nodata=255, **side) as out:
            for row in tiles:
                for col in tiles:
                    window = RasterWindow(col.start, row.start, col.size, row.size)
                    image = torch.from_numpy(raster.read(window=window).astype(np.float32) / 10_000)
                    valid, days = torch.ones(1, 1, *image.shape[1:], dtype=torch.bool), torch.zeros(1, 1)
                    classes = network(image[None, None], valid, days).argmax(1)[0]
                    out.write(classes.numpy().astype(np.uint8), 1, window=window)
    with rasterio.open(target) as out:
        return out.read(1)


def make_entry(
    folder: Path, *, size_px: int = SIZE_PX, base_channels: int = 48, options: MappingOptions | None = None
) -> Entry:
    options = options or MappingOptions(precision="bf16")
    cube = write_cube(folder / "cube", size_px)
    network = MODELS["unet4_gn"].build(UNet4Options(base_channels=base_channels), len(BANDS), 1, len(CLASSES))
    initialize(network, 1)
    plain = copy.deepcopy(network).eval()
    about = {"bands": BANDS, "class_names": CLASSES, "n_dates": 1, "size_multiple": 16}
    predictor = NetworkPredictor(network, **about, precision=options.precision)
    reflectance = cube.read().reflectance[0]
    source = folder / "source.tif"
    write_source(source, cube)
    tiles = plan_axis(size_px, options.window_px, options.overlap_px)
    once = np.zeros(size_px, int)
    for tile in tiles:
        once[tile.span] += 1
    alone = np.ix_(once == 1, once == 1)

    def ours() -> np.ndarray[Any, Any]:
        map_area(predictor, cube, None, folder / "ours", options, colors=COLORS)
        with rasterio.open(folder / "ours" / "class_map.tif") as raster:
            return raster.read(1)

    def limit() -> None:
        starts = range(0, size_px, options.window_px)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
            for row, col in itertools.product(starts, starts):
                part = reflectance[None, None, :, row : row + options.window_px, col : col + options.window_px]
                valid, days = torch.ones(1, 1, *part.shape[-2:], dtype=torch.bool), torch.zeros(1, 1)
                network(torch.from_numpy(part.copy()), valid, days)

    return Entry(
        name="mapping_unet",
        title=f"unet4_gn over {size_px} x {size_px} pixels in windows of {options.window_px}, to a class map",
        ours=ours,
        peer=lambda: slide(plain, source, folder / "peer.tif", options),
        peer_name="a plain fp32 sliding window with torch and rasterio, same windows, no blending",
        limit=limit,
        limit_name="the bare network, every pixel once",
        equal=lambda a, b: float((a[alone] == b[alone]).mean()) >= LEAST_EQUAL,
        goal_ratio=GOAL_RATIO,
        goal_limit_ratio=GOAL_LIMIT_RATIO,
    )

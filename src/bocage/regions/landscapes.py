"""Named places + a land-cover map -> the boxes around each that hold most cropland. IO: reads the map.

The RPG project chose its zones so: around a town of each of eight French landscapes, five squares of 10 km that ESA
WorldCover shows as highly cultivated, one of them for test (the split `zones`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from pyproj import Transformer
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT

from bocage.core.arrays import Bool, Float64, UInt8
from bocage.core.errors import CorruptFile, NothingLeft
from bocage.core.grid import utm_of
from bocage.regions.cells import to_degrees
from bocage.regions.record import Region

CROPLAND = 40  # ESA WorldCover v100 and v200
_SAMPLE_M = 50.0  # the map is looked at this often; it has 10 m
Place = tuple[str, float, float]  # name, longitude, latitude


def french_landscapes() -> list[Place]:
    """The eight landscapes of the RPG project by a town of each."""
    text = (files("bocage.regions") / "data" / "french_landscapes.csv").read_text(encoding="utf-8")
    return [(r["name"], float(r["longitude"]), float(r["latitude"])) for r in csv.DictReader(text.splitlines())]


def plan_landscapes(
    places: Sequence[Place], landcover: Sequence[str], *, cell_m: float, reach_m: float, max_cells: int
) -> list[Region]:
    """The boxes with most cropland around each place, named `<place>_<rank>`.

    Args:
        landcover: rasters with WorldCover's numbers, STAC items of such, or folders of GeoTIFFs; what lies in none is
            unknown.
        cell_m: side of a box; the place lies in the middle of one of them.
        reach_m: how far a box's centre may be from the place.
        max_cells: boxes of a place, at most; one without cropland is never taken.

    Raises:
        CorruptFile: if a map cannot be read.
        NothingLeft: if a place has no cropland within reach.
    """
    found, maps = [], [path for given in landcover for path in maps_of(given)]
    for name, longitude, latitude in places:
        crs = utm_of(longitude, latitude)
        x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(longitude, latitude)
        n_cells, per_cell = 2 * int(reach_m // cell_m) + 1, max(round(cell_m / _SAMPLE_M), 1)
        left, top = x - n_cells / 2 * cell_m, y + n_cells / 2 * cell_m
        cropland = np.zeros((n_cells * per_cell, n_cells * per_cell), np.bool_)
        for path in maps:
            cropland |= _read_cover(path, crs, left, top, cell_m / per_cell, len(cropland)) == CROPLAND
        cells = rank_cropland(cropland, n_cells, reach_m / cell_m)[:max_cells]
        if not cells:
            raise NothingLeft(
                f"Within {reach_m / 1000:g} km of '{name}' ({longitude:g}, {latitude:g}) the land-cover maps show no "
                f"cropland ({CROPLAND}). Give regions.landcover the maps of that place."
            )
        for rank, (row, col) in enumerate(cells, 1):
            x0, y1 = left + col * cell_m, top - row * cell_m
            found.append(Region(f"{name}_{rank}", to_degrees((x0, y1 - cell_m, x0 + cell_m, y1), crs)))
    return found


def rank_cropland(cropland: Bool, n_cells: int, reach: float) -> list[tuple[int, int]]:
    """Rows and columns of the cells that hold cropland, most first, of equals the nearer to the middle. Pure.

    Args:
        cropland: (y, x) square, cut into n_cells × n_cells.
        reach: how many cells a cell's centre may be from the middle.
    """
    side = len(cropland) // n_cells
    share: Float64 = cropland.reshape(n_cells, side, n_cells, side).mean(axis=(1, 3))
    row, col = np.divmod(np.arange(n_cells**2), n_cells)
    distance = np.hypot(row - n_cells // 2, col - n_cells // 2)
    order = np.lexsort((distance, -share.ravel()))
    return [(int(row[i]), int(col[i])) for i in order if share.flat[i] > 0 and distance[i] <= reach]


def maps_of(given: str) -> list[str]:
    """The GeoTIFFs of a folder; what is no folder is a map itself."""
    folder = Path(given)
    return sorted(map(str, folder.glob("*.tif"))) if folder.is_dir() else [given]


def _read_cover(path: str, crs: str, left: float, top: float, step_m: float, n: int) -> UInt8:
    """(n, n) numbers of the map, by nearest pixel; 0 where it is silent."""
    try:
        href = _asset_of(Path(path)) if path.endswith(".json") else path
        with (
            rasterio.open(href) as source,
            WarpedVRT(source, crs=crs, transform=Affine(step_m, 0, left, 0, -step_m, top), width=n, height=n) as warped,
        ):
            numbers: UInt8 = warped.read(1)
            return numbers
    except (OSError, ValueError, KeyError, RasterioError) as error:
        raise CorruptFile(f"The land-cover map {path} cannot be read ({error}).") from error


def _asset_of(path: Path) -> str:
    """The raster of a STAC item: its asset `map`, as the public catalogues of WorldCover call it."""
    href = str(json.loads(path.read_text(encoding="utf-8"))["assets"]["map"]["href"])
    return href if "://" in href else str(path.parent / href)

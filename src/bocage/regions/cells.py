"""Regions from parcels: cells with most crop, boxes where a class concentrates; and the patches of a tile. Pure.

Cells lie in the parcels' own projection if it is in metres, else in the equal-area EPSG:6933.
"""

from __future__ import annotations

from collections.abc import Sequence

import geopandas
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from bocage.core.arrays import Float64
from bocage.core.errors import NothingLeft
from bocage.core.grid import project
from bocage.regions.options import RegionOptions
from bocage.regions.record import Region

Bounds = tuple[float, float, float, float]
PATCHES_A_SIDE, PATCH_M = 30, 3660.0  # of a tile of 109.8 km (Sen4AgriNet: 30 x 30 patches of 366 px)


def plan_cells(parcels: geopandas.GeoDataFrame, options: RegionOptions) -> list[Region]:
    """The best cells, named by rank. A parcel counts where its centroid lies, with its area in hectares.

    grid: cells of a fixed lattice, by the area of the classes. hot_cells: boxes centred where the area within
    `cell_m` is largest: the weighted centre of a cell's parcels; a box that overlaps a better one is left out.

    Raises:
        NothingLeft: if no parcel is of the wanted classes.
    """
    wanted = parcels["class_name"].isin(options.target_classes) if options.target_classes else parcels["class_id"] > 0
    own = parcels[wanted & (parcels["class_id"] != 255)]
    if own.empty:
        raise NothingLeft(
            f"No parcel is of {', '.join(options.target_classes) or 'a target class'}; the parcels are of "
            f"{', '.join(sorted(set(parcels['class_name'].dropna().astype(str)))) or 'none'}."
        )
    crs = metric_crs(parcels)
    points = shapely.get_coordinates(shapely.centroid(own.geometry.to_crs(crs).to_numpy()))
    centred, area_ha = options.kind == "hot_cells", own["area"].to_numpy(float)
    boxes = rank_cells(points, area_ha, options.cell_m, centred=centred, most=options.max_cells)
    return [
        Region(f"{'hot' if options.kind == 'hot_cells' else 'cell'}_{rank}", to_degrees(bounds, str(crs)))
        for rank, bounds in enumerate(boxes, 1)
    ]


def rank_cells(points: Float64, area_ha: Float64, cell_m: float, *, centred: bool, most: int) -> list[Bounds]:
    """(left, bottom, right, top) of the cells that hold points, most area first, of equals the south-western.

    Args:
        points: (N, 2) in metres.
        centred: move each cell so that its centre is the weighted centre of its points; leave out those that then
            overlap a better one.
        most: cells, at most.
    """
    table = pd.DataFrame({"x": points[:, 0], "y": points[:, 1], "area": area_ha})
    keys = [np.floor(table["x"] / cell_m), np.floor(table["y"] / cell_m)]
    cells = table.assign(wx=table["x"] * table["area"], wy=table["y"] * table["area"]).groupby(keys).sum()
    cells = cells.iloc[np.argsort(-cells["area"].to_numpy(), kind="stable")]
    corner = np.array(cells.index.to_list(), float) * cell_m
    if centred:
        corner = cells[["wx", "wy"]].to_numpy() / cells[["area"]].to_numpy() - cell_m / 2
    kept: list[int] = []
    for i in range(len(corner)):
        if len(kept) == most:
            break
        if not kept or (np.abs(corner[kept] - corner[i]).max(axis=1) >= cell_m).all():
            kept.append(i)
    return [(x, y, x + cell_m, y + cell_m) for x, y in corner[kept].tolist()]


def tile_patches(tile: str, upper_left: tuple[float, float], patches: Sequence[tuple[int, int]]) -> list[Region]:
    """The patches of 3.66 km that a tile of 109.8 km is cut into, as `<tile>_<row>_<column>`, each two digits.

    The outlines lie a metre inside, so that the neighbours' pixels are not touched.
    """
    zone, band = int(tile[:2]), tile[2]
    crs = f"EPSG:{(32600 if band >= 'N' else 32700) + zone}"
    wanted = patches or [(i, j) for i in range(PATCHES_A_SIDE) for j in range(PATCHES_A_SIDE)]
    left, top = upper_left
    return [
        Region(
            f"{tile}_{i:02d}_{j:02d}",
            project(
                box(
                    left + j * PATCH_M + 1,
                    top - (i + 1) * PATCH_M + 1,
                    left + (j + 1) * PATCH_M - 1,
                    top - i * PATCH_M - 1,
                ),
                crs,
                "EPSG:4326",
            ),
        )
        for i, j in wanted
    ]


def metric_crs(parcels: geopandas.GeoDataFrame) -> CRS:
    """The parcels' own projection if it is in metres, else the equal-area EPSG:6933."""
    crs = CRS.from_user_input(parcels.crs)
    is_metric = crs.is_projected and all(axis.unit_name in ("metre", "meter") for axis in crs.axis_info)
    return crs if is_metric else CRS.from_epsg(6933)


def to_degrees(bounds: Bounds, crs: str) -> BaseGeometry:
    """A box in metres as a longitude/latitude outline."""
    outline = box(*bounds)
    return project(outline.segmentize((bounds[2] - bounds[0]) / 8), crs, "EPSG:4326")

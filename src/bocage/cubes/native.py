"""Scenes -> one cube for each pixel size of the bands, on the same ground. Reads headers of band files.

Sen4AgriNet's patches are so: 366 × 366 pixels of 10 m, 183 × 183 of 20 m, 61 × 61 of 60 m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bocage.core.bands import BANDS
from bocage.core.grid import Grid, grid_bounds, grid_resolution_m, make_grid
from bocage.cubes.options import CubeOptions
from bocage.cubes.periods import Period
from bocage.cubes.plan import CubePlan, plan_cubes
from bocage.cubes.read import read_scene_grid
from bocage.regions.record import Region
from bocage.scenes.record import Scene


def plan_native(
    scenes: Sequence[Scene], region: Region, options: CubeOptions, periods: tuple[Period, ...] = ()
) -> list[list[tuple[CubePlan, CubeOptions]]]:
    """For each tile that the region touches one plan a pixel size, finest first, with the options to build it.

    The region is cut by whole pixels of the coarsest bands, so all cubes of a tile cover the same ground.

    Raises:
        GridMismatch, NothingLeft: as `plan_cubes`.
    """
    sizes = sorted({BANDS[band].resolution_m for band in options.bands})
    own = {
        size: options.model_copy(
            update={"resolution_m": size, "bands": tuple(b for b in options.bands if BANDS[b].resolution_m == size)}
        )
        for size in sizes
    }
    coarse = own[sizes[-1]]
    grids = {s.id: read_scene_grid(s, coarse.bands[0]) for s in scenes}
    return [
        [(replace(plan, grid=_refine(plan.grid, size), bands=own[size].bands), own[size]) for size in sizes]
        for plan in plan_cubes(scenes, grids, region, coarse, periods)
    ]


def _refine(grid: Grid, resolution_m: int) -> Grid:
    """The same ground in smaller pixels."""
    factor = round(grid_resolution_m(grid) / resolution_m)
    left, _, _, top = grid_bounds(grid)
    height, width = grid.shape
    return make_grid(str(grid.crs), left, top, resolution_m, (height * factor, width * factor))

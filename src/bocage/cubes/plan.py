"""Scenes and their grids -> what to build. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from bocage.core.arrays import Int32
from bocage.core.errors import GridMismatch
from bocage.core.grid import Grid, footprint, grid_bounds, grid_resolution_m, make_grid, project, same_lattice
from bocage.cubes.options import CubeOptions
from bocage.cubes.periods import Period
from bocage.regions.plan import Region, check_overlap
from bocage.scenes.record import Scene

LATTICE_BAND = "B02"  # every cube lies on its lattice
_STEP_DEG = 0.02  # along an outline: over so little a parallel bends by a few centimetres
_NEAR_DEG = 3.0  # from a tile: so far beyond its edge UTM still keeps places in their order


@dataclass(frozen=True)
class CubePlan:
    """One cube to build: a region's part of one tile.

    Attributes:
        name: folder name, `<region>-<tile>`.
        tile: MGRS tile.
        grid: B02's lattice where the scenes and the region meet.
        scenes: in time order; one date of the cube each, unless dropped while building.
        bands: in the order of the cube.
        days: (time,) days since 1970-01-01 of the scenes.
        periods: what composites are made for; none: one image a scene.
    """

    name: str
    tile: str
    grid: Grid
    scenes: tuple[Scene, ...]
    bands: tuple[str, ...]
    days: Int32
    periods: tuple[Period, ...] = ()

    def shape(self, n_dates: int) -> tuple[int, int, int, int]:
        """(time, band, y, x) with so many dates."""
        return n_dates, len(self.bands), int(self.grid.shape[0]), int(self.grid.shape[1])


def plan_cube(
    scenes: Sequence[Scene],
    grids: Mapping[str, Grid],
    region: Region,
    options: CubeOptions,
    periods: tuple[Period, ...] = (),
) -> CubePlan | None:
    """The cube of one tile for a region; None if the region misses the tile.

    Args:
        scenes: scenes of one tile.
        grids: scene id -> grid of its B02 (`read_scene_grid`).
        region: where to look.
        options: bands and resolution.
        periods: of `plan_periods`, if composites are asked for.

    Raises:
        GridMismatch: if the scenes lie on different lattices, or have another resolution than asked.
    """
    ordered = tuple(sorted(scenes, key=lambda s: (s.datetime, s.id)))
    grid = join_grids({s.id: grids[s.id] for s in ordered})
    if abs(grid_resolution_m(grid) - options.resolution_m) > 1e-6:
        raise GridMismatch(
            f"A cube of {options.resolution_m} m was asked for, but {LATTICE_BAND} of {ordered[0].id} has pixels of "
            f"{grid_resolution_m(grid):g} m. Set cubes.resolution_m to that."
        )
    part = crop_grid(grid, region)
    if part is None:
        return None
    days = np.array([s.day for s in ordered], np.int32)
    tile = ordered[0].tile
    return CubePlan(f"{region.name}-{tile}", tile, part, ordered, options.bands, days, periods)


def plan_cubes(
    scenes: Sequence[Scene],
    grids: Mapping[str, Grid],
    region: Region,
    options: CubeOptions,
    periods: tuple[Period, ...] = (),
) -> list[CubePlan]:
    """One plan for each tile that the region touches, by tile name.

    Raises:
        NothingLeft: if the region misses all scenes, with where both are.
        GridMismatch: as `plan_cube`.
    """
    check_overlap(region, [footprint(g) for g in grids.values()])
    tiles = sorted({s.tile for s in scenes})
    plans = [plan_cube([s for s in scenes if s.tile == tile], grids, region, options, periods) for tile in tiles]
    return [plan for plan in plans if plan is not None]


def join_grids(grids: Mapping[str, Grid]) -> Grid:
    """The smallest grid that covers all of them.

    Raises:
        GridMismatch: naming two scenes whose pixels do not coincide.
    """
    (first_id, first), *others = grids.items()
    for name, grid in others:
        if not same_lattice(first, grid, tolerance_px=1e-3):
            raise GridMismatch(
                f"{first_id} and {name} are of one tile, but their pixels do not coincide ({first}, {grid}). "
                "Leave one of them out."
            )
    bounds = np.array([grid_bounds(g) for g in grids.values()])
    (left, bottom), (right, top) = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    size = grid_resolution_m(first)
    shape = (round((top - bottom) / size), round((right - left) / size))
    return make_grid(str(first.crs), float(left), float(top), size, shape)


def crop_grid(grid: Grid, region: Region) -> Grid | None:
    """The pixels of a grid that the region's bounding box touches; None if there are none."""
    if region.geometry is None:
        return grid
    left, bottom, right, top = _bounds_on(grid, region.geometry)
    size, affine = grid_resolution_m(grid), grid.affine
    first_col, last_col = math.floor((left - affine.c) / size), math.ceil((right - affine.c) / size)
    first_row, last_row = math.floor((affine.f - top) / size), math.ceil((affine.f - bottom) / size)
    rows = slice(max(first_row, 0), min(last_row, int(grid.shape[0])))
    cols = slice(max(first_col, 0), min(last_col, int(grid.shape[1])))
    return grid[rows, cols] if rows.start < rows.stop and cols.start < cols.stop else None


def _bounds_on(grid: Grid, outline: BaseGeometry) -> tuple[float, float, float, float]:
    """The box around a longitude/latitude outline in the CRS of a grid.

    A parallel is no straight line there, so the outline is followed, not its corners alone. What lies far from the grid
    is moved towards it, to where the projection holds; it stays beyond the grid's edge.
    """
    lon, lat = shapely.get_coordinates(shapely.segmentize(outline, _STEP_DEG)).T
    own_lon, own_lat = shapely.get_coordinates(footprint(grid)).T
    if np.ptp(own_lon) > 180:  # across the antimeridian
        lon, own_lon = lon % 360, own_lon % 360
    lon = np.clip(lon, own_lon.min() - _NEAR_DEG, own_lon.max() + _NEAR_DEG)
    lat = np.clip(lat, own_lat.min() - _NEAR_DEG, own_lat.max() + _NEAR_DEG)
    left, bottom, right, top = project(
        shapely.MultiPoint(np.column_stack([lon, lat])), "EPSG:4326", str(grid.crs)
    ).bounds
    return left, bottom, right, top

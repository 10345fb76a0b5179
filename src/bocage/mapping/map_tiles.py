"""A Predictor + several cubes -> a map a cube, and a mosaic for every UTM zone that has more than one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

from bocage.core.errors import NothingLeft
from bocage.core.grid import Grid
from bocage.cubes.store import CubeStore
from bocage.mapping.ensemble import Augmented, Ensemble
from bocage.mapping.map_area import map_area
from bocage.mapping.mosaic import mosaic_maps
from bocage.mapping.options import MappingOptions
from bocage.mapping.parcels import touches
from bocage.mapping.read import read_regions
from bocage.models.predictor import Predictor

MOSAIC = "mosaic"  # names of mosaics start like this
Around = Callable[[Grid], gpd.GeoDataFrame]  # the shapes around a grid


def map_tiles(
    predictors: Sequence[Predictor],
    cubes: Mapping[str, CubeStore],
    parcels: gpd.GeoDataFrame | None,
    folder: Path,
    options: MappingOptions,
    *,
    colors: Sequence[str],
    model: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """Map every cube into `folder/<name>`; zones with several cubes also into `folder/mosaic-<zone>`.

    Args:
        predictors: one model, or several whose mean is mapped.
        model: what they are, for `map_area`; of an ensemble, the first one with the others under `ensemble`.

    Returns:
        Name -> content of map.json, mosaics first, the tile maps after them.

    Raises:
        NothingLeft: if parcels or regions are given and none lies on any of the cubes.
    """
    predictor = combine(predictors, augment=options.augment)
    plans = plan_tiles(cubes, None if parcels is None else lambda _: parcels, options)
    made = {
        name: map_area(
            predictor,
            cubes[name],
            parcels if plan.votes else None,
            folder / name,
            plan.options,
            name=name,
            colors=colors,
            model=model,
        )
        for name, plan in plans.items()
    }
    return join_tiles(predictor, cubes, plans, folder, colors=colors, model=model) | made


@dataclass(frozen=True)
class TilePlan:
    """What is made of one cube: whether parcels vote, and the options, which name regions only where some touch it."""

    votes: bool
    options: MappingOptions


def plan_tiles(cubes: Mapping[str, CubeStore], parcels: Around | None, options: MappingOptions) -> dict[str, TilePlan]:
    """What is made of each cube. If parcels or regions touch none, all have them, so that the first map says so.

    Args:
        parcels: reads those around the grid of a cube; may raise NothingLeft if there is none.
    """
    regions = read_regions(options.areas_path, options.areas_name) if options.areas_path else None
    farmed, counted = _near(parcels, cubes), _near(None if regions is None else lambda _: regions, cubes)
    elsewhere = options.model_copy(update={"areas_path": None})
    return {name: TilePlan(name in farmed, options if name in counted else elsewhere) for name in cubes}


def join_tiles(
    predictor: Predictor,
    cubes: Mapping[str, CubeStore],
    plans: Mapping[str, TilePlan],
    folder: Path,
    *,
    colors: Sequence[str],
    model: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """The mosaics `folder/mosaic-<zone>` of the maps `folder/<name>`, of zones with several cubes."""
    by_zone: dict[str, list[str]] = {}
    for name, cube in cubes.items():
        by_zone.setdefault(str(cube.grid.crs).lower().removeprefix("epsg:"), []).append(name)
    mosaics = {f"{MOSAIC}-{zone}": names for zone, names in by_zone.items() if len(names) > 1}
    return {
        mosaic: mosaic_maps(
            {name: cubes[name] for name in names},
            folder / mosaic,
            next((plans[name].options for name in names if plans[name].options.areas_path), plans[names[0]].options),
            predictor=predictor,
            colors=colors,
            model=model,
        )
        for mosaic, names in mosaics.items()
    }


def combine(predictors: Sequence[Predictor], *, augment: bool) -> Predictor:
    """One Predictor of one or several, in eight orientations if asked."""
    if not predictors:
        raise NothingLeft("There is no model to map with. Name one.")
    whole: Predictor = Ensemble(predictors) if len(predictors) > 1 else predictors[0]
    return Augmented(whole) if augment else whole


def _near(around: Around | None, cubes: Mapping[str, CubeStore]) -> set[str]:
    """Names of the cubes that shapes touch; all if they touch none, so that the first map says where both lie."""
    if around is None:
        return set()
    return {name for name, cube in cubes.items() if _touches(around, cube.grid)} or set(cubes)


def _touches(around: Around, grid: Grid) -> bool:
    try:
        shapes = around(grid).geometry
    except NothingLeft:
        return False
    return bool(touches(shapely.bounds(shapes.to_crs(str(grid.crs)).to_numpy()), grid).any())

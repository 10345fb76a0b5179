"""One checkpoint by itself: judged on any data set, or mapped over any place. IO."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bocage.cubes.build import build_cube, check_scenes
from bocage.cubes.options import CubeOptions
from bocage.cubes.periods import plan_periods
from bocage.cubes.plan import plan_cubes
from bocage.cubes.read import read_scene_grid
from bocage.cubes.store import open_cube
from bocage.datasets.read import open_dataset
from bocage.evaluation.options import EvaluationOptions
from bocage.mapping.options import MappingOptions
from bocage.parcels.read import read_parcel_file
from bocage.regions.options import RegionOptions
from bocage.regions.plan import plan_regions, region_from_text
from bocage.scenes.options import SceneOptions
from bocage.scenes.search import search_scenes
from bocage.splits.store import read_split


def evaluate_checkpoint(checkpoint: Path, dataset: Path, split: Path, *, out: Path | None) -> dict[str, Any]:
    """Judge one checkpoint on the test part of a split; files go to `out` if it is given."""
    from bocage.evaluation.evaluate import evaluate
    from bocage.models.checkpoint import load_predictor

    with TemporaryDirectory() as scratch:
        folder = out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        name = checkpoint.resolve().name
        opened, parts = open_dataset(dataset), read_split(split)
        return evaluate({name: load_predictor(checkpoint)}, opened, parts, EvaluationOptions(), seed=0, folder=folder)


def map_with_checkpoint(
    checkpoint: Path,
    *,
    catalog: str,
    path: Path,
    region: str | None,
    season: tuple[date, date] | None,
    parcels: Path | None,
    out: Path,
    workers: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Find the scenes of a place, build its cube as in training, predict it. A killed cube goes on where it was.

    Returns:
        class_map, confidence_map, parcels and mpx_per_s of the first tile, and all tiles under `tiles`.
    """
    from bocage.mapping.map_area import map_area
    from bocage.models.checkpoint import load_predictor, read_record

    record = read_record(checkpoint)
    prepared = dict(record.preprocessing)
    options = CubeOptions(**{k: v for k, v in prepared.items() if k in CubeOptions.model_fields})
    scenes_wanted = SceneOptions(catalog=catalog, path=str(path), season=season, level=prepared["level"])
    place = plan_regions(region_from_text(region) if region else RegionOptions())[0]
    scenes, tally = search_scenes(scenes_wanted, place.geometry)
    say(f"scenes: {tally}")
    check_scenes(scenes, options)
    periods = plan_periods(options, season, [s.day for s in scenes])
    plans = plan_cubes(scenes, {s.id: read_scene_grid(s) for s in scenes}, place, options, periods)
    predictor, frame = load_predictor(checkpoint), read_parcel_file(parcels) if parcels else None
    tiles = []
    for plan in plans:
        folder = out / plan.name
        if not (folder / "cube" / "cube.json").is_file():
            say(f"cube {plan.name}: {build_cube(plan, folder / 'cube', options, threads=workers)}")
        cube, colors = open_cube(folder / "cube"), [c["color"] for c in record.classes]
        made = map_area(predictor, cube, frame, folder, MappingOptions(), colors=colors)
        paths = {k: str(folder / made[k]) if made[k] else None for k in ("class_map", "confidence_map", "parcels")}
        tiles.append({"name": plan.name, **paths, "mpx_per_s": made["mpx_per_s"]})
    return {**{k: v for k, v in tiles[0].items() if k != "name"}, "tiles": tiles}

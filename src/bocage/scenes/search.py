"""Catalog + options -> the scenes to use, and a tally of the rest. IO: asks a catalog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from bocage.core.errors import NothingLeft
from bocage.core.tally import Tally
from bocage.regions.plan import describe_box
from bocage.scenes.catalogs import CATALOGS, Skipped
from bocage.scenes.options import SceneOptions
from bocage.scenes.record import Scene, baseline_number


def search_scenes(options: SceneOptions, region: BaseGeometry | None = None) -> tuple[list[Scene], Tally]:
    """The scenes of a catalog for a region and the options' season, level, tiles and cloud share.

    Args:
        options: catalog and filters.
        region: longitude/latitude; None for anywhere.

    Returns:
        Scenes by sensing time, then id; and the tally of everything the catalog held.

    Raises:
        NothingLeft: if no scene is left, with the reasons and where the scenes are.
    """
    found = list(CATALOGS[options.catalog].find(options))
    scenes = [f for f in found if isinstance(f, Scene)]
    verdicts = [judge(s, options, region) for s in scenes]
    judged, tally = select_newest([s for s, verdict in zip(scenes, verdicts, strict=True) if verdict is None])
    skipped = Tally.count([f.reason for f in found if isinstance(f, Skipped)])
    tally = skipped + Tally.count(verdicts).then(tally)
    if not judged:
        raise NothingLeft(_nothing(options, scenes, tally, region))
    return judged, tally


def judge(scene: Scene, options: SceneOptions, region: BaseGeometry | None) -> str | None:
    """Why a scene is not wanted; None if it is. A product that does not say its cloud share is kept."""
    if scene.level != options.level:
        return "another level"
    if options.tiles is not None and scene.tile not in options.tiles:
        return "another tile"
    if options.season is not None and not options.season[0] <= scene.datetime.date() <= options.season[1]:
        return "outside the season"
    limit, cloud = options.max_cloud_fraction, scene.cloud_cover_fraction
    if limit is not None and cloud is not None and cloud > limit:
        return "too cloudy"
    if region is not None and scene.footprint is not None and not region.intersects(shape(dict(scene.footprint))):
        return "outside the region"
    return None


def select_newest(scenes: Sequence[Scene]) -> tuple[list[Scene], Tally]:
    """One product of each tile and sensing time: the highest baseline, then the latest made, then the last name."""
    best: dict[tuple[str, str, object], Scene] = {}
    for scene in sorted(scenes, key=_age):
        best[scene.level, scene.tile, scene.datetime] = scene
    kept = sorted(best.values(), key=lambda s: (s.datetime, s.id))
    return kept, Tally(len(kept), {"reprocessed duplicate": len(scenes) - len(kept)})


def fingerprint_catalog(options: SceneOptions) -> str:
    """A cheap text that changes when the catalog's content does."""
    return CATALOGS[options.catalog].fingerprint(options)


def guess_catalog(path: Path) -> str:
    """Which local catalog a path is: a STAC file or a folder with one, else SAFE products."""
    if path.suffix == ".json" or (
        path.is_dir() and any((path / f"{n}.json").is_file() for n in ("catalog", "collection"))
    ):
        return "stac_static"
    return "local_safe"


def _age(scene: Scene) -> tuple[tuple[int, int], str, str]:
    return baseline_number(scene.baseline) or (0, 0), scene.generated, scene.id


def _nothing(options: SceneOptions, scenes: Sequence[Scene], tally: Tally, region: BaseGeometry | None) -> str:
    asked = [f"level {options.level}"]
    if options.season:
        asked.append(f"season {options.season[0]}/{options.season[1]}")
    if options.tiles:
        asked.append(f"tiles {', '.join(options.tiles)}")
    if options.max_cloud_fraction is not None:
        asked.append(f"cloud at most {options.max_cloud_fraction:g}")
    if region is not None:
        asked.append(describe_box(region))
    held = ""
    if scenes:
        times = [s.datetime.date() for s in scenes]
        tiles, levels = sorted({s.tile for s in scenes}), sorted({s.level for s in scenes})
        boxes = [shape(dict(s.footprint)) for s in scenes if s.footprint]
        where = f", {describe_box(unary_union(boxes))}" if boxes else ""
        held = (
            f" It holds {len(scenes)} scenes of {min(times)} to {max(times)}, level {', '.join(levels)}, "
            f"tiles {', '.join(tiles)}{where}."
        )
    return (
        f"No scene of '{options.path}' ({options.catalog}) is left for {'; '.join(asked)}: {tally}.{held} "
        "Widen the filters under `scenes`, or give another path."
    )

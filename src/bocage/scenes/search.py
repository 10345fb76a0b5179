"""Catalog + options -> the scenes to use, and a tally of the rest. IO: asks a catalog."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from shapely.geometry import Polygon, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from bocage.core.errors import NothingLeft
from bocage.core.tally import Tally
from bocage.regions.plan import describe_box
from bocage.scenes.catalogs import CATALOGS, Skipped
from bocage.scenes.options import SceneOptions
from bocage.scenes.record import Scene, baseline_number

OWN_SHARE = 0.1  # of what an older product of an overflight shows; outlines of one ground differ by less
MIN_SHARE = 1e-6  # of the region: less than that is no ground of its own


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
    found = list(CATALOGS[options.catalog].find(options, region))
    scenes = [f for f in found if isinstance(f, Scene)]
    verdicts = [judge(s, options, region) for s in scenes]
    newest, tally = select_newest([s for s, verdict in zip(scenes, verdicts, strict=True) if verdict is None])
    judged, of_tiles = select_tiles(newest, None if options.tiles else region)
    tally = tally.then(of_tiles)
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
    """One product of each tile and overflight: the highest sequence number (Earth Search), then baseline, then the
    latest made, then the last name. Products whose sensing begins in the same minute are one overflight.

    A tile on which one reception ends and the next begins comes in two products, each with its part of the ground: an
    older product stays where a tenth of what it shows is in none that is newer.
    """
    kept: dict[tuple[str, str, str, str], list[Scene]] = {}
    for scene in sorted(scenes, key=_age, reverse=True):
        newer = kept.setdefault((scene.level, scene.platform, scene.tile, _overflight(scene)), [])
        if not newer or _shows_more(scene, newer):
            newer.append(scene)
    ordered = sorted((s for own in kept.values() for s in own), key=lambda s: (s.datetime, s.id))
    return ordered, Tally(len(ordered), {"reprocessed duplicate": len(scenes) - len(ordered)})


def _shows_more(scene: Scene, newer: Sequence[Scene]) -> bool:
    """Whether a product shows ground of its own; False where one does not say what it shows."""
    if not all(s.footprint for s in (scene, *newer)):
        return False
    own = _outline(scene)
    return bool(own.difference(unary_union([_outline(s) for s in newer])).area > OWN_SHARE * own.area > 0)


def fingerprint_catalog(options: SceneOptions) -> str:
    """A cheap text that changes when the catalog's content does."""
    return CATALOGS[options.catalog].fingerprint(options)


def guess_catalog(where: str | Path) -> str:
    """Which catalog an address or path is: a STAC API, a STAC file or a folder with one, else SAFE products."""
    if str(where).startswith(("https://", "http://")):
        return "stac"
    path = Path(where)
    if path.suffix == ".json" or (
        path.is_dir() and any((path / f"{n}.json").is_file() for n in ("catalog", "collection"))
    ):
        return "stac_static"
    return "local_safe"


def select_tiles(scenes: Sequence[Scene], region: BaseGeometry | None) -> tuple[list[Scene], Tally]:
    """Without the tiles that add nothing to the region. Tiles overlap by 10 km or more, and ground seen twice would
    count twice.

    Tiles are taken by how much of the region they show, then by name; one that shows no ground beyond those taken
    goes. What a tile shows is the union of its footprints; one without a footprint stays. Tiles of both UTM zones stay
    where each shows ground of its own.
    """
    if region is None:
        return list(scenes), Tally(len(scenes))
    shown = {tile: _shown([s for s in scenes if s.tile == tile], region) for tile in sorted({s.tile for s in scenes})}
    taken = {tile for tile, part in shown.items() if part is None}
    covered: BaseGeometry = Polygon()
    known = {tile: part for tile, part in shown.items() if part is not None}
    for tile in sorted(known, key=lambda t: (-known[t].area, t)):
        if (
            not taken
            or known[tile].difference(covered).area > MIN_SHARE * region.envelope.area
            or region.envelope.area == 0
        ):
            taken.add(tile)
            covered = covered.union(known[tile])
    verdicts = [None if s.tile in taken else "covered by an overlapping tile" for s in scenes]
    return [s for s in scenes if s.tile in taken], Tally.count(verdicts)


def _shown(scenes: Sequence[Scene], region: BaseGeometry) -> BaseGeometry | None:
    if any(s.footprint is None for s in scenes):
        return None
    return unary_union([_outline(s) for s in scenes]).intersection(region.envelope)


def _outline(scene: Scene) -> BaseGeometry:
    return shape(dict(scene.footprint or {})).buffer(0)


def _overflight(scene: Scene) -> str:
    """The sensing start in the product's name (all products of a datatake share it), else in the record."""
    named = re.match(r"S2[A-D]_MSIL\d[AC]_(\d{8}T\d{4})\d\d_", scene.id)
    return named[1] if named else f"{scene.datetime:%Y%m%dT%H%M}"


def _age(scene: Scene) -> tuple[int, tuple[int, int], str, str]:
    return scene.sequence, baseline_number(scene.baseline) or (0, 0), scene.generated, scene.id


def _nothing(options: SceneOptions, scenes: Sequence[Scene], tally: Tally, region: BaseGeometry | None) -> str:
    asked = [f"level {options.level}"]
    if options.collection:
        asked.append(f"collection {options.collection}")
    if options.season:
        asked.append(f"season {options.season[0]}/{options.season[1]}")
    if options.tiles:
        asked.append(f"tiles {', '.join(options.tiles)}")
    if options.max_cloud_fraction is not None:
        asked.append(f"cloud at most {options.max_cloud_fraction:g}")
    if region is not None:
        asked.append(describe_box(region))
    where = f"'{options.path}' ({options.catalog})" if options.path else f"'{options.catalog}'"
    held = ""
    if scenes:
        times = [s.datetime.date() for s in scenes]
        tiles, levels = sorted({s.tile for s in scenes}), sorted({s.level for s in scenes})
        boxes = [shape(dict(s.footprint)) for s in scenes if s.footprint]
        box = f", {describe_box(unary_union(boxes))}" if boxes else ""
        held = (
            f" It holds {len(scenes)} scenes of {min(times)} to {max(times)}, level {', '.join(levels)}, "
            f"tiles {', '.join(tiles)}{box}."
        )
    return (
        f"No scene of {where} is left for {'; '.join(asked)}: {tally}.{held} "
        "Widen the filters under `scenes`, or give another path."
    )

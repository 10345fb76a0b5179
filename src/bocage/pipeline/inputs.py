"""The files that a data set is made from, with their digests; and whose they are. IO: reads them all once.

The digests of a product are a piece of their own, kept for as long as its files do not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from glob import escape
from pathlib import Path

from bocage.core.artifacts import read_json, write_json
from bocage.cubes.build import read_assets
from bocage.cubes.options import CubeOptions
from bocage.datasets.lock import Input, Source, digest_inputs
from bocage.experiment.schema import Experiment
from bocage.parcels.source import SOURCES
from bocage.parcels.store_code_tables import locate_code_table
from bocage.pipeline.pieces import Piece, run_pieces
from bocage.pipeline.run import Context
from bocage.regions.landscapes import maps_of
from bocage.scenes.patience import hide_queries
from bocage.scenes.read import fingerprint_assets
from bocage.scenes.record import Scene
from bocage.taxonomy.taxonomy import Taxonomy

_DIGESTS = "digests.json"


def digest_all_inputs(context: Context, scenes: Sequence[Scene]) -> list[Input]:
    """What `name_files` names, and the products."""
    named = name_files(context.experiment)
    found = [i for what, paths in named.items() for i in digest_inputs(what, paths, threads=context.workers)]
    pieces = [_plan_digests(scene, context.experiment.cubes) for scene in scenes]
    for made in run_pieces(context, pieces):
        found += [Input(**i) for i in read_json(made.path / _DIGESTS)]
    return found


def name_files(experiment: Experiment) -> dict[str, list[Path]]:
    """The files that an experiment names, those of products left out: what they are -> where they are.

    Parcels, and where there are such: code table, taxonomy, regions, land-cover maps.
    """
    table = experiment.parcels.code_table
    maps = [Path(p) for given in experiment.regions.landcover for p in maps_of(given)]
    regions = experiment.regions.path
    named = {
        "parcels": parcel_parts(Path(experiment.parcels.path)),
        "code table": [locate_code_table(table)] if table else [],
        "taxonomy": [Path(experiment.taxonomy.file)] if experiment.taxonomy.file else [],
        "regions": parcel_parts(Path(regions)) if regions else [],
        "landcover": maps,
    }
    there = {what: [path for path in paths if path.is_file()] for what, paths in named.items()}
    return {what: paths for what, paths in there.items() if paths}


def parcel_parts(path: Path) -> list[Path]:
    """A vector file and what belongs to it: a shapefile's parts share its stem, a geodatabase is a folder."""
    return (
        sorted(p for p in path.rglob("*") if p.is_file())
        if path.is_dir()
        else sorted(path.parent.glob(f"{escape(path.stem)}.*"))
    )


def name_sources(experiment: Experiment, taxonomy: Taxonomy, years: Sequence[int]) -> list[Source]:
    """Whose data these are, and what they ask for."""
    declared = SOURCES[experiment.parcels.kind]
    spelled = ", ".join(map(str, years))
    return [
        Source("parcels", declared.title, declared.licence),
        Source(
            "imagery",
            f"Sentinel-2 {experiment.scenes.level}, from '{experiment.scenes.catalog}'",
            f"free and open; say: contains modified Copernicus Sentinel data {spelled}",
        ),
        Source("classes", f"taxonomy '{taxonomy.name}'", "as the code tables that it rests on"),
    ]


def _plan_digests(scene: Scene, options: CubeOptions) -> Piece:
    assets = read_assets([scene], options)
    hrefs = [asset.href for asset in assets]
    inputs = {"files": fingerprint_assets(assets)}
    return Piece(scene.id, "digests", 1, [scene.id, hrefs], partial(_build_digests, scene, options), inputs)


def _build_digests(scene: Scene, options: CubeOptions, folder: Path, threads: int) -> None:
    assets = read_assets([scene], options)
    local = digest_inputs(scene.id, [Path(a.href) for a in assets if not a.is_remote], threads=threads)
    remote = [Input(scene.id, hide_queries(a.href), a.size, None, a.checksum) for a in assets if a.is_remote]
    write_json(folder / _DIGESTS, [asdict(i) for i in (*local, *remote)])

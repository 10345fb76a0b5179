"""One checkpoint by itself: judged on any data set, or mapped over any place. IO."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from bocage.core.artifacts import read_json, write_json
from bocage.core.errors import ConfigError, CorruptFile, DataError
from bocage.cubes.build import build_cube, check_scenes, digest_plan
from bocage.cubes.options import CubeOptions
from bocage.cubes.periods import plan_periods
from bocage.cubes.plan import CubePlan, plan_cubes
from bocage.cubes.read import read_scene_grid
from bocage.cubes.store import CubeStore, open_cube
from bocage.datasets.read import open_dataset
from bocage.evaluation.options import EvaluationOptions
from bocage.mapping.options import MappingOptions
from bocage.mapping.preprocessing import check_preprocessing
from bocage.parcels.read import read_parcel_file
from bocage.pipeline.stages import describe_mapped, describe_preprocessing, load_predictors
from bocage.regions.options import RegionOptions
from bocage.regions.plan import plan_regions, region_from_text
from bocage.reports.data import RunPaths
from bocage.reports.read import read_run
from bocage.reports.write import write_report
from bocage.scenes.options import SceneOptions
from bocage.scenes.search import search_scenes
from bocage.splits.audit import audit_split
from bocage.splits.store import read_split

AUDIT = "split_audit.json"
SEEN_GROUND = (
    "A checkpoint does not say which ground it was trained on. If some of it lies in this test part, the scores are "
    "too high: that it does not is yours to see to."
)


def evaluate_checkpoint(
    checkpoint: Path,
    dataset: Path,
    split: Path,
    *,
    out: Path | None,
    say: Callable[[str], None],
    say_shift: Callable[[Any], None],
) -> dict[str, Any]:
    """Judge one checkpoint on the test part of a split.

    If `out` is given it gets the files of `evaluate`, the audit of the split and a report: scores, what differs from
    training, pictures of some samples with their reference and prediction.

    Args:
        say: told what is doubtful about the split, and that nobody knows what ground the model has seen.
        say_shift: told what differs from the training data (`compare_part`) before anything is judged.
    """
    from bocage.evaluation.evaluate import evaluate
    from bocage.evaluation.judge import judge
    from bocage.evaluation.read_shift import compare_part
    from bocage.models.checkpoint import load_predictor, read_record

    with TemporaryDirectory() as scratch:
        folder = out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        name = checkpoint.resolve().name
        opened, parts = open_dataset(dataset), read_split(split)
        audit = audit_split(opened.manifest, parts, opened.parcels(), class_names=opened.info.class_names)
        audit["warnings"] = [*audit["warnings"], SEEN_GROUND]
        for warning in audit["warnings"]:
            say(warning)
        shift = compare_part(opened, parts, read_record(checkpoint), seed=0)
        say_shift(shift)
        models = {name: load_predictor(checkpoint)}
        found = judge(models, opened, parts, EvaluationOptions(), seed=0, folder=folder, shift=shift)
        result = evaluate(found, EvaluationOptions(), seed=0, folder=folder)
    if out is not None:
        write_json(out / AUDIT, audit)
        judged = RunPaths(
            dataset=dataset, split=split, split_audit=out / AUDIT, checkpoints={name: checkpoint}, evaluation=out
        )
        write_report(read_run(f"{name} on {dataset.resolve().name}", judged), out / "report.html")
    return result


def map_with_checkpoint(
    checkpoints: Sequence[Path],
    options: MappingOptions,
    *,
    scenes: SceneOptions | None,
    cube: Path | None,
    region: str | None,
    parcels: Path | None,
    out: Path,
    workers: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Find the scenes of a place, build its cubes as in training, predict them. A killed map goes on where it was.

    Args:
        checkpoints: one, or several whose mean is mapped.
        scenes: which products; their level is that of the training data.
        cube: an existing cube to map, instead of `scenes`.

    Returns:
        class_map, confidence_map, parcels, stac_item and mpx_per_s of the first map (a mosaic where one zone has
        several tiles), and every map under `maps`.

    Raises:
        DataError: if the imagery is not prepared as the models' training data were; every difference is named.
        CorruptFile: if a cube was made by another version of bocage.
    """
    from bocage.mapping.map_tiles import map_tiles
    from bocage.models.checkpoint import read_record

    records = [read_record(folder) for folder in checkpoints]
    if cube is not None:
        cubes = {cube.resolve().name: open_cube(cube)}
    elif scenes is not None:
        wanted = scenes.model_copy(update={"level": records[0].preprocessing["level"]})
        cubes = build_cubes(wanted, records[0].preprocessing, region, out, workers=workers, say=say)
    else:
        raise ConfigError("Say what to map: --catalog, or --cube with a cube that exists.")
    for record, (name, opened) in product(records, cubes.items()):
        say(f"checking cube {name} against the training data of '{record.name}'")
        made = _made_with(name, opened)
        check_preprocessing(record.preprocessing, describe_preprocessing(made, opened.level))
    maps = map_tiles(
        load_predictors(checkpoints, options),
        cubes,
        read_parcel_file(parcels) if parcels else None,
        out,
        options,
        colors=[c["color"] for c in records[0].classes],
        model=describe_mapped(checkpoints),
    )
    files = ("class_map", "confidence_map", "probabilities", "parcels", "areas", "style", "stac_item")
    entries = [
        {"name": name, "mpx_per_s": made["mpx_per_s"]}
        | {key: str(out / name / made[key]) if made.get(key) else None for key in files}
        for name, made in maps.items()
    ]
    return {**{k: v for k, v in entries[0].items() if k != "name"}, "maps": entries}


def _made_with(name: str, cube: CubeStore) -> CubeOptions:
    try:
        return CubeOptions(**cube.record["options"])
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))} {e['msg']}" for e in error.errors())
        raise CorruptFile(
            f"Cube {name} says that it was made in a way that this bocage does not know ({wrong}). Build it again."
        ) from error


def build_cubes(
    wanted: SceneOptions,
    preprocessing: Mapping[str, Any],
    region: str | None,
    out: Path,
    *,
    workers: int,
    say: Callable[[str], None],
) -> dict[str, CubeStore]:
    """The cubes of a place, prepared as a model's record says, under `out/<name>/cube`; finished ones are kept.

    Raises:
        DataError: if the record has steps that a cube of this version does not know.
    """
    try:
        options = CubeOptions(**{k: v for k, v in preprocessing.items() if k in CubeOptions.model_fields})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))} {e['msg']}".strip() for e in error.errors())
        raise DataError(
            f"The checkpoint says that its imagery was prepared in a way that no cube can be made ({wrong}). "
            "Train the model again, or map a cube that exists with --cube."
        ) from error
    check_preprocessing(preprocessing, describe_preprocessing(options, wanted.level))
    place = plan_regions(region_from_text(region) if region else RegionOptions())[0]
    scenes, tally = search_scenes(wanted, place.geometry)
    say(f"scenes: {tally}")
    check_scenes(scenes, options)
    cubes = {}
    periods = plan_periods(options, wanted.season, [s.day for s in scenes])
    for plan in plan_cubes(scenes, {s.id: read_scene_grid(s) for s in scenes}, place, options, periods):
        folder = out / plan.name / "cube"
        if not _is_built(folder, plan, options):
            say(f"cube {plan.name}: {build_cube(plan, folder, options, threads=workers)}")
        cubes[plan.name] = open_cube(folder)
    return cubes


def _is_built(folder: Path, plan: CubePlan, options: CubeOptions) -> bool:
    """True if the cube of this very plan is finished in the folder."""
    record = folder / "cube.json"
    return record.is_file() and read_json(record).get("plan") == digest_plan(plan, options)

"""The flow as code: what each stage reads, does and writes. The second file to read after `bocage/__init__.py`. IO.

parcels ─► taxonomy ─► labels ─┐
scenes ──► cubes ──────────────┴─► patches ─► datasets ─► splits ─► train/<model> ─┬─► evaluation ─► reports
                                                                                   └─► mapping ────────┘
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from bocage.core.artifacts import Draft, link_file, read_json, write_json, write_text
from bocage.core.digest import digest_value, fingerprint_tree
from bocage.core.grid import Grid, grid_to_json
from bocage.core.tally import Tally
from bocage.cubes.build import build_cube, check_scenes, digest_plan, read_assets
from bocage.cubes.grow import grow_cube
from bocage.cubes.options import CubeOptions
from bocage.cubes.periods import plan_periods
from bocage.cubes.plan import CubePlan, plan_cubes
from bocage.cubes.read import read_scene_grid
from bocage.cubes.store import CubeStore, open_cube
from bocage.datasets.build import build_dataset
from bocage.datasets.card import document_derived, write_card
from bocage.datasets.combine import merge_datasets
from bocage.datasets.lock import Source, write_lock
from bocage.datasets.objects import build_object_dataset
from bocage.datasets.read import open_dataset
from bocage.datasets.write import SELECTION
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.predictions import WHAT_IS_PREDICTED
from bocage.experiment.load import dump_experiment
from bocage.experiment.schema import Experiment
from bocage.labels.options import LabelOptions
from bocage.labels.read import read_parcels_around
from bocage.labels.store import LabelStore, build_labels, open_labels
from bocage.mapping.map_area import map_area
from bocage.mapping.map_tiles import TilePlan, combine, join_tiles, plan_tiles
from bocage.mapping.options import MappingOptions
from bocage.models.options import ForestOptions, ModelOptions, XGBoostOptions
from bocage.models.predictor import Predictor
from bocage.parcels.read import read_parcel_columns, stream_parcels
from bocage.parcels.store_code_tables import find_code_table
from bocage.patches.candidates import find_candidates
from bocage.patches.judge import judge
from bocage.patches.objects import describe_objects, year_and_month
from bocage.patches.options import PatchOptions
from bocage.patches.select import plan_selection
from bocage.pipeline.country_years import place_stages
from bocage.pipeline.foreign import SHIFT, fingerprint_copies, make_benchmarks
from bocage.pipeline.inputs import digest_all_inputs, name_sources, parcel_parts
from bocage.pipeline.pieces import Piece, link_pieces, make_piece, piece_keys, run_pieces
from bocage.pipeline.provenance import describe_software
from bocage.pipeline.run import Context, Stage
from bocage.regions.plan import plan_regions
from bocage.regions.record import Region
from bocage.reports.data import RunPaths
from bocage.scenes.read import fingerprint_assets
from bocage.scenes.record import Scene
from bocage.scenes.search import fingerprint_catalog, search_scenes
from bocage.splits.audit import audit_split
from bocage.splits.make import make_split
from bocage.splits.store import SPLIT, read_given, read_split, write_split
from bocage.taxonomy.load import load_taxonomy
from bocage.taxonomy.taxonomy import Taxonomy
from bocage.taxonomy.write_classes import write_classes
from bocage.training.options import TrainingOptions

PARCELS = "parcels.parquet"
SCENES = "scenes.json"
CANDIDATES = "candidates.parquet"
SELECTED = "selected.parquet"
OBJECTS = "objects.parquet"


def plan_stages(experiment: Experiment) -> list[Stage]:
    """The whole flow of an experiment, in order."""
    models = tuple(f"train/{m.name}" for m in experiment.models)
    parts = experiment.split_up()
    own = [stage for name, part in parts.items() for stage in place_stages(plan_building(part), name, part)]
    whole = tuple(f"datasets/{name}" for name in parts)
    joined = Stage("datasets", 1, whole, lambda e: e.datasets.selection, join_datasets)
    flow = [
        *([*own, joined] if parts else plan_building(experiment)),
        Stage("splits", 1, ("datasets",), lambda e: [e.splits, e.seed], make_parts, external=_given_split),
        *(
            Stage(f"train/{m.name}", 1, ("datasets", "splits"), _training_of(m), _trainer(m), resume=True)
            for m in experiment.models
        ),
    ]
    if models:
        evaluated = ("datasets", "splits", *models)
        flow.append(Stage("evaluation", 2, evaluated, lambda e: [e.evaluation, e.seed], make_evaluation))
    if models and experiment.benchmarks:
        flow.append(Stage("benchmarks", 2, evaluated, _judged_on, make_benchmarks, external=fingerprint_copies))
    if models and experiment.datasets.samples == "patches":
        mapping = plan_mapping(experiment)
        flow += [s for n, p in parts.items() for s in place_stages([mapping], n, p)] if parts else [mapping]
    return [*flow, Stage("reports", 5, tuple(s.name for s in flow), _all_but_workers, make_report)]


def plan_building(experiment: Experiment) -> list[Stage]:
    """From files to the data set of one country and year."""
    placed = ("taxonomy",) if experiment.regions.needs_parcels else ()
    samples = experiment.datasets.samples
    chosen = {
        "patches": Stage("patches", 1, ("taxonomy", "cubes", "labels"), _windows, make_patches),
        "objects": Stage("objects", 1, ("taxonomy", "cubes", "labels"), lambda e: e.patches.objects, make_objects),
    }
    return [
        Stage("parcels", 2, (), lambda e: e.parcels, make_parcels, external=_parcel_files),
        Stage("taxonomy", 4, ("parcels",), lambda e: e.taxonomy, make_classes, external=_taxonomy_file),
        Stage("scenes", 2, placed, lambda e: [e.scenes, e.regions], make_scenes, external=_places),
        Stage("cubes", 2, ("scenes", *placed), lambda e: [e.cubes, e.regions, e.scenes.season], make_cubes),
        Stage("labels", 1, ("taxonomy", "cubes"), lambda e: [e.labels, e.parcels.coverage], make_labels),
        chosen[samples],
        Stage(
            "datasets",
            2,
            ("parcels", "taxonomy", "scenes", "cubes", "labels", samples),
            lambda e: [e.datasets, e.patches.dates, e.scenes.level, e.cubes],
            make_dataset if samples == "patches" else make_object_dataset,
            resume=samples == "patches",
        ),
    ]


def plan_mapping(experiment: Experiment) -> Stage:
    """The map of one country and year."""
    mapped = tuple(f"train/{name}" for name in mapped_models(experiment))
    inputs = ("taxonomy", "cubes", *mapped)
    return Stage("mapping", 3, inputs, lambda e: [e.mapping], make_map, external=_area_regions, resume=True)


def make_parcels(context: Context, draft: Draft) -> None:
    """Declarations of any supported file → one schema."""
    summary = stream_parcels(context.experiment.parcels, draft.path / PARCELS)
    draft.tally = summary.tally
    draft.notes = {"crs": summary.crs, "n_read": summary.n_read, "area_ha": summary.area_ha, **summary.notes}


def make_classes(context: Context, draft: Draft) -> None:
    """Parcels → target classes, each with the rule that decided; the audit in hectares."""
    taxonomy = load_taxonomy(context.experiment.taxonomy)
    unmapped = context.experiment.taxonomy.unmapped
    audit = write_classes(context.path("parcels") / PARCELS, draft.path / PARCELS, taxonomy, unmapped=unmapped)
    write_json(draft.path / "audit.json", audit.to_json())
    write_json(draft.path / "taxonomy.json", taxonomy.to_json())
    draft.tally = Tally(audit.n_parcels)


def make_scenes(context: Context, draft: Draft) -> None:
    """Catalog → the products for the regions and the season."""
    found: dict[str, Any] = {}
    tally = Tally()
    for region in find_regions(context):
        scenes, of_region = search_scenes(context.experiment.scenes, region.geometry)
        tally += of_region
        found[region.name] = [s.to_json() for s in scenes]
    every = {s["id"]: s for scenes in found.values() for s in scenes}
    write_json(draft.path / SCENES, {"scenes": list(every.values()), "by_region": found, "tally": tally.to_json()})
    draft.tally = tally


def make_cubes(context: Context, draft: Draft) -> None:
    """Scenes of each region and tile → one cube on the lattice of B02. A killed build goes on after its last date."""
    options = context.experiment.cubes
    pieces = [_plan_piece(plan, options) for plan in _plan_all_cubes(context)]
    link_pieces(draft, pieces, run_pieces(context, pieces))


def _plan_all_cubes(context: Context) -> list[CubePlan]:
    by_region = read_json(context.path("scenes") / SCENES)["by_region"]
    options = context.experiment.cubes
    found = {name: [Scene.from_json(s) for s in scenes] for name, scenes in by_region.items()}
    every = {s.id: s for scenes in found.values() for s in scenes}
    check_scenes(every.values(), options)
    grids = {name: read_scene_grid(scene) for name, scene in every.items()}
    periods = plan_periods(options, context.experiment.scenes.season, [s.day for s in every.values()])
    plans = []
    for region in find_regions(context):
        scenes = found[region.name]
        plans += plan_cubes(scenes, {s.id: grids[s.id] for s in scenes}, region, options, periods)
    return plans


def _plan_piece(plan: CubePlan, options: CubeOptions) -> Piece:
    inputs = {s.id: digest_value([s.to_json(), fingerprint_assets(read_assets([s], options))]) for s in plan.scenes}
    own = [plan.name, digest_plan(plan, options)]
    return Piece(plan.name, "cube", 3, own, partial(_build_cube, plan, options, inputs), inputs, resume=True)


def _build_cube(plan: CubePlan, options: CubeOptions, inputs: Mapping[str, str], folder: Path, threads: int) -> Tally:
    grow_cube(folder, plan, options, inputs)
    return build_cube(plan, folder, options, threads=threads)


def make_labels(context: Context, draft: Draft) -> None:
    """Classed parcels → class raster and parcel-id raster on the grid of each cube."""
    options, coverage = context.experiment.labels, context.experiment.parcels.coverage
    parcels, inputs = context.path("taxonomy"), {"taxonomy": context.artifacts["taxonomy"].key}
    pieces = [
        Piece(
            *(name, "label", 1, [options, coverage, grid_to_json(cube.grid)]),
            partial(_build_labels, parcels, cube.grid, options, coverage),
            inputs,
        )
        for name, cube in open_cubes(context.path("cubes")).items()
    ]
    link_pieces(draft, pieces, run_pieces(context, pieces))


def _build_labels(parcels: Path, grid: Grid, options: LabelOptions, coverage: Any, folder: Path, _: int) -> Tally:
    colors = {c.id: c.color for c in _read_taxonomy(parcels).classes}
    near, n_elsewhere = read_parcels_around(parcels / PARCELS, grid)
    return build_labels(near, grid, options, coverage=coverage, folder=folder, colors=colors, n_elsewhere=n_elsewhere)


def make_patches(context: Context, draft: Draft) -> None:
    """Cubes and labels → candidate windows → judged → selected."""
    options = context.experiment.patches
    class_names = read_classes(context).class_names
    cubes, labels = context.artifacts["cubes"], context.artifacts["labels"]
    pieces = [
        Piece(
            *(name, "candidates", 1, [_counted(options), len(class_names)]),
            partial(_build_candidates, cubes.path / name, labels.path / name, options, len(class_names)),
            {"cube": key, "labels": piece_keys(labels)[name]},
        )
        for name, key in piece_keys(cubes).items()
    ]
    found = [pd.read_parquet(made.path / CANDIDATES) for made in run_pieces(context, pieces)]
    judged, judgement = judge(pd.concat(found, ignore_index=True), options.filters, class_names)
    selection = plan_selection(judged, options.selection, class_names)
    judged.to_parquet(draft.path / CANDIDATES)
    selection.taken.to_parquet(draft.path / SELECTED)
    write_json(draft.path / SELECTION, dict(selection.about))
    draft.tally = judgement.then(selection.tally)


def _build_candidates(cube: Path, labels: Path, options: PatchOptions, n_classes: int, folder: Path, _: int) -> None:
    found = find_candidates(open_cube(cube), open_labels(labels), options, n_classes=n_classes, cube_name=cube.name)
    found.to_parquet(folder / CANDIDATES)


def make_objects(context: Context, draft: Draft) -> None:
    """Cubes and parcel-id rasters → one row a parcel."""
    columns, path = ["number", "id", "class_id", "class_name"], context.path("taxonomy") / PARCELS
    exact = context.experiment.patches.objects.coverage == "exact"  # only then outlines are looked at
    parcels = (
        gpd.read_parquet(path, columns=[*columns, "geometry"]) if exact else pd.read_parquet(path, columns=columns)
    )
    table, draft.tally = describe_objects(
        open_cubes(context.path("cubes")),
        open_all_labels(context.path("labels")),
        parcels,
        context.experiment.patches.objects,
    )
    table.to_parquet(draft.path / OBJECTS, index=False)


def make_object_dataset(context: Context, draft: Draft) -> None:
    """The parcel table → samples of one pixel, one a parcel."""
    experiment = context.experiment
    country, year = read_place(context)
    cubes = open_cubes(context.path("cubes"))
    info = build_object_dataset(
        draft.path,
        pd.read_parquet(context.path("objects") / OBJECTS),
        cubes=cubes,
        labels=open_all_labels(context.path("labels")),
        classes=read_classes(context).classes,
        level=experiment.scenes.level,
        country=country,
        year=year,
        first_year=min(int(year_and_month(cube.days)[0].min()) for cube in cubes.values()),
        preprocessing=describe_preprocessing(experiment.cubes, experiment.scenes.level)
        | {"objects": experiment.patches.objects.model_dump(mode="json")},
        tallies=read_tallies(context),
        options=experiment.datasets,
    )
    _document(context, draft.path)
    draft.tally = Tally(info.n_samples)
    draft.notes = {"digest": info.digest}


def join_datasets(context: Context, draft: Draft) -> None:
    """The data sets of several countries and years → one."""
    own = [open_dataset(a.path) for name, a in context.artifacts.items() if name.startswith("datasets/")]
    info, draft.tally = merge_datasets(own, draft.path, selection=context.experiment.datasets.selection)
    document_derived(draft.path, own, name=", ".join(context.experiment.split_up()), software=describe_software())
    draft.notes = {"digest": info.digest}


def make_dataset(context: Context, draft: Draft) -> None:
    """Selected windows → samples on disk, with their card and the lock of all inputs."""
    experiment = context.experiment
    country, year = read_place(context)
    info = build_dataset(
        draft.path,
        pd.read_parquet(context.path("patches") / SELECTED),
        cubes=open_cubes(context.path("cubes")),
        labels=open_all_labels(context.path("labels")),
        classes=read_classes(context).classes,
        dates=experiment.patches.dates,
        level=experiment.scenes.level,
        country=country,
        year=year,
        preprocessing=describe_preprocessing(experiment.cubes, experiment.scenes.level),
        tallies=read_tallies(context),
        options=experiment.datasets,
        threads=context.workers,
        resume=True,
    )
    write_json(draft.path / SELECTION, read_json(context.path("patches") / SELECTION))
    _document(context, draft.path)
    draft.tally = Tally(info.n_samples)
    draft.notes = {"digest": info.digest}


def _document(context: Context, folder: Path) -> None:
    """The lock of all inputs and the card of a data set of one country and year."""
    sources = _sources(context)
    write_lock(folder, digest_all_inputs(context, _scenes(context)), sources, describe_software())
    place = " ".join(str(part) for part in read_place(context) if part) or "of several places"
    write_card(open_dataset(folder), name=place, sources=sources)


def _sources(context: Context) -> list[Source]:
    years = sorted({s.datetime.year for s in _scenes(context)})
    return name_sources(context.experiment, read_classes(context), years)


def _scenes(context: Context) -> list[Scene]:
    return [Scene.from_json(s) for s in read_json(context.path("scenes") / SCENES)["scenes"]]


def make_parts(context: Context, draft: Draft) -> None:
    """Samples → train, val, test; the audit of what the parts still share."""
    dataset = open_dataset(context.path("datasets"))
    options = context.experiment.splits
    split = make_split(
        dataset.manifest,
        options,
        seed=context.experiment.seed,
        parcels=dataset.parcels(),
        given=read_given(Path(options.path)) if options.path else None,
    )
    write_split(split, draft.path / SPLIT)
    audit = audit_split(dataset.manifest, split, dataset.parcels(), class_names=dataset.info.class_names)
    write_json(draft.path / "split_audit.json", audit)
    draft.tally = split.tally


def make_model(context: Context, draft: Draft, model: ModelOptions) -> None:
    """Samples of the training part → one checkpoint. A killed training goes on after its last epoch."""
    from bocage.training.train import train_model

    options = context.experiment.training
    draft.notes = train_model(
        open_dataset(context.path("datasets")),
        read_split(context.path("splits") / SPLIT),
        model,
        options.model_copy(update={"threads": options.threads or context.workers}),
        seed=context.experiment.seed,
        folder=draft.path,
    )


def make_evaluation(context: Context, draft: Draft) -> None:
    """Checkpoints on the test part → scores with intervals, beside their baselines.

    What was predicted is a piece of its own: another protocol, or other intervals, predict nothing again.
    """
    from bocage.evaluation.evaluate import evaluate
    from bocage.evaluation.store import read_predictions

    experiment, store = context.experiment, context.store
    piece = _plan_predictions(context)
    make_piece(store.root, piece, context.workers)
    made = store.find(piece.stage, piece.key)
    assert made is not None  # just made
    for file in made.record["files"]:
        link_file(made.path / file, draft.path / file)
    evaluate(read_predictions(made.path), experiment.evaluation, seed=experiment.seed, folder=draft.path)


def _plan_predictions(context: Context) -> Piece:
    experiment = context.experiment
    places = {name: context.artifacts[name] for name in ("datasets", "splits")}
    models = {m.name: context.artifacts[f"train/{m.name}"] for m in experiment.models}
    folders = {name: a.path for name, a in models.items()}
    split = places["splits"].path / SPLIT
    seed, options = experiment.seed, experiment.evaluation
    own = [list(models), seed, options.model_dump(mode="json", include=WHAT_IS_PREDICTED)]
    inputs = {name: a.key for name, a in {**places, **models}.items()}
    build = partial(_predict_all, folders, places["datasets"].path, split, options, seed)
    return Piece(experiment.name, "predictions", 1, own, build, inputs)


def _predict_all(
    checkpoints: Mapping[str, Path],
    dataset: Path,
    split: Path,
    options: EvaluationOptions,
    seed: int,
    folder: Path,
    _: int,
) -> None:
    from bocage.evaluation.judge import judge
    from bocage.evaluation.read_shift import compare_part
    from bocage.models.checkpoint import load_predictor, read_record

    opened, parts = open_dataset(dataset), read_split(split)
    first = read_record(next(iter(checkpoints.values())))  # all have the same training part
    shift = compare_part(opened, parts, first, seed=seed)
    predictors = {name: load_predictor(checkpoint) for name, checkpoint in checkpoints.items()}
    judge(predictors, opened, parts, options, seed=seed, folder=folder, shift=shift)


def make_map(context: Context, draft: Draft) -> None:
    """Checkpoints over every cube → class map, confidence, a vote for each parcel; mosaics. A killed map goes on."""
    options, taxonomy, cubes = context.experiment.mapping, context.artifacts["taxonomy"], context.artifacts["cubes"]
    trained = [f"train/{name}" for name in mapped_models(context.experiment)]
    inputs = {name: context.artifacts[name].key for name in ("taxonomy", *trained)} | _area_regions(context.experiment)
    checkpoints, stores = [context.path(name) for name in trained], open_cubes(cubes.path)
    plans = plan_tiles(stores, partial(_read_outlines, taxonomy.path / PARCELS), options)
    pieces = [
        Piece(
            *(name, "map", 1, [name, plans[name].votes, plans[name].options]),
            partial(_build_map, checkpoints, cubes.path / name, taxonomy.path, plans[name]),
            inputs | {"cube": key},
            resume=True,
        )
        for name, key in piece_keys(cubes).items()
    ]
    link_pieces(draft, pieces, run_pieces(context, pieces))
    join_tiles(
        combine(load_predictors(checkpoints, options), augment=options.augment),
        stores,
        plans,
        draft.path,
        colors=_read_colors(taxonomy.path),
        model=describe_mapped(checkpoints),
    )


def _read_outlines(parcels: Path, grid: Grid) -> gpd.GeoDataFrame:
    return read_parcels_around(parcels, grid, ("geometry",))[0]


def _build_map(checkpoints: list[Path], cube: Path, taxonomy: Path, plan: TilePlan, folder: Path, _: int) -> None:
    opened = open_cube(cube)
    near, n_elsewhere = read_parcels_around(taxonomy / PARCELS, opened.grid, None) if plan.votes else (None, 0)
    map_area(
        combine(load_predictors(checkpoints, plan.options), augment=plan.options.augment),
        opened,
        near,
        folder,
        plan.options,
        colors=_read_colors(taxonomy),
        model=describe_mapped(checkpoints),
        name=cube.name,
        n_elsewhere=n_elsewhere,
    )


def load_predictors(checkpoints: Sequence[Path], options: MappingOptions) -> list[Predictor]:
    """The models of checkpoint folders, in the precision of the map."""
    from bocage.models.checkpoint import load_predictor

    return [load_predictor(folder, precision=options.precision) for folder in checkpoints]


def describe_mapped(checkpoints: Sequence[Path]) -> dict[str, Any]:
    """What is mapped: a checkpoint's model.json, with those of further ones under `ensemble`."""
    first, *others = [dict(read_json(folder / "model.json")) for folder in checkpoints]
    return first | ({"ensemble": others} if others else {})


def _read_colors(taxonomy: Path) -> list[str]:
    return [c.color for c in _read_taxonomy(taxonomy).classes]


def make_report(context: Context, draft: Draft) -> None:
    """Everything above → one HTML page, its figures, and a card of each model."""
    from bocage.reports.read import read_run
    from bocage.reports.write import write_model_cards, write_report

    experiment, artifacts = context.experiment, context.artifacts
    write_text(draft.path / "experiment.yaml", dump_experiment(experiment))
    models = {m.name: context.path(f"train/{m.name}") for m in experiment.models}
    alone = not experiment.also  # several country-years: what each was built of stands in its data set's tallies
    mapped = alone and "mapping" in artifacts
    paths = RunPaths(
        experiment=draft.path / "experiment.yaml",
        audit=context.path("taxonomy") / "audit.json" if alone else None,
        taxonomy=context.path("taxonomy") / "taxonomy.json" if alone else None,
        classed=context.path("taxonomy") / PARCELS if alone else None,
        scenes=context.path("scenes") / SCENES if alone else None,
        cubes=_folders(context.path("cubes")) if alone else (),
        labels=_folders(context.path("labels")) if alone else (),
        dataset=context.path("datasets"),
        split=context.path("splits") / SPLIT,
        split_audit=context.path("splits") / "split_audit.json",
        checkpoints=models,
        evaluation=context.path("evaluation") if models else None,
        benchmarks=tuple(p.parent for p in sorted(context.path("benchmarks").glob(f"*/*/{SHIFT}")))
        if "benchmarks" in artifacts
        else (),
        maps=tuple(context.path("mapping") / cube.name for cube in _folders(context.path("cubes"))) if mapped else (),
    )
    declared = experiment.parcels
    stages = [
        {"name": name, "cached": False, "seconds": a.record["seconds"], "tally": a.record["tally"]}
        for name, a in artifacts.items()
    ]
    run = read_run(
        experiment.name,
        paths,
        stages=stages,
        parcels={
            "tally": artifacts["parcels"].record["tally"],
            "source": declared.kind,
            "country": declared.country,
            "year": declared.year,
            "coverage": declared.coverage,
            **artifacts["parcels"].record["notes"],
        }
        if alone
        else None,
        provenance={"seed": experiment.seed, **describe_software()},
    )
    run = replace(run, title=experiment.reports.title, embedding=experiment.reports.embedding)
    write_report(run, draft.path / "report.html")
    write_model_cards(run, draft.path / "model_cards")
    (draft.path / "experiment.yaml").unlink()  # the run folder has it


def find_regions(context: Context) -> list[Region]:
    """The regions of the experiment; those that parcels decide, from the classed parcels."""
    options = context.experiment.regions
    frame = gpd.read_parquet(context.path("taxonomy") / PARCELS) if options.needs_parcels else None
    return plan_regions(options, frame)


def open_cubes(folder: Path) -> dict[str, CubeStore]:
    """The cubes of a stage, by name."""
    return {path.name: open_cube(path) for path in _folders(folder)}


def open_all_labels(folder: Path) -> dict[str, LabelStore]:
    """The labels of a stage, by the name of their cube."""
    return {path.name: open_labels(path) for path in _folders(folder)}


def read_place(context: Context) -> tuple[str, int]:
    """Country and year of the declarations; "" and 0 where the parcels have several."""
    batches = read_parcel_columns(context.path("parcels") / PARCELS, ("country", "year"))
    places = pd.concat([batch.drop_duplicates() for batch in batches])
    return str(_only(places["country"], "")), int(_only(places["year"], 0))


def read_tallies(context: Context) -> dict[str, Any]:
    """What every stage so far kept and dropped."""
    return {name: a.record["tally"] for name, a in context.artifacts.items() if a.record.get("tally")}


def read_classes(context: Context) -> Taxonomy:
    """The taxonomy that the parcels were classed with."""
    return _read_taxonomy(context.path("taxonomy"))


def _read_taxonomy(folder: Path) -> Taxonomy:
    return Taxonomy.from_json(read_json(folder / "taxonomy.json"), origin="taxonomy.json")


def describe_preprocessing(cubes: CubeOptions, level: str) -> dict[str, Any]:
    """What was done to the imagery: a model carries it along, and mapping refuses imagery that was made otherwise."""
    return {
        "level": level,
        "offset": "each product's own, added",  # reflectance = (DN + offset) / quantification, always
        "bands": list(cubes.bands),
        "resolution_m": cubes.resolution_m,
        "resampling": cubes.resampling,
        "clear_scl": list(cubes.clear_scl),
        "dilate_m": cubes.dilate_m,
        "composite": cubes.composite,
        "periods": [[first.isoformat(), last.isoformat()] for first, last in cubes.periods],
        "every_days": cubes.every_days,
        "fill": cubes.fill,
    }


def mapped_models(experiment: Experiment) -> list[str]:
    """Names of the models whose mean is mapped: `mapping.model`, else the first, then `mapping.ensemble`."""
    return [experiment.mapping.model or experiment.models[0].name, *experiment.mapping.ensemble]


def _folders(parent: Path) -> tuple[Path, ...]:
    return tuple(sorted(p for p in parent.iterdir() if p.is_dir()))


def _only(values: pd.Series[Any], default: Any) -> Any:
    """The one value of a column, else the default."""
    found = values.unique()
    return found[0] if len(found) == 1 else default


def _windows(experiment: Experiment) -> dict[str, Any]:
    """What decides the patches: all of their options but those of the parcel table."""
    return experiment.patches.model_dump(mode="json", exclude={"objects"})


def _counted(patches: PatchOptions) -> dict[str, Any]:
    """What decides the table of candidates."""
    return patches.model_dump(mode="json", exclude={"objects", "selection"})


def _judged_on(experiment: Experiment) -> list[Any]:
    return [experiment.benchmarks, experiment.evaluation, experiment.seed]


def _all_but_workers(experiment: Experiment) -> dict[str, Any]:
    return experiment.model_dump(mode="json", exclude={"workers"})


def _trainer(model: ModelOptions) -> Callable[[Context, Draft], None]:
    return lambda context, draft: make_model(context, draft, model)


def _training_of(model: ModelOptions) -> Callable[[Experiment], Any]:
    return lambda e: describe_training(model, e.training, e.seed)


def describe_training(model: ModelOptions, training: TrainingOptions, seed: int) -> list[Any]:
    """What decides a checkpoint, beside the samples."""
    return [model, training.deciding(trees=isinstance(model.options, ForestOptions | XGBoostOptions)), seed]


def _parcel_files(experiment: Experiment) -> dict[str, str]:
    """The parcel file with what belongs to it, and the code table if one is named."""
    path, table = Path(experiment.parcels.path), experiment.parcels.code_table
    found = {"files": _fingerprint_vector(path)}
    if table is not None:
        found["code_table"] = digest_value(asdict(find_code_table(table)))
    return found


def _fingerprint_vector(path: Path) -> str:
    """Of a vector file and what belongs to it: a shapefile's names and CRS stand in files of their own."""
    return digest_value([[p.name, fingerprint_tree(p)] for p in parcel_parts(path)])


def _taxonomy_file(experiment: Experiment) -> dict[str, str]:
    return {"taxonomy": digest_value(load_taxonomy(experiment.taxonomy).to_json())}


def _area_regions(experiment: Experiment) -> dict[str, str]:
    path = experiment.mapping.areas_path
    return {"areas": _fingerprint_vector(path)} if path is not None and path.exists() else {}


def _given_split(experiment: Experiment) -> dict[str, str]:
    path = experiment.splits.path
    return {"given": fingerprint_tree(Path(path))} if path and Path(path).is_file() else {}


def _places(experiment: Experiment) -> dict[str, str]:
    """The catalog, and the file of regions and the land-cover maps if such are named."""
    path, maps = experiment.regions.path, [Path(p) for p in experiment.regions.landcover if Path(p).exists()]
    found = {"catalog": fingerprint_catalog(experiment.scenes)}
    found |= {"regions": _fingerprint_vector(Path(path))} if path and Path(path).is_file() else {}
    return found | ({"landcover": digest_value([fingerprint_tree(p) for p in maps])} if maps else {})

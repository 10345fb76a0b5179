"""The commands that walk the flow: demo, run, build, train, evaluate, map, report, status, cache, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from bocage.cli.arguments import EXPERIMENT, SET, PathOption, SeasonOption
from bocage.cli.benchmarks import describe_shift
from bocage.cli.output import emit, say, settings, table
from bocage.cli.scenes import read_options
from bocage.core.artifacts import ArtifactStore, read_json
from bocage.core.errors import ConfigError, CorruptFile
from bocage.experiment.load import load_experiment
from bocage.models.libraries import check_libraries
from bocage.pipeline.doctor import check_environment

OUT = typer.Option(None, "--out", help="Run folder; default runs/<experiment name>.")

cache = typer.Typer(no_args_is_help=True)


def register(app: typer.Typer, dataset: typer.Typer) -> None:
    """Hang the commands on the application, in the order of the flow; `dataset build` is `build`."""
    app.command()(demo)
    app.command()(run)
    for name, target, what in (
        ("build", "datasets", "Build the data set: parcels, classes, scenes, cubes, labels, patches."),
        ("train", "train", "Train the models of an experiment, after building whatever that needs."),
    ):
        what += f"\n\nbocage {name} my.yaml"
        app.command(name, help=what)(_stage_command(target))
    dataset.command("build", help="The same as `bocage build`.")(_stage_command("datasets"))
    app.command("evaluate")(evaluate)
    app.command("map")(make_map)
    app.command("report")(report)
    app.command()(status)
    app.add_typer(cache, name="cache", help="The artifact store: info, verify, prune.")
    app.command()(doctor)


def walk(file: Path, overrides: list[str], out: Path | None, target: str | None) -> dict[str, Any]:
    """Load, run up to `target`, and describe what came out."""
    from bocage.pipeline.foreign import find_copies
    from bocage.pipeline.run import needed_stages, run_stages
    from bocage.pipeline.stages import plan_stages

    experiment = load_experiment(file, overrides)
    folder = out or Path("runs") / experiment.name
    stages = needed_stages(plan_stages(experiment), target)
    if any(s.name.startswith("train/") for s in stages):
        check_libraries()
    if "benchmarks" in {s.name for s in stages}:
        find_copies(experiment)
    results = run_stages(stages, experiment, out=folder, store=ArtifactStore(), workers=settings.workers, say=say)
    evaluation = read_json(folder / "evaluation.json") if "evaluation" in {s.name for s in stages} else None
    report_path = folder / "report.html" if "reports" in {s.name for s in stages} else None
    return {
        "run": str(folder),
        "experiment": str(file),
        "stages": [r.to_json() for r in results],
        "metrics": headline(evaluation) if evaluation else None,
        "shift": evaluation["shift"] if evaluation else None,
        "report": str(report_path) if report_path else None,
    }


def headline(evaluation: dict[str, Any]) -> dict[str, Any]:
    """The main scores of each model and baseline under the first protocol."""
    names = ("miou", "miou_foreground", "miou_present", "pixel_accuracy", "mean_class_accuracy")
    rows: dict[str, Any] = {}
    for kind in ("models", "baselines"):
        rows[kind] = {}
        for name, entry in evaluation[kind].items():
            protocol, scores = next(iter(entry["protocols"].items()))
            rows[kind][name] = {"protocol": protocol, **{n: scores[n] for n in names}}
    return rows


def score_table(metrics: dict[str, Any]) -> Table:
    """`headline` as a table."""
    rows = [
        [name, kind.removesuffix("s"), m["protocol"], m["miou"], m["miou_foreground"], m["pixel_accuracy"]]
        for kind in ("models", "baselines")
        for name, m in metrics[kind].items()
    ]
    return table(["name", "", "protocol", "mIoU", "foreground mIoU", "pixel accuracy"], rows)


def show_result(result: dict[str, Any]) -> None:
    """Print what a run made: scores as a table, paths as lines."""
    scores = [score_table(result["metrics"])] if result["metrics"] else []
    report_line = [f"report: {result['report']}"] if result["report"] else []
    shift_lines = [f"test part: {line}" for line in describe_shift(result["shift"])] if result["metrics"] else []
    emit(result, text=[*scores, *shift_lines, f"run: {result['run']}", *report_line])


def demo(
    out: Path = typer.Option(Path("runs/demo"), "--out", help="Folder for the invented country and the run."),
    seed: int = typer.Option(1, "--seed", min=0, help="Seed of the country and of the run."),
    size_px: int = typer.Option(
        768, "--size-px", min=384, help="Side of the country in pixels of 10 m; a multiple of 6."
    ),
    template: str | None = typer.Option(
        None, "--template", help="Which experiment: demo (the default), invented-country or two-countries."
    ),
    file: Path | None = typer.Option(
        None, "--experiment", help="Instead: an experiment file, at small scale on invented countries in place of its."
    ),
) -> None:
    """The main job on an invented country of real SAFE products and parcels, ending with a report.

    bocage demo --seed 2 --out runs/demo-2
    bocage demo --experiment experiments/rpg-cnn.yaml --out runs/rpg-small
    """
    from bocage.pipeline.demo import prepare_demo, shrink_experiment

    check_libraries()
    if file is not None and template is not None:
        raise ConfigError(f"--template {template} and --experiment {file} are two experiments. Give one of them.")
    if file is not None:
        overrides = shrink_experiment(file, out / "countries", seed=seed, size_px=size_px, say=say)
        show_result(walk(file, overrides, out / "run", None))
        return
    experiment = prepare_demo(out, seed=seed, size_px=size_px, template=template or "demo", say=say)
    show_result(walk(experiment, [], out / "run", None))


def run(file: Path = EXPERIMENT, overrides: list[str] = SET, out: Path | None = OUT) -> None:
    """The whole flow. Finished stages are kept: a second run does no work, a killed one goes on where it was.

    bocage run my.yaml --set training.epochs=80 --set splits.block_m=2560
    """
    show_result(walk(file, overrides, out, None))


def _stage_command(target: str) -> Any:
    def command(file: Path = EXPERIMENT, overrides: list[str] = SET, out: Path | None = OUT) -> None:
        show_result(walk(file, overrides, out, target))

    return command


def refuse_mixture(context: typer.Context, file: Path | None) -> None:
    """Raise ConfigError for options of a single checkpoint beside an experiment file, and for --set without one: they
    would change nothing."""
    own = [p for p in context.command.params if p.name not in ("file", "out")]
    given = [p for p in own if getattr(context.get_parameter_source(str(p.name)), "name", "") == "COMMANDLINE"]
    wrong = ", ".join(p.opts[0] for p in given if (p.name == "overrides") == (file is None))
    if wrong and file is None:
        raise ConfigError(f"{wrong} changes an experiment file, and none is given.")
    if wrong:
        raise ConfigError(
            f"{wrong} goes with a checkpoint, not beside an experiment file. Leave out {file}, or change its sections "
            "with --set KEY=VALUE."
        )


def evaluate(
    context: typer.Context,
    file: Path | None = typer.Argument(None, help="Experiment file (YAML).", metavar="[EXPERIMENT.yaml]"),
    overrides: list[str] = SET,
    out: Path | None = typer.Option(
        None,
        "--out",
        help="Run folder, default runs/<experiment name>; with --checkpoint a folder for scores and report.",
    ),
    checkpoint: Path | None = typer.Option(None, help="A checkpoint folder, instead of an experiment."),
    dataset: Path | None = typer.Option(None, help="A data set folder, with --checkpoint."),
    split: Path | None = typer.Option(None, help="A split file, with --checkpoint."),
) -> None:
    """Judge the models of an experiment, or any checkpoint on any data set (--checkpoint, --dataset, --split).

    bocage evaluate my.yaml
    bocage evaluate --checkpoint runs/a/checkpoint/unet --dataset runs/b/dataset \\
      --split runs/b/split.parquet --out runs/a-on-b
    """
    refuse_mixture(context, file)
    if file is not None:
        show_result(walk(file, overrides, out, "evaluation"))
        return
    if checkpoint is None or dataset is None or split is None:
        raise ConfigError("Give an experiment file, or all of --checkpoint, --dataset and --split.")
    from bocage.pipeline.single import evaluate_checkpoint

    def say_shift(findings: Any) -> None:
        for line in describe_shift(findings):
            say(line)

    evaluation = evaluate_checkpoint(checkpoint, dataset, split, out=out, say=say, say_shift=say_shift)
    scores = headline(evaluation)
    rows = [
        [n, m["protocol"], m["miou"], m["miou_foreground"], m["pixel_accuracy"]]
        for k in scores.values()
        for n, m in k.items()
    ]
    report_path = str(out / "report.html") if out else None
    columns = ["name", "protocol", "mIoU", "foreground mIoU", "pixel accuracy"]
    report_line = [f"report: {report_path}"] if report_path else []
    emit({"evaluation": evaluation, "report": report_path}, text=[table(columns, rows), *report_line])


def make_map(
    context: typer.Context,
    file: Path | None = typer.Argument(None, help="Experiment file (YAML).", metavar="[EXPERIMENT.yaml]"),
    overrides: list[str] = SET,
    out: Path | None = typer.Option(
        None, "--out", help="Run folder, default runs/<experiment name>; with --checkpoint default runs/map."
    ),
    checkpoint: list[Path] = typer.Option([], help="A checkpoint folder, instead of an experiment; repeat to average."),
    catalog: str | None = typer.Option(
        None,
        help="With --checkpoint: a folder of products, a STAC file, a STAC API's address, or a name of `bocage scenes "
        "catalogs`.",
    ),
    path: PathOption = None,
    cube: Path | None = typer.Option(None, help="A cube folder to map, instead of --catalog."),
    region: str | None = typer.Option(None, help="Vector file or L,B,R,T in degrees; default: all of the products."),
    season: SeasonOption = None,
    parcels: Path | None = typer.Option(None, help="Parcels (output of `bocage parcels read`) for a vote each."),
    augment: bool = typer.Option(False, "--augment", help="Predict in eight orientations and average."),
    bf16: bool = typer.Option(False, "--bf16", help="Networks compute in bfloat16: faster on CPUs that have it."),
    probabilities: bool = typer.Option(
        False, "--probabilities", help="Also write a raster with one layer a class, in per cent."
    ),
    areas: Path | None = typer.Option(None, help="Polygon file: areas by class for each of its regions."),
    areas_name: str | None = typer.Option(None, help="Column of that file with the names; default: their numbers."),
) -> None:
    """Map the area of an experiment, or any place with any checkpoint (--checkpoint, --catalog, --region, --season).

    bocage map my.yaml
    bocage map --checkpoint runs/a/checkpoint/unet --catalog data/s2 \\
      --region 3.1,43.2,3.3,43.4 --season 2018-04-01/2018-09-30 --out maps/here
    """
    refuse_mixture(context, file)
    if file is not None:
        result = walk(file, overrides, out, "mapping")
        made = sorted((Path(result["run"]) / "map").rglob("*.tif"))
        emit(result, text=[f"run: {result['run']}", *map(str, made)])
        return
    if not checkpoint:
        raise ConfigError("Give an experiment file, or --checkpoint with --catalog or --cube.")
    found = {"--catalog": catalog, "--path": path, "--region": region, "--season": season}
    if cube is not None and (idle := ", ".join(name for name, value in found.items() if value is not None)):
        raise ConfigError(f"{idle} says where to find products, but --cube is mapped as it is. Leave out one of both.")
    from bocage.mapping.options import MappingOptions
    from bocage.pipeline.single import map_with_checkpoint

    made_maps = map_with_checkpoint(
        checkpoint,
        MappingOptions.from_values(
            augment=augment,
            precision="bf16" if bf16 else "fp32",
            probabilities=probabilities,
            areas_path=areas,
            areas_name=areas_name,
        ),
        scenes=read_options(catalog, season, None, "L2A", path) if catalog else None,
        cube=cube,
        region=region,
        parcels=parcels,
        out=out or Path("runs/map"),
        workers=settings.workers,
        say=say,
    )
    emit(made_maps, text=[f"{key}: {value}" for key, value in made_maps.items() if key != "maps" and value])


def report(
    target: Path | None = typer.Argument(None, help="Run folder, or experiment file (YAML).", metavar="[RUN]"),
    overrides: list[str] = SET,
    out: Path | None = typer.Option(
        None, "--out", help="Run folder, default runs/<experiment name>; of a comparison, the folder of its page."
    ),
    compare: tuple[Path, Path] | None = typer.Option(
        None, "--compare", help="Instead: two evaluated run folders side by side.", metavar="RUN1 RUN2"
    ),
) -> None:
    """One self-contained HTML page of a run, or of two runs side by side; opens without a network.

    bocage report runs/a
    bocage report --compare runs/a runs/b --out runs/a-and-b
    """
    if (target is None) == (compare is None):
        raise ConfigError("Give one run folder or experiment file, or two run folders after --compare.")
    if compare is not None:
        if overrides:
            raise ConfigError("--set changes an experiment file; --compare reads two finished runs. Leave it out.")
        from bocage.pipeline.comparison import write_comparison

        made = write_comparison(*compare, out=out)
        emit(made, text=[f"report: {made['report']}"])
        return
    assert target is not None
    is_file = target.suffix.lower() in (".yaml", ".yml")
    if out is not None and not is_file:
        raise ConfigError(f"The report of {target} is written there. Leave out --out {out}, or copy the page.")
    if is_file:
        show_result(walk(target, overrides, out, "reports"))
        return
    from bocage.reports.read import check_run_folder

    check_run_folder(target)
    show_result(walk(target / "experiment.yaml", overrides, target, "reports"))


def status(run: Path = typer.Argument(help="Run folder.")) -> None:
    """Where a run stands: stages done, running or waiting.

    bocage status runs/my-experiment
    """
    from bocage.pipeline.status import read_status

    state = read_status(run)
    rows = [[s["name"], s["state"], s.get("seconds")] for s in state["stages"]]
    emit(state, text=[table(["stage", "state", "seconds"], rows), f"last event: {state['last_event']}"])


@cache.command()
def info() -> None:
    """What the artifact store holds, by stage."""
    store = ArtifactStore()
    found = store.info()
    by_stage: dict[str, list[int]] = {}
    for row in found:
        by_stage.setdefault(row["stage"], []).append(row["bytes"])
    rows = [[stage, len(sizes), sum(sizes) / 1e6] for stage, sizes in by_stage.items()]
    total = sum(row["bytes"] for row in found)
    emit(
        {"root": str(store.root), "bytes": total, "artifacts": found},
        text=[f"{store.root}: {len(found)} artifacts, {total / 1e6:,.1f} MB", table(["stage", "n", "MB"], rows)],
    )


@cache.command()
def verify(drop: bool = typer.Option(False, "--drop", help="Delete the damaged ones; they are made again.")) -> None:
    """Read every file of the artifact store and compare it with what was written. Exit code 3 if something is wrong.

    bocage cache verify --drop
    """
    store = ArtifactStore()
    found = store.verify()
    problems = [f"{stage}/{key}/{problem}" for stage, key, problem in found]
    emit({"ok": not found, "problems": problems}, text=problems or f"{store.root} is whole.")
    if drop:
        for stage, key in {(stage, key) for stage, key, _ in found}:
            store.drop(stage, key)
    elif found:
        raise typer.Exit(CorruptFile.exit_code)


@cache.command()
def prune(
    older_than_days: float = typer.Option(
        0.0, "--older-than-days", min=0, help="Keep what is younger; 0 deletes everything."
    ),
) -> None:
    """Delete artifacts, but what a running command is making. Run folders keep their own files; a pruned stage is made
    again when it is needed.

    bocage cache prune --older-than-days 30
    """
    n, freed = ArtifactStore().prune(older_than_s=older_than_days * 86_400)
    emit({"deleted": n, "bytes": freed}, text=f"deleted {n} artifacts, freed {freed / 1e6:,.1f} MB")


def doctor() -> None:
    """Check the environment: Python, packages, GDAL drivers, credentials present or not, disk, GPU.
    Exit code 2 if something needed is missing.

    bocage doctor
    """
    checks = check_environment()
    ok = all(c["ok"] for c in checks if c["needed"])
    rows = [["ok" if c["ok"] else ("MISSING" if c["needed"] else "–"), c["name"], c["found"]] for c in checks]
    missing = [] if ok else ["Something needed is missing."]
    emit({"ok": ok, "checks": checks}, text=[table(["", "check", "found"], rows), *missing])
    if not ok:
        raise typer.Exit(ConfigError.exit_code)

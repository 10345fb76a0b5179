"""`bocage benchmarks …`: what published data sets there are, is a copy whole, how does a model do on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer
import yaml

from bocage.cli.output import emit, say, table
from bocage.core.errors import ConfigError, CorruptFile
from bocage.core.tally import Tally

app = typer.Typer(no_args_is_help=True)

NAME = typer.Argument(help="Name of the benchmark; see `bocage benchmarks list`.")
PATH = typer.Argument(None, help="Your copy of it; left out with --demo.", metavar="[PATH]")
SET = typer.Option([], "--set", help="Option of its reader: KEY=VALUE, e.g. date=middle. Repeatable.", metavar="K=V")
DEMO = typer.Option(False, "--demo", help="Use a miniature of the same layout, written to a temporary folder.")


@app.command("list")
def list_benchmarks() -> None:
    """Every benchmark: what it is, where to get it, its licence, its views."""
    from bocage.benchmarks.registry import BENCHMARKS

    records = [benchmark.to_json() for _, benchmark in BENCHMARKS.items()]
    rows = [(r["name"], r["title"], ", ".join(r["views"]), r["licence"]) for r in records]
    where = [f"{r['name']}: {r['where']}" for r in records]
    listed = table(["name", "what", "views", "licence"], rows)
    emit({"benchmarks": records}, text=[listed, "", "To be had at:", *where])


@app.command()
def check(
    name: str = NAME,
    path: Path | None = PATH,
    settings: list[str] = SET,
    demo: bool = DEMO,
    reference: Path | None = typer.Option(
        None,
        "--reference-safe",
        help="A SAFE product of the same ground and day, to verify what is not published: DACIA5's band order.",
        metavar="SAFE",
    ),
) -> None:
    """Is a copy whole? Compares its files with the published layout. Exit code 3 if something is wrong.

    bocage benchmarks check pastis data/PASTIS
    """
    from bocage.benchmarks.benchmark import parse_options, verify
    from bocage.benchmarks.registry import BENCHMARKS

    benchmark = BENCHMARKS[name]
    options = parse_options(benchmark, parse_settings(settings))
    with TemporaryDirectory() as scratch:
        copy = find_copy(benchmark, path, demo=demo, scratch=Path(scratch))
        problems = benchmark.check(copy, options)
        counts = {} if problems else {v: benchmark.open(copy, v, options).tally.to_json() for v in benchmark.views}
        counted = {} if problems else dict(benchmark.count(copy, options))
        verified = verify(benchmark, copy, reference, options) if reference and not problems else None
    problems += verified.problems if verified else ()
    result = {"ok": not problems, "problems": problems, "samples": counts, "published": dict(benchmark.published)}
    result["counted"] = counted
    result["reference"] = dict(verified.findings) if verified else None
    found = [f"{view}: {c['kept']} samples, left out: {c['dropped'] or 'none'}" for view, c in counts.items()]
    published = [f"{k}: {counted[k]}, published: {n}" for k, n in benchmark.published.items() if k in counted]
    fewer = any(counted[k] < n for k, n in benchmark.published.items() if k in counted)
    whole = "Every file is whole, but there are fewer than were published." if fewer else "The copy is whole."
    lines = [*problems, f"{name} is to be had at: {benchmark.where}"] if problems else [whole, *found, *published]
    emit(result, text=lines + ([verified.summary] if verified else []))
    if problems:
        raise typer.Exit(CorruptFile.exit_code)


@app.command()
def evaluate(
    name: str = NAME,
    path: Path | None = PATH,
    checkpoints: list[Path] = typer.Option(
        ..., "--checkpoint", help="Checkpoint folder; repeat it for one model a rotation, in the order of rotations."
    ),
    view: str | None = typer.Option(None, help="Which view; default: the one with the classes of the model."),
    settings: list[str] = SET,
    demo: bool = DEMO,
    seed: int = typer.Option(0, min=0, help="Seed of the intervals."),
    out: Path | None = typer.Option(None, "--out", help="Folder for evaluation.json and pictures of some samples."),
) -> None:
    """Judge a checkpoint under the benchmark's own protocols; first say what differs from its training data.

    bocage benchmarks evaluate pastis data/PASTIS \\
      --checkpoint runs/a/checkpoint/unet
    """
    from bocage.benchmarks.registry import BENCHMARKS
    from bocage.evaluation.options import EvaluationOptions
    from bocage.pipeline.foreign import judge_checkpoints
    from bocage.reports.write import PANELS

    benchmark = BENCHMARKS[name]
    with TemporaryDirectory() as scratch:
        result, shifts = judge_checkpoints(
            benchmark,
            find_copy(benchmark, path, demo=demo, scratch=Path(scratch)),
            checkpoints,
            EvaluationOptions(),
            view=view,
            settings=parse_settings(settings),
            seed=seed,
            folder=out,
        )
    say(f"{benchmark.title}, view {result['view']}: {Tally.from_json(result['tally'])}")
    for folder, findings in shifts.items():
        for line in describe_shift(findings):
            say(f"{folder}: {line}")
    if out is not None and (out / PANELS).is_file():
        say(f"pictures: {out / PANELS}")
    columns = ["protocol", "mIoU", "foreground mIoU", "present-class mIoU", "pixel accuracy"]
    keys = ("miou", "miou_foreground", "miou_present", "pixel_accuracy")
    rows = [(p, *(scores[k] for k in keys)) for p, scores in result["protocols"].items()]
    published = benchmark.views[result["view"]].protocols[0]
    rows += [(f"{published}, {fold}", *(by[published][k] for k in keys)) for fold, by in result["folds"].items()]
    emit({"benchmark": name, "shift": shifts, **result}, text=table(columns, rows))


def describe_shift(findings: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """What is said before a model is judged; None: the checkpoint does not say what it was trained on."""
    if findings is None:
        return ["the checkpoint does not say what it was trained on: nothing was compared"]
    return [f"shift, {f['kind']}: {f['message']}" for f in findings] or ["nothing differs from its training data"]


def find_copy(benchmark: Any, path: Path | None, *, demo: bool, scratch: Path) -> Path:
    """The copy that was given, or a miniature in `scratch`."""
    from bocage.benchmarks.benchmark import require_copy

    if demo == (path is not None):
        raise ConfigError(
            f"Give the path of your copy, or --demo. {benchmark.name} is to be had at: {benchmark.where}."
        )
    return benchmark.write_miniature(scratch) if path is None else require_copy(benchmark, path)


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE, values as in YAML.

    Raises:
        ConfigError: for what is not KEY=VALUE, or a value that is not YAML.
    """
    parsed = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set takes KEY=VALUE, got '{setting}'.")
        try:
            parsed[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {setting}: the value is not YAML: {' '.join(str(error).split())}") from error
    return parsed

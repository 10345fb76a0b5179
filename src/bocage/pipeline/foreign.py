"""Benchmarks of an experiment: every model judged on each of them, beside its own test part. IO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bocage.benchmarks.benchmark import Benchmark, find_view, open_checked, parse_options
from bocage.benchmarks.options import BenchmarkOptions
from bocage.benchmarks.registry import BENCHMARKS
from bocage.core.artifacts import Draft, write_json
from bocage.core.digest import fingerprint_tree
from bocage.core.errors import ConfigError, MissingFile
from bocage.evaluation.options import EvaluationOptions
from bocage.experiment.schema import Experiment
from bocage.pipeline.pieces import Piece, link_pieces, run_pieces
from bocage.pipeline.run import Context

if TYPE_CHECKING:
    from bocage.models.checkpoint import ModelRecord

SHIFT = "shift.json"


def judge_checkpoints(
    benchmark: Benchmark,
    copy: Path,
    checkpoints: Sequence[Path],
    options: EvaluationOptions,
    *,
    view: str | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int,
    folder: Path | None = None,
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]] | None], dict[str, ModelRecord]]:
    """Judge one checkpoint, or one a rotation, on a copy of a benchmark.

    Args:
        view: its name; by default the one with the classes of the first model.
        settings: options of the reader.
        folder: gets evaluation.json and panels.npz.

    Returns:
        The evaluation (see `evaluate_benchmark`); what differs from each checkpoint's training data (None where it does
        not say what that was); the record of each checkpoint.

    Raises:
        CorruptFile: if the copy is not whole; see `open_checked`.
        ConfigError, MissingBand, DataError, NothingLeft: as `find_view` and `evaluate_benchmark`.
    """
    from bocage.evaluation.read_shift import compare_benchmark
    from bocage.evaluation.score_benchmark import evaluate_benchmark
    from bocage.models.checkpoint import load_predictor, read_record

    predictors = {str(checkpoint): load_predictor(checkpoint) for checkpoint in checkpoints}
    if len(predictors) != len(checkpoints):
        raise ConfigError("A checkpoint is given twice. Give each once.")
    first = next(iter(predictors.values()))
    chosen = find_view(benchmark, view, first.class_names, first.bands)
    collection = open_checked(benchmark, copy, chosen, parse_options(benchmark, settings or {}))
    records = {str(checkpoint): read_record(checkpoint) for checkpoint in checkpoints}
    shifts = {
        name: compare_benchmark(collection, record, seed=seed) if "seen" in record.training else None
        for name, record in records.items()
    }
    return evaluate_benchmark(predictors, collection, options, seed=seed, folder=folder), shifts, records


def make_benchmarks(context: Context, draft: Draft) -> None:
    """Every model on every benchmark: a folder each with evaluation.json, panels.npz and shift.json."""
    experiment = context.experiment
    pieces = [
        Piece(
            f"{_folder_of(options)}/{model.name}",
            "benchmark",
            1,
            [options, experiment.evaluation, experiment.seed],
            partial(_build_one, options, context.path(f"train/{model.name}"), experiment.evaluation, experiment.seed),
            {"model": context.artifacts[f"train/{model.name}"].key, "copy": fingerprint_tree(_copy_of(options))},
        )
        for options in experiment.benchmarks
        for model in experiment.models
    ]
    link_pieces(draft, pieces, run_pieces(context, pieces))


def fingerprint_copies(experiment: Experiment) -> dict[str, str]:
    """What the keys of the stage have of the copies; see `fingerprint_tree`."""
    return {f"{i} {o.name}": fingerprint_tree(_copy_of(o)) for i, o in enumerate(experiment.benchmarks)}


def _copy_of(options: BenchmarkOptions) -> Path:
    path = Path(options.path)
    if not path.exists():
        benchmark = BENCHMARKS[options.name]
        raise MissingFile(
            f"No copy of {benchmark.name} at {path}. Correct the path in the section `benchmarks`; it is to be had at: "
            f"{benchmark.where}."
        )
    return path


def _folder_of(options: BenchmarkOptions) -> str:
    return "-".join([options.name, *([options.view] if options.view else [])])


def _build_one(
    options: BenchmarkOptions, checkpoint: Path, evaluation: EvaluationOptions, seed: int, folder: Path, _: int
) -> None:
    shifts = judge_checkpoints(
        BENCHMARKS[options.name],
        Path(options.path),
        [checkpoint],
        evaluation,
        view=options.view,
        settings=options.options,
        seed=seed,
        folder=folder,
    )[1]
    (findings,) = shifts.values()
    write_json(folder / SHIFT, {"benchmark": BENCHMARKS[options.name].title, "findings": findings})

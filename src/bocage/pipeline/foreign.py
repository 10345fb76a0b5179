"""Benchmarks of an experiment: every model judged on each of them, beside its own test part. IO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bocage.benchmarks.benchmark import Benchmark, check_copy, find_view, open_checked, parse_options, require_copy
from bocage.benchmarks.options import BenchmarkOptions
from bocage.benchmarks.registry import BENCHMARKS
from bocage.core.artifacts import Draft, write_json
from bocage.core.digest import fingerprint_tree
from bocage.core.errors import ConfigError
from bocage.datasets.info import ClassInfo
from bocage.datasets.read import open_dataset
from bocage.evaluation.options import EvaluationOptions
from bocage.experiment.schema import Experiment
from bocage.pipeline.pieces import Piece, link_pieces, run_pieces
from bocage.pipeline.run import Context
from bocage.splits.store import SPLIT, read_split

if TYPE_CHECKING:
    from bocage.models.predictor import Predictor

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
    baselines: Mapping[str, Predictor] | None = None,
    folder: Path | None = None,
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]] | None]]:
    """Judge one checkpoint, or one a rotation, on a copy of a benchmark.

    Args:
        view: its name; by default the one with the classes of the first model.
        settings: options of the reader.
        baselines: learned from the training data; judged beside the models where the benchmark has all their bands, and
            as many dates (which only a model for that number of dates says).
        folder: gets the files of `evaluate_benchmark` and panels.png.

    Returns:
        The evaluation (see `evaluate_benchmark`); what differs from each checkpoint's training data (None where it does
        not say what that was).

    Raises:
        MissingFile, CorruptFile: if the copy is not there or not whole; see `open_checked`.
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
    fitting = {
        name: b
        for name, b in (baselines or {}).items()
        if set(b.bands) <= set(chosen.bands) and b.n_dates == first.n_dates
    }
    result = evaluate_benchmark(predictors, collection, options, seed=seed, baselines=fitting, folder=folder)
    if folder is not None:
        from bocage.reports.write import write_panels_picture

        write_panels_picture(folder, [ClassInfo(**c) for c in next(iter(records.values())).classes])
    return result, shifts


def make_benchmarks(context: Context, draft: Draft) -> None:
    """Every model on every benchmark, beside the nearest class spectrum of the training part: a folder each with what
    `judge_checkpoints` writes, and shift.json."""
    experiment = context.experiment
    learned_from = (context.path("datasets"), context.path("splits") / SPLIT)
    pieces = [
        Piece(
            f"{place_of(options)}/{model.name}",
            "benchmark",
            2,
            [options, experiment.evaluation, experiment.seed],
            partial(_build_one, options, context.path(f"train/{model.name}"), learned_from, experiment),
            {"model": context.artifacts[f"train/{model.name}"].key, "copy": fingerprint},
        )
        for options, fingerprint in zip(experiment.benchmarks, fingerprint_copies(experiment).values(), strict=True)
        for model in experiment.models
    ]
    link_pieces(draft, pieces, run_pieces(context, pieces))


def fingerprint_copies(experiment: Experiment) -> dict[str, str]:
    """What the keys of the stage have of the copies; see `fingerprint_tree`."""
    return {f"{i} {options.name}": fingerprint_tree(copy) for i, (options, copy) in enumerate(find_copies(experiment))}


def find_copies(experiment: Experiment) -> list[tuple[BenchmarkOptions, Path]]:
    """The benchmarks of an experiment and where their copies are.

    Raises:
        MissingFile: of the first that is not there; says where to get it.
    """
    return [(options, require_copy(BENCHMARKS[options.name], Path(options.path))) for options in experiment.benchmarks]


def check_benchmarks(experiment: Experiment) -> None:
    """Refuse a copy that is not there or not whole before anything is trained.

    Raises:
        MissingFile, CorruptFile: of the first such copy.
    """
    for options, copy in find_copies(experiment):
        benchmark = BENCHMARKS[options.name]
        check_copy(benchmark, copy, parse_options(benchmark, options.options))


def place_of(options: BenchmarkOptions) -> str:
    """Its folder in the run folder's `benchmarks`."""
    return "-".join([options.name, *([options.view] if options.view else [])])


@lru_cache(maxsize=1)  # the pieces of one run have one training part
def _learn_centroid(dataset: Path, split: Path, options: EvaluationOptions, seed: int) -> dict[str, Predictor]:
    from bocage.evaluation.judge import CENTROID, learn_baselines

    _summary, learned = learn_baselines(open_dataset(dataset), read_split(split), options, seed)
    return {CENTROID: learned[CENTROID]}


def _build_one(
    options: BenchmarkOptions,
    checkpoint: Path,
    learned_from: tuple[Path, Path],
    experiment: Experiment,
    folder: Path,
    _: int,
) -> None:
    shifts = judge_checkpoints(
        BENCHMARKS[options.name],
        Path(options.path),
        [checkpoint],
        experiment.evaluation,
        view=options.view,
        settings=options.options,
        seed=experiment.seed,
        baselines=_learn_centroid(*learned_from, experiment.evaluation, experiment.seed),
        folder=folder,
    )[1]
    (findings,) = shifts.values()
    write_json(folder / SHIFT, {"benchmark": BENCHMARKS[options.name].title, "findings": findings})

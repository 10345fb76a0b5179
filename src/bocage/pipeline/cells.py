"""One scenario of a matrix with one seed: a run whose every model is a cell, inside or on a set of others. IO."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bocage.benchmarks.benchmark import check_copy, find_view, parse_options
from bocage.benchmarks.options import CopyOptions
from bocage.benchmarks.registry import BENCHMARKS
from bocage.core.artifacts import Draft, read_json, write_json
from bocage.core.digest import fingerprint_tree
from bocage.core.seeds import generator
from bocage.datasets.info import ClassInfo
from bocage.datasets.read import open_dataset
from bocage.evaluation.options import EvaluationOptions
from bocage.experiment.schema import Experiment
from bocage.metrics.intervals import paired_bootstrap
from bocage.metrics.protocols import find_protocol
from bocage.pipeline.run import Context, Stage, needed_stages
from bocage.pipeline.stages import SPLIT, plan_stages
from bocage.reports.leaderboard import RANKED_BY
from bocage.reports.write import write_panels_picture
from bocage.splits.store import read_split

CELL, COUNTS, EXTERNAL = "cell", "counts.npy", "external"
COSTS = ("n_parameters", "training_s", "prediction_s_per_mpx")
TIMED_SAMPLES = 16  # samples that are predicted to time a model


@dataclass(frozen=True)
class Run:
    """One scenario with one seed: every model of the experiment under it.

    Attributes:
        external: name → benchmark on which its models are judged too.
    """

    scenario: str
    seed: int
    experiment: Experiment
    external: Mapping[str, CopyOptions] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.scenario}-{self.seed}"


def plan_cells(run: Run) -> list[Stage]:
    """The stages of one run: everything up to the evaluation, then a cell for each model, then one for each on each
    external set."""
    models = [model.name for model in run.experiment.models]
    return [
        *needed_stages(plan_stages(run.experiment), "evaluation"),
        *(
            Stage(
                f"{CELL}/{model}",
                3,
                ("datasets", "splits", f"train/{model}", "evaluation"),
                lambda e: [e.evaluation, e.seed],
                partial(make_cell, model=model),
            )
            for model in models
        ),
        *(_plan_external(name, copy, model) for name, copy in run.external.items() for model in models),
    ]


def _plan_external(name: str, copy: CopyOptions, model: str) -> Stage:
    return Stage(
        f"{EXTERNAL}/{name}/{model}",
        1,
        ("datasets", "splits", f"train/{model}", f"{CELL}/{model}"),
        lambda e: [copy.benchmark, copy.options, e.evaluation, e.seed],
        partial(judge_external, copy=copy, model=model),
        external=lambda _: {"copy": fingerprint_tree(Path(copy.path))},
    )


def check_external(copies: Mapping[str, CopyOptions]) -> None:
    """Refuse a benchmark that is not there or not whole before anything is trained.

    Raises:
        UnknownName, ConfigError: if there is no such benchmark, or its reader has no such option.
        CorruptFile: if a copy is not whole.
    """
    for copy in copies.values():
        benchmark = BENCHMARKS[copy.benchmark]
        check_copy(benchmark, Path(copy.path), parse_options(benchmark, copy.options))


def make_cell(context: Context, draft: Draft, *, model: str) -> None:
    """A model's scores, costs and distances to the baselines → cell.json; its counts by block → counts.npy."""
    trained = context.artifacts[f"train/{model}"]
    evaluation = read_json(context.path("evaluation") / "evaluation.json")
    costs = {
        "n_parameters": read_json(trained.path / "model.json")["n_parameters"],
        "training_s": trained.record["seconds"],
        "prediction_s_per_mpx": time_prediction(context, model),
    }
    cell = costs | {"protocols": evaluation["models"][model]["protocols"]}
    _keep(draft.path, cell, context, context.path("evaluation"), model, list(evaluation["baselines"]))


def judge_external(context: Context, draft: Draft, *, copy: CopyOptions, model: str) -> None:
    """A model on a benchmark, under the protocols of the experiment → what `evaluate_benchmark` writes, panels.png, and
    what `make_cell` writes; `shift` says what differs from the training data.

    The nearest class spectrum of the training part is judged beside it, if the benchmark has the bands of the training
    data, and as many dates (which only a model for that number of dates says).
    """
    from bocage.evaluation.judge import CENTROID, learn_baselines
    from bocage.evaluation.read_shift import compare_benchmark
    from bocage.evaluation.score_benchmark import JUDGED, evaluate_benchmark
    from bocage.models.checkpoint import load_predictor, read_record

    experiment, checkpoint = context.experiment, context.path(f"train/{model}")
    options = experiment.evaluation
    benchmark, predictor, record = BENCHMARKS[copy.benchmark], load_predictor(checkpoint), read_record(checkpoint)
    view = find_view(benchmark, None, predictor.class_names, predictor.bands)
    collection = benchmark.open(Path(copy.path), view.name, parse_options(benchmark, copy.options))
    shift = compare_benchmark(collection, record, seed=experiment.seed)
    protocols = tuple(p for p in options.protocols if find_protocol(p).level is None)
    ours = replace(collection, view=replace(view, protocols=protocols))
    dataset, split = open_dataset(context.path("datasets")), read_split(context.path("splits") / SPLIT)
    centroid = learn_baselines(dataset, split, options, experiment.seed)[1][CENTROID]
    fits = set(centroid.bands) <= set(view.bands) and centroid.n_dates == predictor.n_dates
    result = evaluate_benchmark(
        {model: predictor},
        ours,
        options,
        seed=experiment.seed,
        baselines={CENTROID: centroid} if fits else {},
        folder=draft.path,
    )
    write_panels_picture(draft.path, [ClassInfo(**c) for c in record.classes])
    inside = read_json(context.path(f"{CELL}/{model}") / "cell.json")
    cell = {k: inside[k] for k in COSTS} | {"protocols": result["protocols"], "shift": shift}
    _keep(draft.path, cell, context, draft.path, JUDGED, list(result["baselines"]))


def _keep(
    folder: Path, cell: Mapping[str, Any], context: Context, judged: Path, own: str, baselines: Sequence[str]
) -> None:
    """cell.json with `over` (baseline → what the model has over it), and counts.npy, both under the first protocol.

    Args:
        judged: folder with blocks.npz.
        own: name of the model there.
    """
    options, seed = context.experiment.evaluation, context.experiment.seed
    with np.load(judged / "blocks.npz", allow_pickle=False) as counts:
        reached = counts[f"{own}/{options.protocols[0]}"]
        found = {name: counts[f"{name}/{options.protocols[0]}"] for name in baselines}
    over = {name: _gain(reached, other, options, seed) for name, other in found.items()} if reached.any() else {}
    np.save(folder / COUNTS, reached)
    write_json(folder / "cell.json", {**cell, "over": over})


def _gain(
    model: np.ndarray[Any, Any], baseline: np.ndarray[Any, Any], options: EvaluationOptions, seed: int
) -> dict[str, Any]:
    return paired_bootstrap(
        model,
        baseline,
        RANKED_BY,
        rng=generator(seed, "matrix", "gain"),
        present_only=find_protocol(options.protocols[0]).present_only,
        n_draws=options.bootstrap,
        level=options.level,
    )


def time_prediction(context: Context, name: str) -> float:
    """Seconds to predict a million pixels, over a few test samples, without reading them."""
    from bocage.evaluation.predict import predict
    from bocage.models.checkpoint import load_predictor

    dataset, split = open_dataset(context.path("datasets")), read_split(context.path("splits") / SPLIT)
    wanted = split.table.loc[split.table["part"] == "test", "sample_id"].tolist()[:TIMED_SAMPLES]
    samples = [dataset.read(sample_id) for sample_id in wanted]
    predictor = load_predictor(context.path(f"train/{name}"))
    start = time.perf_counter()
    for s in samples:
        predict(name, predictor, s.image[None], s.valid[None], s.days[None], s.bands)
    return (time.perf_counter() - start) / sum(s.labels.size for s in samples) * 1e6

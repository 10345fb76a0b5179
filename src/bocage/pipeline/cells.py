"""One scenario of a matrix with one seed: a run whose every model is a cell, and one more on each benchmark. IO."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bocage.core.artifacts import Draft, read_json, write_json
from bocage.core.errors import ConfigError
from bocage.core.seeds import generator
from bocage.datasets.read import open_dataset
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.write import JUDGED
from bocage.experiment.schema import Experiment
from bocage.metrics.intervals import paired_bootstrap
from bocage.metrics.protocols import find_protocol
from bocage.pipeline.foreign import SHIFT, place_of
from bocage.pipeline.run import Context, Stage, needed_stages
from bocage.pipeline.stages import plan_stages
from bocage.reports.leaderboard import RANKED_BY
from bocage.splits.store import SPLIT, read_split

CELL, COUNTS, EXTERNAL = "cell", "counts.npy", "external"
COSTS = ("n_parameters", "training_s", "prediction_s_per_mpx")
TIMED_SAMPLES = 16  # samples that are predicted to time a model


@dataclass(frozen=True)
class Run:
    """One scenario with one seed: every model of the experiment under it, and on its benchmarks."""

    scenario: str
    seed: int
    experiment: Experiment

    @property
    def name(self) -> str:
        return f"{self.scenario}-{self.seed}"


def plan_cells(run: Run) -> list[Stage]:
    """The stages of one run: all up to the evaluation and the benchmarks, then a cell for each model, here and on each
    benchmark."""
    stages, models = plan_stages(run.experiment), [model.name for model in run.experiment.models]
    return [
        *needed_stages(stages, "evaluation"),
        *(stage for stage in stages if stage.name == "benchmarks"),
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
        *(
            Stage(
                f"{EXTERNAL}/{place}/{model}",
                1,
                ("benchmarks", f"{CELL}/{model}"),
                lambda e: [e.evaluation, e.seed],
                partial(make_external_cell, place=place, model=model),
            )
            for place in map(place_of, run.experiment.benchmarks)
            for model in models
        ),
    ]


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


def make_external_cell(context: Context, draft: Draft, *, place: str, model: str) -> None:
    """As `make_cell`, of a model on a benchmark; `folds` of it, and `shift`: what differs from the training data.

    Raises:
        ConfigError: if the benchmark is not counted by the experiment's first protocol.
    """
    judged = context.path("benchmarks") / place / model
    evaluation = read_json(judged / "evaluation.json")
    first = context.experiment.evaluation.protocols[0]
    if first not in evaluation["protocols"]:
        raise ConfigError(
            f"A matrix compares by the protocol {first}, but benchmark '{place}' is counted by "
            f"{', '.join(evaluation['protocols'])}. Put one of these first in evaluation.protocols."
        )
    inside = read_json(context.path(f"{CELL}/{model}") / "cell.json")
    cell = {k: inside[k] for k in COSTS} | {k: evaluation[k] for k in ("protocols", "folds")}
    cell["shift"] = read_json(judged / SHIFT)["findings"]
    _keep(draft.path, cell, context, judged, JUDGED, list(evaluation["baselines"]))


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

"""An experiment as a matrix: models × seeds × scenarios → one leaderboard. IO.

A scenario is a `splits` section. Each scenario and seed is a run of its own that shares the data set; each model in it
is a cell, an artifact like any other: a killed matrix goes on with the cell it was in, a new seed adds only its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.arrays import Int64
from bocage.core.artifacts import ArtifactStore, Draft, read_json, write_json
from bocage.core.errors import ConfigError
from bocage.core.seeds import generator
from bocage.datasets.read import open_dataset
from bocage.evaluation.options import EvaluationOptions
from bocage.experiment.schema import Experiment
from bocage.metrics.intervals import unpaired_bootstrap
from bocage.metrics.protocols import find_protocol
from bocage.pipeline.run import Context, Stage, needed_stages, run_stages
from bocage.pipeline.stages import SPLIT, plan_stages
from bocage.reports.leaderboard import RANKED_BY, build_leaderboard
from bocage.reports.read import read_scenarios
from bocage.reports.write import write_page
from bocage.splits.store import read_split

SCORES = ("miou", "miou_foreground", "miou_present", "pixel_accuracy", "mean_class_accuracy")
COSTS = ("n_parameters", "training_s", "prediction_s_per_mpx")
OVER = "over_"
Counts = dict[tuple[str, int, str], Int64]  # scenario, seed and model → (n_blocks, K, K)
TIMED_SAMPLES = 16  # samples that are predicted to time a model


@dataclass(frozen=True)
class Run:
    """One scenario with one seed: every model of the experiment under it."""

    scenario: str
    seed: int
    experiment: Experiment

    @property
    def name(self) -> str:
        return f"{self.scenario}-{self.seed}"


def plan_runs(experiment: Experiment) -> list[Run]:
    """Scenarios × seeds.

    Raises:
        ConfigError: if the experiment has no matrix or no models.
    """
    matrix = experiment.matrix
    if matrix is None or not experiment.models:
        raise ConfigError(f"'{experiment.name}' has no {'models' if matrix else 'matrix section'}: nothing to compare.")
    return [
        Run(name, seed, experiment.model_copy(update={"splits": splits, "seed": seed, "matrix": None}))
        for name, splits in matrix.scenarios.items()
        for seed in matrix.seeds
    ]


def plan_cells(run: Run) -> list[Stage]:
    """The stages of one run: everything up to the evaluation, then a cell for each model."""
    return [
        *needed_stages(plan_stages(run.experiment), "evaluation"),
        *(
            Stage(
                f"cell/{model.name}",
                2,
                ("datasets", "splits", f"train/{model.name}", "evaluation"),
                lambda e: e.evaluation.protocols,
                partial(make_cell, name=model.name),
            )
            for model in run.experiment.models
        ),
    ]


def make_cell(context: Context, draft: Draft, *, name: str) -> None:
    """A model's scores and costs → cell.json; its counts by block under the first protocol → counts.npy."""
    trained = context.artifacts[f"train/{name}"]
    evaluation = read_json(context.path("evaluation") / "evaluation.json")
    cell = {
        "n_parameters": read_json(trained.path / "model.json")["n_parameters"],
        "training_s": trained.record["seconds"],
        "prediction_s_per_mpx": time_prediction(context, name),
        "protocols": evaluation["models"][name]["protocols"],
        "baselines": {other: record["protocols"] for other, record in evaluation["baselines"].items()},
    }
    with np.load(context.path("evaluation") / "blocks.npz", allow_pickle=False) as counts:
        np.save(draft.path / "counts.npy", counts[f"{name}/{context.experiment.evaluation.protocols[0]}"])
    write_json(draft.path / "cell.json", cell)


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


def run_matrix(
    experiment: Experiment, *, out: Path, store: ArtifactStore, workers: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run what is missing of every cell; write leaderboard.parquet and leaderboard.html into `out`.

    Returns:
        cells (one a scenario, seed and model), leaderboard (one a scenario and model), report, table, run.
    """
    runs = plan_runs(experiment)
    cells: list[dict[str, Any]] = []
    counts: Counts = {}
    splits: dict[str, Path] = {}
    for n, run in enumerate(runs, 1):
        say(f"({n}/{len(runs)}) scenario {run.scenario}, seed {run.seed}")
        results = run_stages(plan_cells(run), run.experiment, out=out / run.name, store=store, workers=workers, say=say)
        for done in results:
            if done.name.startswith("cell/"):
                model = done.name.removeprefix("cell/")
                cells.append(read_cell(run, model, done.artifact.path, cached=done.cached))
                counts[run.scenario, run.seed, model] = np.load(done.artifact.path / "counts.npy")
        made = {r.name: r.artifact.path for r in results}
        splits.setdefault(run.scenario, made["splits"])
    assert experiment.matrix is not None  # plan_runs has seen to it
    say("leaderboard")
    inside = experiment.matrix.inside
    drops = bound_drops(counts, inside, experiment.evaluation)
    table = rank(pd.DataFrame(cells).merge(drops, on=["scenario", "seed", "model"]), inside)
    table.to_parquet(out / "leaderboard.parquet", index=False)
    protocol = experiment.evaluation.protocols[0]
    page = build_leaderboard(
        experiment.name,
        table,
        read_scenarios(made["datasets"], splits),
        protocol=protocol,
        seeds=experiment.matrix.seeds,
        inside=inside,
    )
    write_page(page, out / "leaderboard.html")
    result = {
        "run": str(out),
        "cells": _records(pd.DataFrame(cells)),
        "leaderboard": _records(table),
        "table": str(out / "leaderboard.parquet"),
        "report": str(out / "leaderboard.html"),
    }
    write_json(out / "leaderboard.json", result)
    return result


def read_cell(run: Run, model: str, folder: Path, *, cached: bool) -> dict[str, Any]:
    """One row: which cell, its scores under the first protocol with the interval of the ranking one, its costs.

    `over_<baseline>` is how far the ranking score lies over that baseline's.
    """
    cell = read_json(folder / "cell.json")
    protocol = run.experiment.evaluation.protocols[0]
    scores = cell["protocols"][protocol]
    interval = (scores["interval"] or {}).get(RANKED_BY, {})
    beaten = {name: record[protocol][RANKED_BY] for name, record in cell["baselines"].items()}
    return {
        "scenario": run.scenario,
        "seed": run.seed,
        "model": model,
        "protocol": protocol,
        **{name: scores[name] for name in SCORES},
        "low": interval.get("low"),
        "high": interval.get("high"),
        **{f"{OVER}{name}": _distance(scores[RANKED_BY], reached) for name, reached in beaten.items()},
        **{k: cell[k] for k in COSTS},
        "cached": cached,
    }


def _distance(reached: float | None, baseline: float | None) -> float | None:
    return None if reached is None or baseline is None else reached - baseline


def bound_drops(counts: Counts, inside: str, options: EvaluationOptions) -> pd.DataFrame:
    """Bounds of what each cell loses from inside to its scenario: scenario, seed, model, drop_low, drop_high.

    The two test parts are different ground, so each resamples its own blocks. Missing for the inside scenario itself,
    and where a test part has under ten blocks.
    """
    present = find_protocol(options.protocols[0]).present_only
    rows = []
    for scenario, seed, model in counts:
        found: dict[str, Any] = {"low": None, "high": None}
        if scenario != inside:
            found = unpaired_bootstrap(
                counts[inside, seed, model],
                counts[scenario, seed, model],
                RANKED_BY,
                rng=generator(seed, "matrix", "drop"),
                present_only=present,
                n_draws=options.bootstrap,
                level=options.level,
            )
        rows.append((scenario, seed, model, found["low"], found["high"]))
    return pd.DataFrame(rows, columns=["scenario", "seed", "model", "drop_low", "drop_high"])


def rank(cells: pd.DataFrame, inside: str) -> pd.DataFrame:
    """Cells → one row a scenario and model, means over seeds, the inside scenario first, best first in each.

    `low` and `high` are the seeds' mean bounds (missing where a seed has no interval), `spread` the standard deviation
    over seeds, `over_<baseline>` the distance to that baseline (missing where a seed lacks it), `gain` the distance to
    `best_baseline`, `drop` with `drop_low` and `drop_high` what the model loses from `inside` to here.
    """
    over = [c for c in cells.columns if c.startswith(OVER)]
    numbers = [*SCORES, "low", "high", *over, "drop_low", "drop_high", *COSTS]
    groups = cells.astype(dict.fromkeys(numbers, float)).groupby(["scenario", "model"], sort=False)
    table = groups[numbers].agg(_mean_of_all).reset_index()
    table.insert(2, "n_seeds", groups.size().to_numpy())
    table["spread"] = groups[RANKED_BY].std(ddof=0).to_numpy()
    known = table[over].dropna(how="all")
    table["gain"] = known.min(axis=1)
    table["best_baseline"] = known.idxmin(axis=1).map(lambda column: str(column).removeprefix(OVER))
    reached = table[table["scenario"] == inside].set_index("model")[RANKED_BY]
    table["drop"] = np.where(table["scenario"] == inside, np.nan, table["model"].map(reached) - table[RANKED_BY])
    order = {name: i for i, name in enumerate([inside, *(s for s in table["scenario"].unique() if s != inside)])}
    table["_order"] = table["scenario"].map(order)
    return table.sort_values(["_order", RANKED_BY], ascending=[True, False], ignore_index=True).drop(columns="_order")


def _mean_of_all(values: pd.Series[float]) -> float:
    """The mean, missing where one value is."""
    return float(values.mean(skipna=False))


def _records(table: pd.DataFrame) -> Sequence[dict[str, Any]]:
    """Rows as JSON: missing is null."""
    rows = table.to_dict("records")
    return [{str(k): None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()} for row in rows]

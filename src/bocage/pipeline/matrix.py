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

from bocage.core.artifacts import ArtifactStore, Draft, read_json, write_json
from bocage.core.errors import ConfigError
from bocage.datasets.read import open_dataset
from bocage.experiment.schema import Experiment
from bocage.pipeline.run import Context, Stage, needed_stages, run_stages
from bocage.pipeline.stages import SPLIT, plan_stages
from bocage.reports.leaderboard import RANKED_BY, build_leaderboard
from bocage.reports.read import read_scenarios
from bocage.reports.write import write_page
from bocage.splits.store import read_split

SCORES = ("miou", "miou_foreground", "miou_present", "pixel_accuracy", "mean_class_accuracy")
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
                1,
                ("datasets", "splits", f"train/{model.name}", "evaluation"),
                lambda e: e.evaluation.protocols,
                partial(make_cell, name=model.name),
            )
            for model in run.experiment.models
        ),
    ]


def make_cell(context: Context, draft: Draft, *, name: str) -> None:
    """A model's scores and costs → cell.json."""
    trained = context.artifacts[f"train/{name}"]
    evaluation = read_json(context.path("evaluation") / "evaluation.json")
    cell = {
        "n_parameters": read_json(trained.path / "model.json")["n_parameters"],
        "training_s": trained.record["seconds"],
        "prediction_s_per_mpx": time_prediction(context, name),
        "protocols": evaluation["models"][name]["protocols"],
        "baselines": {other: record["protocols"] for other, record in evaluation["baselines"].items()},
    }
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
    splits: dict[str, Path] = {}
    for n, run in enumerate(runs, 1):
        say(f"({n}/{len(runs)}) scenario {run.scenario}, seed {run.seed}")
        results = run_stages(plan_cells(run), run.experiment, out=out / run.name, store=store, workers=workers, say=say)
        cells += [
            read_cell(run, r.name.removeprefix("cell/"), r.artifact.path, cached=r.cached)
            for r in results
            if r.name.startswith("cell/")
        ]
        made = {r.name: r.artifact.path for r in results}
        splits.setdefault(run.scenario, made["splits"])
    assert experiment.matrix is not None  # plan_runs has seen to it
    table = rank(pd.DataFrame(cells), experiment.matrix.inside)
    table.to_parquet(out / "leaderboard.parquet", index=False)
    protocol = experiment.evaluation.protocols[0]
    page = build_leaderboard(
        experiment.name,
        table,
        read_scenarios(made["datasets"], splits),
        protocol=protocol,
        seeds=experiment.matrix.seeds,
        inside=experiment.matrix.inside,
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
    """One row: which cell, its scores under the first protocol with the interval of the ranking one, its costs."""
    cell = read_json(folder / "cell.json")
    protocol = run.experiment.evaluation.protocols[0]
    scores = cell["protocols"][protocol]
    interval = (scores["interval"] or {}).get(RANKED_BY, {})
    baselines = [record[protocol][RANKED_BY] for record in cell["baselines"].values()]
    return {
        "scenario": run.scenario,
        "seed": run.seed,
        "model": model,
        "protocol": protocol,
        **{name: scores[name] for name in SCORES},
        "low": interval.get("low"),
        "high": interval.get("high"),
        "best_baseline": max((b for b in baselines if b is not None), default=None),
        **{k: cell[k] for k in ("n_parameters", "training_s", "prediction_s_per_mpx")},
        "cached": cached,
    }


def rank(cells: pd.DataFrame, inside: str) -> pd.DataFrame:
    """Cells → one row a scenario and model, means over seeds, the inside scenario first, best first in each.

    `low` and `high` are the seeds' mean bounds (missing where a seed has no interval), `spread` the standard deviation
    over seeds, `gain` the mean distance to the best baseline, `drop` what the model loses from `inside` to here.
    """
    cells = cells.assign(gain=cells[RANKED_BY].astype(float) - cells["best_baseline"].astype(float))
    numbers = [*SCORES, "low", "high", "gain", "n_parameters", "training_s", "prediction_s_per_mpx"]
    groups = cells.astype(dict.fromkeys(numbers, float)).groupby(["scenario", "model"], sort=False)
    table = groups[numbers].agg(_mean_of_all).reset_index()
    table.insert(2, "n_seeds", groups.size().to_numpy())
    table["spread"] = groups[RANKED_BY].std(ddof=0).to_numpy()
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

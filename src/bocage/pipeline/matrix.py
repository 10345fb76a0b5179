"""An experiment as a matrix: models × seeds × scenarios → one leaderboard. IO.

A scenario is a `splits` section. Each scenario and seed is a run of its own that shares the data set (`cells`); each
model in it is a cell, an artifact like any other: a killed matrix goes on with the cell it was in, a new seed adds only
its own. The models of the scenario `inside` are judged on the experiment's benchmarks too; each stands beside the
scenarios as one more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.arrays import Int64
from bocage.core.artifacts import ArtifactStore, read_json, write_bytes, write_json
from bocage.core.errors import ConfigError
from bocage.core.seeds import generator
from bocage.evaluation.options import EvaluationOptions
from bocage.experiment.schema import Experiment
from bocage.metrics.intervals import unpaired_bootstrap
from bocage.metrics.protocols import find_protocol
from bocage.metrics.scores import SCORES as ALL_SCORES
from bocage.pipeline.cells import CELL, COSTS, COUNTS, EXTERNAL, Run, plan_cells
from bocage.pipeline.foreign import check_benchmarks, place_of
from bocage.pipeline.run import run_stages
from bocage.reports.leaderboard import RANKED_BY, build_leaderboard
from bocage.reports.read import read_scenarios
from bocage.reports.write import write_page

SCORES = ("miou", "miou_foreground", "miou_present", "pixel_accuracy", "mean_class_accuracy")
CLASS_SCORES = ("iou", "accuracy", "precision", "f1", "support")
OVER, ENDS = "over_", ("low", "high")
Counts = dict[tuple[str, int, str], Int64]  # scenario, seed and model → (n_blocks, K, K)


def plan_runs(experiment: Experiment) -> list[Run]:
    """Scenarios × seeds.

    Raises:
        ConfigError: if the experiment has no matrix or no models, or a scenario is called like a benchmark.
    """
    matrix = experiment.matrix
    if matrix is None or not experiment.models:
        raise ConfigError(f"'{experiment.name}' has no {'models' if matrix else 'matrix section'}: nothing to compare.")
    if twice := {place_of(b) for b in experiment.benchmarks} & set(matrix.scenarios):
        raise ConfigError(f"A scenario and a benchmark are both called '{twice.pop()}'. Rename the scenario.")

    def vary(scenario: str, seed: int) -> Experiment:
        benchmarks = experiment.benchmarks if scenario == matrix.inside else ()
        own = {"splits": matrix.scenarios[scenario], "seed": seed, "benchmarks": benchmarks, "matrix": None}
        return experiment.model_copy(update=own)

    return [Run(name, seed, vary(name, seed)) for name in matrix.scenarios for seed in matrix.seeds]


def run_matrix(
    experiment: Experiment, *, out: Path, store: ArtifactStore, workers: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run what is missing of every cell; write leaderboard.parquet, scores.parquet and leaderboard.html into `out`.

    Returns:
        cells (one a scenario or benchmark, seed and model), leaderboard (one a scenario or benchmark and model),
        report, table, scores, run.

    Raises:
        MissingFile, CorruptFile: if a copy of a benchmark is not there or not whole, before anything is trained.
    """
    runs = plan_runs(experiment)
    assert experiment.matrix is not None  # plan_runs has seen to it
    check_benchmarks(experiment)
    protocol = experiment.evaluation.protocols[0]
    cells: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    counts: Counts = {}
    splits: dict[str, Path] = {}
    shifts: dict[str, list[str]] = {}
    for n, run in enumerate(runs, 1):
        say(f"({n}/{len(runs)}) scenario {run.scenario}, seed {run.seed}")
        results = run_stages(plan_cells(run), run.experiment, out=out / run.name, store=store, workers=workers, say=say)
        for done in results:
            kind, *names = done.name.split("/")
            if kind not in (CELL, EXTERNAL):
                continue
            scenario, model = names if kind == EXTERNAL else (run.scenario, *names)
            place = {"scenario": scenario, "seed": run.seed, "model": model}
            cell = read_json(done.artifact.path / "cell.json")
            cells.append({**place, **read_cell(cell, protocol), "cached": done.cached})
            for fold, protocols in {None: cell["protocols"], **cell.get("folds", {})}.items():
                scores += [{**place, "fold": fold, **row} for row in list_scores(protocols)]
            counts[scenario, run.seed, model] = np.load(done.artifact.path / COUNTS)
            if kind == EXTERNAL:
                shifts.setdefault(scenario, [finding["message"] for finding in cell["shift"] or ()])
        made = {r.name: r.artifact.path for r in results}
        splits.setdefault(run.scenario, made["splits"])
    say("leaderboard")
    inside = experiment.matrix.inside
    drops = bound_drops(counts, inside, experiment.evaluation)
    table = rank(pd.DataFrame(cells).merge(drops, on=["scenario", "seed", "model"]), inside)
    write_bytes(out / "leaderboard.parquet", table.to_parquet(index=False))
    every = pd.DataFrame(scores)
    write_bytes(out / "scores.parquet", every.to_parquet(index=False))
    page = build_leaderboard(
        experiment.name,
        table,
        every,
        read_scenarios(made["datasets"], splits),
        shifts=shifts,
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
        "scores": str(out / "scores.parquet"),
        "report": str(out / "leaderboard.html"),
    }
    write_json(out / "leaderboard.json", result)
    return result


def read_cell(cell: Mapping[str, Any], protocol: str) -> dict[str, Any]:
    """A cell's scores under one protocol with the interval of the ranking one, its gains and costs.

    `over_<baseline>` is how far the ranking score lies over that baseline's on the same blocks, `low_over_<baseline>`
    and `high_over_<baseline>` bound it.
    """
    scores = cell["protocols"][protocol]
    interval = (scores["interval"] or {}).get(RANKED_BY, {})
    return {
        "protocol": protocol,
        **{name: scores[name] for name in SCORES},
        "low": interval.get("low"),
        "high": interval.get("high"),
        **{f"{OVER}{name}": gain["difference"] for name, gain in cell["over"].items()},
        **{f"{end}_{OVER}{name}": gain[end] for name, gain in cell["over"].items() for end in ENDS},
        **{k: cell[k] for k in COSTS},
    }


def list_scores(protocols: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every score of a cell, one a row: protocol, class (null: all together), score, value, low, high."""
    rows = []
    for protocol, record in protocols.items():
        bounds = record["interval"] or {}
        rows += [(protocol, None, name, record[name], bounds.get(name)) for name in ALL_SCORES]
        for crop, own in record["per_class"].items():
            bounds_of = {"iou": own["iou_interval"]}
            rows += [(protocol, crop, name, own[name], bounds_of.get(name)) for name in CLASS_SCORES]
    return [
        {"protocol": p, "class": crop, "score": name, "value": value} | {end: (found or {}).get(end) for end in ENDS}
        for p, crop, name, value, found in rows
    ]


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
    over seeds (missing for one seed), `over_<baseline>` the distance to that baseline (missing where a seed lacks it),
    `gain` the distance to `best_baseline` with `gain_low` and `gain_high`, `drop` with `drop_low` and `drop_high` what
    the model loses from `inside` to here.
    """
    over = [c for c in cells.columns if c.startswith(OVER)]
    bounds = [f"{end}_{name}" for end in ENDS for name in over]
    numbers = [*SCORES, *ENDS, *over, *bounds, "drop_low", "drop_high", *COSTS]
    groups = cells.astype(dict.fromkeys(numbers, float)).groupby(["scenario", "model"], sort=False)
    table = groups[numbers].agg(_mean_of_all).reset_index()
    table.insert(2, "n_seeds", groups.size().to_numpy())
    table["spread"] = groups[RANKED_BY].std(ddof=1).to_numpy()  # seeds are a sample
    known = table[over].dropna(how="all")
    table["gain"] = known.min(axis=1)
    for end in ENDS:
        bounds_of = table[[f"{end}_{name}" for name in over]].set_axis(over, axis=1)
        table[f"gain_{end}"] = bounds_of.where(table[over].eq(table["gain"], axis=0)).min(axis=1)
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

"""A table of models and scenarios → a page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from bocage.core.page import (
    Block,
    Page,
    Picture,
    Row,
    Section,
    Table,
    Text,
    count,
    listing,
    plural,
    score,
    seconds,
    signed,
)
from bocage.reports import looks
from bocage.reports.data import Scenarios
from bocage.reports.figures import STYLE, WIDTH, to_png
from bocage.reports.results import BASELINES

NOTE = (
    "All numbers are means over the seeds. An interval is the mean of the seeds' block bootstraps; it is missing where "
    "a test part has under ten blocks. The drop is the foreground mIoU inside minus that outside; the two test parts "
    "are different ground, so each resamples its own blocks. Training and prediction were timed where they ran."
)
RANKED_BY = "miou_foreground"
SCORE_COLUMNS = (
    "Model",
    ">Foreground mIoU",
    ">Interval",
    ">Seeds ±",
    ">mIoU",
    ">Pixel accuracy",
    ">Over best baseline",
    ">Drop from inside",
)
COST_COLUMNS = ("Model", ">Parameters", ">Training", ">Prediction, s/Mpx")


def build_leaderboard(
    name: str, table: pd.DataFrame, data: Scenarios, *, protocol: str, seeds: Sequence[int], inside: str
) -> Page:
    """The leaderboard as a page.

    Args:
        table: `pipeline.matrix.rank`: scenario, model, scores, low, high, spread, gain, best_baseline, drop, costs.
        data: what the models learned from and were tested on, under each scenario (of the first seed).
        protocol: under which the scores were counted.
    """
    scenarios = [str(s) for s in table["scenario"].unique()]
    best = table[table["scenario"] == inside].iloc[0]
    lead = (
        f"{plural(table['model'].nunique(), 'model')} under {plural(len(scenarios), 'scenario')} with "
        f"{plural(len(seeds), 'seed')} each, counted by the protocol {protocol}. Inside ({inside}) the best by "
        f"foreground mIoU is {best['model']} with {score(best['miou_foreground'])}."
    )
    outside = [s for s in scenarios if s != inside]
    if outside:
        drops = table[table["scenario"].isin(outside)].groupby("model")["drop"].mean().sort_values()
        lead += f" Least is lost on the way out ({listing(outside)}) by {drops.index[0]}: {score(drops.iloc[0])}."
    sections = [
        Section("scores", "Inside and outside", (_picture(table, scenarios), Text(NOTE))),
        *(Section(s, s, scenario_tables(table[table["scenario"] == s], s, inside)) for s in scenarios),
        Section("parts", "Training and test part of each scenario", tuple(_parts(data, scenarios))),
    ]
    return Page(name, "leaderboard of a matrix", (Text(lead),), tuple(sections))


def _parts(data: Scenarios, scenarios: Sequence[str]) -> Iterator[Block]:
    """How alike the parts of each scenario are: parcels by likeness, and shares of the classes."""
    splits = {f"part under {s}": data.splits[s] for s in scenarios}
    yield from looks.draw_embedding(data.signatures, data.classes, splits)
    for s in scenarios:
        yield from looks.class_shares(data.audits[s], data.classes, f"class-shares-{s}", under=s)


def scenario_tables(rows: pd.DataFrame, scenario: str, inside: str) -> tuple[Table, Table]:
    """Scores and costs of every model under one scenario; `rows` as `build_leaderboard` takes them."""
    known = [
        {str(k): None if isinstance(v, float) and pd.isna(v) else v for k, v in row.items()}
        for row in rows.to_dict("records")
    ]
    title = "Trained and tested inside" if scenario == inside else "Tested outside"
    scores = tuple(Row(tuple(_score_cells(row))) for row in known)
    costs = tuple(Row(tuple(_cost_cells(row))) for row in known)
    return Table(title, SCORE_COLUMNS, scores, _best_baseline(known[0])), Table("Costs", COST_COLUMNS, costs)


def _best_baseline(row: dict[str, Any]) -> str:
    """All models of a scenario stand beside the same baselines."""
    if row["gain"] is None:
        return "No baseline was scored."
    name = BASELINES.get(str(row["best_baseline"]), str(row["best_baseline"]))
    return f"Best baseline: {name}, {score(row[RANKED_BY] - row['gain'])}."


def _score_cells(row: dict[str, Any]) -> list[str]:
    bounds = None if row["low"] is None or row["high"] is None else (row["low"], row["high"])
    lost = row["drop"]
    drop = "–" if lost is None else score(lost) if lost >= 0 else signed(lost)
    if lost is not None and row["drop_low"] is not None and row["drop_high"] is not None:
        drop += f" ({signed(row['drop_low'])} to {signed(row['drop_high'])})"
    return [
        str(row["model"]),
        score(row[RANKED_BY]),
        f"{score(bounds[0])} to {score(bounds[1])}" if bounds else "–",
        score(row["spread"]),
        score(row["miou"]),
        score(row["pixel_accuracy"]),
        signed(row["gain"]) if row["gain"] is not None else "–",
        drop,
    ]


def _cost_cells(row: dict[str, Any]) -> list[str]:
    speed = f"{row['prediction_s_per_mpx']:.2f}"
    return [str(row["model"]), count(row["n_parameters"]), seconds(row["training_s"]), speed]


def _picture(table: pd.DataFrame, scenarios: Sequence[str]) -> Picture:
    """One row a model, a dot for each scenario; the line between them is what is lost outside."""
    scores = table.pivot(index="model", columns="scenario", values=RANKED_BY)[list(scenarios)].sort_values(scenarios[0])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.9 + 0.38 * len(scores)), layout="constrained")
        axes = figure.subplots()
        models = [str(model) for model in scores.index]
        axes.hlines(models, scores.min(axis=1), scores.max(axis=1), color="#b9bfb2", linewidth=2, zorder=1)
        for scenario in scenarios:
            axes.scatter(scores[scenario], models, s=44, label=scenario, zorder=2)
        axes.set_xlabel("foreground mIoU (0 to 1)")
        axes.set_xlim(left=0)
        axes.margins(y=0.12)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper left", ncols=len(scenarios))
    listed = "; ".join(f"{r['model']} {r['scenario']} {score(r[RANKED_BY])}" for r in table.to_dict("records"))
    caption = "Foreground mIoU of each model under each scenario, mean over the seeds."
    return Picture("leaderboard", to_png(figure), table[["scenario", "model", RANKED_BY]], caption, listed)

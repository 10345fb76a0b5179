"""A table of models and scenarios → a page. Pure. A benchmark stands in it like a scenario."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
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
    "All numbers are means over the seeds; ± is the standard deviation over them, with one seed there is none. An "
    "interval is the mean of the seeds' block bootstraps; it is missing where a test part has under ten blocks. The "
    "distance to the best baseline is measured on the same blocks. The drop is the foreground mIoU inside minus that "
    "outside; the two test parts are different ground, so each resamples its own blocks. Training and prediction were "
    "timed where they ran. scores.parquet has every score of every class."
)
RANKED_BY = "miou_foreground"
MARKERS = "osD^vP<>Xhp"  # with the five colours of a series: 55 scenarios that look different
IN_A_ROW = 4  # of the legend
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
EVERY = {  # name in scores.parquet → column
    "miou": ">mIoU",
    "miou_foreground": ">Foreground mIoU",
    "miou_present": ">mIoU of present classes",
    "pixel_accuracy": ">Pixel accuracy",
    "weighted_accuracy": ">Weighted accuracy",
    "weighted_f1": ">Weighted F1",
    "weighted_precision": ">Weighted precision",
}
COST_COLUMNS = ("Model", ">Parameters", ">Training", ">Prediction, s/Mpx")


def build_leaderboard(
    name: str,
    table: pd.DataFrame,
    every: pd.DataFrame,
    data: Scenarios,
    *,
    shifts: Mapping[str, Sequence[str]],
    protocol: str,
    seeds: Sequence[int],
    inside: str,
) -> Page:
    """The leaderboard as a page.

    Args:
        table: `pipeline.matrix.rank`: scenario, model, scores, low, high, spread, gain with its bounds, best_baseline,
            drop, costs.
        every: `pipeline.matrix.list_scores` of all cells.
        data: what the models learned from and were tested on, under each scenario (of the first seed).
        shifts: benchmark → what differs there from the training data.
        protocol: under which the scores of `table` were counted.
    """
    scenarios = [str(s) for s in table["scenario"].unique()]
    lead = (
        f"{plural(table['model'].nunique(), 'model')} under {plural(len(data.splits), 'scenario')} with "
        f"{plural(len(seeds), 'seed')} each{_external(shifts)}, counted by the protocol {protocol}. "
        f"{describe_best(table, inside)}"
    )
    sections = [
        Section("scores", "Inside and outside", (draw_scenarios(table, scenarios), Text(NOTE))),
        *(
            Section(
                s,
                s,
                (
                    *([Text(_describe_shift(shifts[s]))] if s in shifts else []),
                    score_table(table[table["scenario"] == s], s, inside),
                    protocol_table(every[every["scenario"] == s]),
                    *([] if s in shifts else [cost_table(table[table["scenario"] == s])]),
                ),
            )
            for s in scenarios
        ),
        Section("parts", "Training and test part of each scenario", tuple(_parts(data, list(data.splits)))),
    ]
    return Page(name, "leaderboard of a matrix", (Text(lead),), tuple(sections))


def describe_best(table: pd.DataFrame, inside: str) -> str:
    """Which model is best inside, and which loses least on the way out, of those that beat every baseline.

    A model beats them where the interval of its distance to the best one lies above 0.
    """
    beats = table.assign(beats=table["gain_low"] > 0)
    here = beats[(beats["scenario"] == inside) & beats["beats"]]
    if here.empty:
        return (
            f"Inside ({inside}) no model is shown to beat the baselines: no interval of the distance to the best one "
            "lies above 0, or the test part has under ten blocks."
        )
    best = here.iloc[0]
    bounds = f"({signed(best['gain_low'])} to {signed(best['gain_high'])})"
    said = (
        f"Inside ({inside}) the best by foreground mIoU is {best['model']} with {score(best[RANKED_BY])}, "
        f"{signed(best['gain'])} {bounds} over the best baseline."
    )
    outside = [str(s) for s in table["scenario"].unique() if s != inside]
    if not outside:
        return said
    everywhere = beats.groupby("model")["beats"].all()
    lost = table[table["scenario"] != inside].groupby("model")["drop"].mean()[everywhere].sort_values()
    if lost.empty:
        return f"{said} On the way out ({listing(outside)}) no model is shown to beat the baselines everywhere."
    return (
        f"{said} Of the models that beat the baselines everywhere, {lost.index[0]} loses least on the way out "
        f"({listing(outside)}): {score(lost.iloc[0])}."
    )


def _external(shifts: Mapping[str, Sequence[str]]) -> str:
    return f", those of the inside one also on {plural(len(shifts), 'benchmark')}" if shifts else ""


def _describe_shift(messages: Sequence[str]) -> str:
    if not messages:
        return "Nothing differs from the training data."
    return f"What differs from the training data: {' '.join(messages)}"


def _parts(data: Scenarios, scenarios: Sequence[str]) -> Iterator[Block]:
    """How alike the parts of each scenario are: parcels by likeness, and shares of the classes."""
    splits = {f"part under {s}": data.splits[s] for s in scenarios}
    yield from looks.draw_embedding(data.signatures, data.classes, splits)
    for s in scenarios:
        yield from looks.class_shares(data.audits[s], data.classes, f"class-shares-{s}", under=s)


def score_table(rows: pd.DataFrame, scenario: str, inside: str) -> Table:
    """Every model under one scenario, beside the best baseline; `rows` of it as `build_leaderboard` takes them."""
    known = _records(rows)
    title = "Trained and tested inside" if scenario == inside else "Tested outside"
    return Table(title, SCORE_COLUMNS, tuple(Row(tuple(_score_cells(r))) for r in known), _best_baseline(known[0]))


def cost_table(rows: pd.DataFrame) -> Table:
    """What every model costs under one scenario."""
    return Table("Costs", COST_COLUMNS, tuple(Row(tuple(_cost_cells(row))) for row in _records(rows)))


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with None where a number is missing."""
    return [
        {str(k): None if isinstance(v, float) and pd.isna(v) else v for k, v in row.items()}
        for row in rows.to_dict("records")
    ]


def protocol_table(every: pd.DataFrame) -> Table:
    """Means over the seeds of one scenario's scores under every protocol, then of each fold of a benchmark."""
    whole = every[every["class"].isna()].assign(fold=every["fold"].fillna(""))
    means = whole.pivot_table("value", ["fold", "protocol", "model"], "score", sort=False).reindex(columns=list(EVERY))
    rows = tuple(
        Row((f"{protocol}, {fold}" if fold else protocol, model, *(score(None if pd.isna(v) else v) for v in values)))
        for fold, protocol, model, *values in means.reset_index().itertuples(index=False)
    )
    return Table("Under every protocol", ("Protocol", "Model", *EVERY.values()), rows)


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
    gain = "–" if row["gain"] is None else signed(row["gain"])
    if row["gain_low"] is not None and row["gain_high"] is not None:
        gain += f" ({signed(row['gain_low'])} to {signed(row['gain_high'])})"
    return [
        str(row["model"]),
        score(row[RANKED_BY]),
        f"{score(bounds[0])} to {score(bounds[1])}" if bounds else "–",
        score(row["spread"]),
        score(row["miou"]),
        score(row["pixel_accuracy"]),
        gain,
        drop,
    ]


def _cost_cells(row: dict[str, Any]) -> list[str]:
    speed = f"{row['prediction_s_per_mpx']:.2f}"
    return [str(row["model"]), count(row["n_parameters"]), seconds(row["training_s"]), speed]


def draw_scenarios(table: pd.DataFrame, scenarios: Sequence[str]) -> Picture:
    """A group of lines a model, in each a mark with its interval for every scenario."""
    columns = {
        name: table.pivot(index="model", columns="scenario", values=name)[list(scenarios)]
        for name in (RANKED_BY, "low", "high")
    }
    scores = columns[RANKED_BY].sort_values(scenarios[0])
    low, high = (columns[name].loc[scores.index].fillna(scores) for name in ("low", "high"))
    rows, step = np.arange(len(scores)), 0.7 / len(scenarios)
    with mpl.rc_context(STYLE):
        legend_in, row_in = 0.2 * math.ceil(len(scenarios) / IN_A_ROW), 0.2 + 0.13 * len(scenarios)
        figure = Figure(figsize=(WIDTH, 0.7 + row_in * len(scores) + legend_in), layout="constrained")
        axes = figure.subplots()
        for i, (scenario, marker) in enumerate(zip(scenarios, cycle(MARKERS), strict=False)):
            at = rows + step * ((len(scenarios) - 1) / 2 - i)
            marks = axes.scatter(scores[scenario], at, s=36, marker=marker, label=scenario, zorder=2, clip_on=False)
            axes.hlines(at, low[scenario], high[scenario], color=marks.get_facecolor(), linewidth=1.5, zorder=1)
        axes.set_yticks(rows, [str(model) for model in scores.index])
        axes.set_ylim(-0.5, len(scores) - 0.5)
        axes.set_xlabel("foreground mIoU (0 to 1)")
        axes.set_xlim(left=0)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper left", ncols=min(len(scenarios), IN_A_ROW))
    listed = "; ".join(f"{r['model']} {r['scenario']} {score(r[RANKED_BY])}" for r in table.to_dict("records"))
    caption = "Foreground mIoU of each model under each scenario, mean over the seeds, with its interval as a line."
    return Picture(
        "leaderboard", to_png(figure), table[["scenario", "model", RANKED_BY, "low", "high"]], caption, listed
    )

"""A table of models and scenarios → one HTML page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from bocage.reports.blocks import Picture, Row, Section, Table, Text, count, listing, plural, score, seconds, signed
from bocage.reports.figures import STYLE, WIDTH, to_png
from bocage.reports.html import render_page

COLUMNS = (
    "Model",
    ">Foreground mIoU",
    ">Interval",
    ">Seeds ±",
    ">mIoU",
    ">Pixel accuracy",
    ">Over best baseline",
    ">Drop from inside",
    ">Parameters",
    ">Training",
    ">Prediction, s/Mpx",
)


def render_leaderboard(name: str, table: pd.DataFrame, *, protocol: str, seeds: Sequence[int], inside: str) -> str:
    """The leaderboard as a page.

    Args:
        table: `pipeline.matrix.rank`: scenario, model, scores, low, high, spread, gain, drop, costs.
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
        Section("scores", "Inside and outside", (_picture(table, scenarios),)),
        *(Section(s, s, (_table(table[table["scenario"] == s], s, inside),)) for s in scenarios),
    ]
    return render_page(name, "leaderboard of a matrix", [Text(lead)], sections)


def _table(rows: pd.DataFrame, scenario: str, inside: str) -> Table:
    cells = [Row(tuple(_cells(row))) for row in rows.to_dict("records")]
    note = (
        "Means over the seeds; the interval is the mean of the seeds' block bootstraps, – where a test part has under "
        "ten blocks. Training and prediction were timed on the machine that ran them."
    )
    title = f"{scenario}: trained and tested inside" if scenario == inside else f"{scenario}: tested outside"
    return Table(title, COLUMNS, tuple(cells), note)


def _cells(row: Any) -> list[str]:
    known = {k: None if isinstance(v, float) and pd.isna(v) else v for k, v in row.items()}
    bounds = None if known["low"] is None or known["high"] is None else (known["low"], known["high"])
    return [
        str(known["model"]),
        score(known["miou_foreground"]),
        f"{score(bounds[0])} to {score(bounds[1])}" if bounds else "–",
        score(known["spread"]),
        score(known["miou"]),
        score(known["pixel_accuracy"]),
        signed(known["gain"]) if known["gain"] is not None else "–",
        score(known["drop"]) if known["drop"] is None or known["drop"] >= 0 else signed(known["drop"]),
        count(known["n_parameters"]),
        seconds(known["training_s"]),
        f"{known['prediction_s_per_mpx']:.2f}",
    ]


def _picture(table: pd.DataFrame, scenarios: Sequence[str]) -> Picture:
    """One line a model over the scenarios, the inside one at the left."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
        axes = figure.subplots()
        for model, rows in table.groupby("model", sort=False):
            values = rows.set_index("scenario")["miou_foreground"].reindex(scenarios)
            axes.plot(scenarios, values, marker="o", label=str(model))
        axes.set_ylabel("foreground mIoU")
        axes.set_ylim(bottom=0)
        axes.margins(x=0.08)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes.spines[["top", "right"]].set_visible(False)
    listed = "; ".join(f"{r['model']} {r['scenario']} {score(r['miou_foreground'])}" for r in table.to_dict("records"))
    return Picture(to_png(figure), "Foreground mIoU of each model under each scenario, mean over the seeds.", listed)

"""RunData → the summary and the sections of the page, in the order of the flow. Pure.

Each section says what there is; what the run has not made, it names as missing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from bocage.core.page import (
    Block,
    Fact,
    Facts,
    Page,
    Picture,
    Row,
    Section,
    Table,
    Text,
    count,
    hectares,
    listing,
    plural,
    score,
    seconds,
)
from bocage.reports import figures, materials, results
from bocage.reports.data import Json, RunData


def build_report(run: RunData) -> Page:
    """The whole page."""
    return Page(run.title or run.name, "report of a run", tuple(build_summary(run)), tuple(build_sections(run)))


def build_sections(run: RunData) -> list[Section]:
    """All sections of the page."""
    return [
        Section("input", "What went in, what was dropped", tuple(materials.tallies(run))),
        Section("classes", "Parcels and classes", tuple(materials.classes(run))),
        Section("scenes", "Sentinel-2 products", tuple(materials.scenes(run))),
        Section("dataset", "Data set", tuple(materials.dataset(run))),
        Section("split", "Split", tuple(materials.split(run))),
        Section("training", "Training", tuple(results.training(run))),
        Section("evaluation", "Evaluation", tuple(results.evaluation(run))),
        *([Section("benchmarks", "Benchmarks", tuple(results.benchmarks(run)))] if run.benchmarks else []),
        Section("map", "Map", tuple(results.area_map(run))),
        Section("provenance", "Provenance", tuple(results.provenance(run))),
    ]


def build_summary(run: RunData) -> list[Block]:
    """The top of the page: what this is, the scores that matter, the size of things."""
    blocks: list[Block] = [Text(_lead(run))]
    if run.evaluation:
        blocks += _scores(run.evaluation)
    facts = tuple(_key_facts(run))
    if facts:
        blocks.append(Facts(facts))
    blocks += [Text(warning, "warning") for warning in materials.warnings(run)]
    return blocks


def _lead(run: RunData) -> str:
    """What was done, and what the best model reached beside its baselines."""
    if not run.evaluation:
        return "This run has not been evaluated yet. What it has made so far is below."
    protocol = results.protocols(run.evaluation)[0]
    models = {name: record["protocols"][protocol] for name, record in run.evaluation["models"].items()}
    best = max(models, key=lambda name: models[name]["miou_foreground"] or 0.0)
    first = models[best]
    interval = ("interval " if first["interval"] else "") + results.interval_text(first, "miou_foreground")
    text = (
        f"{plural(len(models), 'model')} judged on {plural(first['n_pixels'], 'test pixel')} in "
        f"{plural(first['n_blocks'], 'block')}. The best by foreground mIoU is {best} with "
        f"{score(first['miou_foreground'])} ({interval})."
    )
    baselines = [(t, r) for t, r, is_baseline in results.scored(run.evaluation, protocol) if is_baseline]
    if baselines:
        reached = [f"{title} {score(r['miou_foreground'])}" for title, r in baselines]
        text += f" {'Baseline' if len(reached) == 1 else 'Baselines'}: {listing(reached)}."
    return text


def _scores(evaluation: Json) -> list[Block]:
    """The headline table and its picture, for the first protocol."""
    protocol = results.protocols(evaluation)[0]
    with_intervals = results.has_intervals(evaluation, protocol)
    rows, lines = [], []
    for title, record, is_baseline in results.scored(evaluation, protocol):
        cells = [title]
        for name in ("miou_foreground", "pixel_accuracy"):
            cells.append(score(record[name]))
            if with_intervals:
                cells.append(results.interval_text(record, name))
        rows.append(Row((*cells, score(record["miou"])), muted=is_baseline))
        interval = (record["interval"] or {}).get("miou_foreground") or {}
        lines.append((title, record["miou_foreground"] or 0.0, interval.get("low"), interval.get("high"), is_baseline))
    between = (">interval",) if with_intervals else ()
    columns = ("Model or baseline", ">foreground mIoU", *between, ">pixel accuracy", *between, ">mIoU")
    bars = "; bars are the intervals of the table" if with_intervals else ""
    note = results.level_text(evaluation)
    return [
        Table(f"Scores on the test part · {results.protocol_text(protocol)}", columns, tuple(rows), note),
        Picture(
            "scores",
            figures.score_plot(lines, "foreground mIoU on the test part (0 to 1)"),
            pd.DataFrame(lines, columns=["name", "miou_foreground", "low", "high", "is_baseline"]),
            f"Foreground mIoU of every model (round) and baseline (diamond){bars}.",
            "Foreground mIoU: " + "; ".join(f"{title} {score(value)}" for title, value, *_ in lines) + ".",
            narrow=True,
        ),
    ]


def _key_facts(run: RunData) -> Iterator[Fact]:
    if run.parcels:
        tally = run.parcels.get("tally") or {}
        n_dropped = sum(tally.get("dropped", {}).values())
        yield Fact(
            "Parcels", count(tally.get("kept")), f"{hectares(run.parcels.get('area_ha'))} ha; {n_dropped:,} dropped"
        )
    if run.scenes:
        dropped = materials.dropped_scenes(run)
        used = sum(scene["id"] not in dropped for scene in run.scenes)
        looked_at = run.scenes_tally.total if run.scenes_tally else len(run.scenes)
        yield Fact("Sentinel-2 products used", count(used), f"of {looked_at:,} looked at")
    if run.dataset is not None and run.manifest is not None:
        size, dates = run.dataset.patch_size_px, run.dataset.n_dates
        times = plural(dates, "date") + " each" if dates else "several dates each"
        yield Fact("Patches", count(run.dataset.n_samples), f"{size} × {size} px, {times}")
    if run.split_audit:
        shared_parcels = plural(run.split_audit["shared_parcels"], "parcel")
        yield Fact("Shared between parts", f"{count(run.split_audit['shared_px'])} px", f"and {shared_parcels}")
    if run.stages:
        spent = seconds(sum(stage.seconds for stage in run.stages))
        yield Fact("Computing time", spent, f"{len(run.stages)} stages, as each was made")

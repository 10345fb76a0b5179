"""Two finished runs side by side → a page. Pure; `read.read_finished` reads them.

Models and baselines of the same name are paired. Where both runs were judged on the same test blocks with the same
reference, each pair gets the interval of its difference by the paired block bootstrap: both see the same resampled
blocks. Elsewhere scores stand beside each other without an interval, and the page says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.errors import DataError
from bocage.core.page import Block, Page, Picture, Row, Section, Table, Text, count, listing, plain, score, signed
from bocage.core.seeds import generator
from bocage.metrics.intervals import no_interval_reason, paired_bootstrap
from bocage.metrics.protocols import find_protocol
from bocage.reports import figures, results
from bocage.reports.data import FinishedRun, Json

SCORES = (
    ("miou_foreground", "foreground mIoU"),
    ("miou", "mIoU"),
    ("miou_present", "present-class mIoU"),
    ("pixel_accuracy", "pixel accuracy"),
    ("macro_f1", "macro F1"),
)
LEAD = "miou_foreground"


@dataclass(frozen=True)
class Difference:
    """Second run minus first of one score of a model or baseline; `low` and `high` are None without an interval."""

    name: str
    score: str
    first: float
    second: float
    difference: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """What `compare_runs` found.

    Attributes:
        protocol: the first one of run 1 that run 2 has too.
        unpaired: why there are no intervals of the differences; "" if there are.
        settings: key, first, second of every setting of the experiments that differs; "–" where one has none.
    """

    protocol: str
    differences: tuple[Difference, ...]
    unpaired: str
    settings: tuple[tuple[str, str, str], ...]


def compare_runs(first: FinishedRun, second: FinishedRun, *, seed: int = 0) -> Comparison:
    """Scores, paired where they can be, and the settings that differ.

    Raises:
        DataError: if the runs have different classes, or no protocol in common.
    """
    _check_classes(first, second)
    protocol = _shared_protocol(first, second)
    here, there = _scored(first, protocol), _scored(second, protocol)
    names = [name for name in here if name in there]
    unpaired = why_unpaired(first, second, protocol, names)
    differences = []
    for name in names:
        counts = None if unpaired else (second.counts[f"{name}/{protocol}"], first.counts[f"{name}/{protocol}"])
        for key, _ in SCORES:
            a, b = here[name][key], there[name][key]
            if a is None or b is None:
                continue
            bounds: Mapping[str, Any] = {}
            if counts:
                present = find_protocol(protocol).present_only
                bounds = paired_bootstrap(*counts, key, rng=generator(seed, "compare"), present_only=present)
            differences.append(Difference(name, key, a, b, b - a, bounds.get("low"), bounds.get("high")))
    return Comparison(protocol, tuple(differences), unpaired, tuple(_settings(first.experiment, second.experiment)))


def why_unpaired(first: FinishedRun, second: FinishedRun, protocol: str, names: list[str]) -> str:
    """Why differences have no interval, or "" if the runs were judged on the same reference in the same blocks."""
    if not names:
        return "no model or baseline has the same name in both runs"
    if list(first.counts["blocks"]) != list(second.counts["blocks"]):
        n = len(set(first.counts["blocks"].tolist()) & set(second.counts["blocks"].tolist()))
        a, b = len(first.counts["blocks"]), len(second.counts["blocks"])
        return f"the test blocks differ: {count(a)} and {count(b)}, {count(n)} of them the same"
    reference = [run.counts[f"{names[0]}/{protocol}"].sum(axis=2) for run in (first, second)]
    if not np.array_equal(*reference):
        n = int((reference[0] != reference[1]).any(axis=1).sum())
        return f"in {count(n)} of {count(len(reference[0]))} test blocks the two runs count different reference pixels"
    n_counted = int((reference[0].sum(axis=1) > 0).sum())
    return no_interval_reason(n_counted) or ""


def build_comparison(first: FinishedRun, second: FinishedRun, found: Comparison) -> Page:
    """The page."""
    sections = (
        Section("scores", "Scores", tuple(_scores(first, second, found))),
        Section("classes", "Classes", tuple(_classes(first, second, found))),
        Section("settings", "Settings that differ", tuple(_setting_table(first, second, found))),
        Section("results", "Results of the stages", (_stages(first, second),)),
    )
    return Page(
        f"{first.title} and {second.title}", "two runs compared", tuple(_summary(first, second, found)), sections
    )


def _summary(first: FinishedRun, second: FinishedRun, found: Comparison) -> Iterator[Block]:
    counted = results.protocol_text(found.protocol)
    yield Text(
        f"Run 1 is {first.title}, run 2 is {second.title}. Differences are run 2 minus run 1, counted by {counted}."
    )
    told = [d for d in found.differences if d.score == LEAD and d.low is not None and d.high is not None]
    apart = [d.name for d in told if not (d.low or 0) <= 0 <= (d.high or 0)]
    if told and apart:
        yield Text(f"By foreground mIoU the runs are told apart for {listing(apart)}.")
    elif told:
        yield Text("By foreground mIoU the runs are not told apart: every interval holds 0.")
    if found.unpaired:
        yield Text(f"No intervals of the differences: {found.unpaired}.", "warning")


def _scores(first: FinishedRun, second: FinishedRun, found: Comparison) -> Iterator[Block]:
    leading = [d for d in found.differences if d.score == LEAD]
    lines = []
    for number, run in enumerate((first, second), 1):
        for name, record in _scored(run, found.protocol).items():
            interval = (record.get("interval") or {}).get(LEAD) or {}
            shown = f"{results.BASELINES.get(name, name)}, run {number}"
            is_baseline = name in run.evaluation["baselines"]
            lines.append((shown, record[LEAD] or 0.0, interval.get("low"), interval.get("high"), is_baseline))
    lines.sort(key=lambda line: (line[4], line[0]))
    yield Picture(
        "scores",
        figures.score_plot(lines, "foreground mIoU on the test part (0 to 1)"),
        pd.DataFrame(lines, columns=["name", LEAD, "low", "high", "is_baseline"]),
        "Foreground mIoU of every model (round) and baseline (diamond)"
        + ("; bars are each run's own intervals." if any(low is not None for _, _, low, *_ in lines) else "."),
        "; ".join(f"{name} {score(value)}" for name, value, *_ in lines) + ".",
        narrow=True,
    )
    if leading and not found.unpaired:
        yield Picture(
            "differences",
            figures.difference_plot(
                [(results.BASELINES.get(d.name, d.name), d.difference, d.low, d.high) for d in leading]
            ),
            pd.DataFrame([vars(d) for d in found.differences]),
            "Difference of foreground mIoU with its paired 95 % interval; where the bar crosses 0, the runs are not "
            "told apart.",
            "; ".join(f"{d.name} {signed(d.difference)}" for d in leading) + ".",
        )
    titles = dict(SCORES)
    rows = []
    for d in found.differences:
        interval = verdict = "–"
        if d.low is not None and d.high is not None:
            interval = f"{signed(d.low)} to {signed(d.high)}"
            verdict = results.verdict(d.low, d.high, "run 2", "run 1")
        name = results.BASELINES.get(d.name, d.name)
        is_baseline = d.name in first.evaluation["baselines"]
        cells = (name, titles[d.score], score(d.first), score(d.second), signed(d.difference), interval, verdict)
        rows.append(Row(cells, muted=is_baseline))
    columns = ("Model or baseline", "score", ">run 1", ">run 2", ">run 2 − run 1", ">interval", "reading")
    if rows:
        yield Table("Models and baselines of both runs", columns, tuple(rows))
    here, there = (set(_scored(run, found.protocol)) for run in (first, second))
    for number, names in ((1, here - there), (2, there - here)):
        if names:
            yield Text(f"Only in run {number}: {listing(sorted(names))}.")


def _classes(first: FinishedRun, second: FinishedRun, found: Comparison) -> Iterator[Block]:
    """IoU by class of every model that both runs have."""
    models = [name for name in first.evaluation["models"] if name in second.evaluation["models"]]
    if not models:
        yield Text("No model has the same name in both runs.", "missing")
    for name in models:
        here, there = (_scored(run, found.protocol)[name]["per_class"] for run in (first, second))
        rows = []
        for crop, entry in here.items():
            a, b = entry["iou"], there[crop]["iou"]
            supports = (count(entry["support"]), count(there[crop]["support"]))
            rows.append(Row((crop, *supports, score(a), score(b), signed(b - a))))
        columns = ("Class", ">reference, run 1", ">reference, run 2", ">IoU, run 1", ">IoU, run 2", ">run 2 − run 1")
        yield Table(f"{name}: IoU by class", columns, tuple(rows))


def _setting_table(first: FinishedRun, second: FinishedRun, found: Comparison) -> Iterator[Block]:
    if found.settings:
        columns = ("Setting", "run 1", "run 2")
        yield Table("Settings of the experiments that differ", columns, tuple(Row(s) for s in found.settings))
    else:
        yield Text("The experiments have the same settings.")
    software = tuple(_differing(first.manifest.get("software", {}), second.manifest.get("software", {})))
    if software:
        yield Table("Software that differs", ("Package", "run 1", "run 2"), tuple(Row(s) for s in software))


def _stages(first: FinishedRun, second: FinishedRun) -> Table:
    """Which stages gave the same bytes, by digest: the first that differs is where the runs part."""
    here, there = ({s["name"]: s["digest"] for s in run.manifest.get("stages", ())} for run in (first, second))
    rows = []
    for name in dict.fromkeys([*here, *there]):
        same = here.get(name) == there.get(name)
        missing = "only in run 1" if name not in there else "only in run 2" if name not in here else ""
        rows.append(Row((name, missing or ("the same" if same else "differs")), muted=same))
    note = "Digests of the files of each stage. The first stage that differs is where the runs part."
    return Table("What each stage made", ("Stage", "files"), tuple(rows), note)


def _check_classes(first: FinishedRun, second: FinishedRun) -> None:
    here, there = first.evaluation["classes"], second.evaluation["classes"]
    if here != there:
        only = [listing(sorted(set(a) - set(b))) or "none" for a, b in ((here, there), (there, here))]
        raise DataError(
            f"{first.folder} and {second.folder} have different classes ({len(here)} and {len(there)}; only in the "
            f"first: {only[0]}; only in the second: {only[1]}), so their scores do not compare. Compare runs of one "
            "taxonomy."
        )


def _shared_protocol(first: FinishedRun, second: FinishedRun) -> str:
    here, there = results.protocols(first.evaluation), results.protocols(second.evaluation)
    shared = [name for name in here if name in there]
    if not shared:
        raise DataError(
            f"{first.folder} was judged by {listing(here)}, {second.folder} by {listing(there)}: no protocol in "
            "common. Evaluate both with the same evaluation.protocols."
        )
    return shared[0]


def _scored(run: FinishedRun, protocol: str) -> dict[str, Json]:
    """Name → scores of every model, then every baseline."""
    everything = {**run.evaluation["models"], **run.evaluation["baselines"]}
    return {name: entry["protocols"][protocol] for name, entry in everything.items() if protocol in entry["protocols"]}


def _settings(first: Json, second: Json) -> Iterator[tuple[str, str, str]]:
    yield from _differing(dict(_flat(first)), dict(_flat(second)))


def _differing(first: Json, second: Json) -> Iterator[tuple[str, str, str]]:
    for key in dict.fromkeys([*first, *second]):
        if key not in first or key not in second or first[key] != second[key]:
            here, there = ("–" if key not in side else plain(side[key]) for side in (first, second))
            yield key, here, there


def _flat(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested sections as dotted keys; entries of a list that have a name are keyed by it."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _flat(below, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list) and value and all(isinstance(v, Mapping) and "name" in v for v in value):
        for entry in value:
            yield from _flat({k: v for k, v in entry.items() if k != "name"}, f"{at}.{entry['name']}")
    else:
        yield at, value

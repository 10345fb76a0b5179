"""One model of a run → its card: what it is, what it eats, what it learned from, how well it does, what it is not for.

Pure. The headings are those of Mitchell et al. 2019, "Model cards for model reporting". The data set's own card stands
with the data set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bocage.core.page import (
    Block,
    Fact,
    Facts,
    Page,
    Row,
    Section,
    Table,
    Text,
    count,
    listing,
    plain,
    score,
    words,
)
from bocage.reports import results
from bocage.reports.data import Json, RunData

SHOWN_SCORES = (("miou_foreground", "foreground mIoU"), *results.SCORE_COLUMNS[:-1])  # all but the loss


def model_card(run: RunData, name: str) -> Page:
    """The card of one model of the run."""
    model = run.checkpoints[name].model
    return Page(
        name,
        "model card",
        (Text(f"{name} is a {model['kind']} of the run {run.name}, which classes Sentinel-2 pixels by crop."),),
        (
            Section("details", "Model details", tuple(_details(model))),
            Section("use", "Intended use and limits", tuple(_use(run, model))),
            Section("data", "Training data", tuple(_training_data(run, model))),
            Section("scores", "Evaluation", tuple(_evaluation(run, name))),
        ),
    )


def _details(model: Json) -> Iterator[Block]:
    options = [Row((words(key), plain(value))) for key, value in (model.get("options") or {}).items()]
    yield Facts(
        (
            Fact("Kind", plain(model["kind"])),
            Fact("Trainable parameters", count(model.get("n_parameters"))),
            Fact("Bands", plain(model["bands"])),
            Fact("Dates", plain(model.get("n_dates") or "any number")),
        )
    )
    if options:
        yield Table("Options", ("Option", "value"), tuple(options))
    steps = [Row((words(key), plain(value))) for key, value in (model.get("preprocessing") or {}).items()]
    if steps:
        yield Table("Imagery that it expects; any other is refused", ("Step", "setting"), tuple(steps))


def _use(run: RunData, model: Json) -> Iterator[Block]:
    names = [c["title"] for c in model.get("classes", ())] or [c.title for c in run.classes]
    yield Text(f"It tells apart {listing(names)}. Other crops are given to one of these, or to the background.")
    yield Text(
        "It is meant for the season, the bands and the kind of country that it was trained on: elsewhere expect less "
        "than the scores below, and measure it on declarations from there (`bocage evaluate`, `bocage shift`)."
    )
    yield Text(
        "Its map is no statement about crop areas: pixels counted by class carry its errors (`bocage areas` estimates "
        "them from a random sample). It gives no ground for a decision on a single farm without a look at the field."
    )


def _training_data(run: RunData, model: Json) -> Iterator[Block]:
    training: Json = model.get("training") or {}
    facts = [Fact("Training patches", count(training["n_train"]))] if training.get("n_train") else []
    if training.get("dataset_digest"):
        facts.append(Fact("Digest of the data set", training["dataset_digest"][:12], "its card is dataset/card.html"))
    if run.manifest is not None:
        places = run.manifest.groupby(["country", "year"]).size()
        facts.append(Fact("Country and year", ", ".join(f"{c} {y}" for c, y in places.index), "of all parts"))
    if run.split is not None:
        facts.append(Fact("Split by", plain(run.split.about.get("options", {}).get("strategy"))))
    if training.get("seed") is not None:
        facts.append(Fact("Seed", plain(training["seed"])))
    yield Facts(tuple(facts))
    options = training.get("options")
    if isinstance(options, Mapping):
        yield Table(
            "How it was trained", ("Option", "value"), tuple(Row((words(k), plain(v))) for k, v in options.items())
        )


def _evaluation(run: RunData, name: str) -> Iterator[Block]:
    if not run.evaluation or name not in run.evaluation["models"]:
        yield Text("This model has not been evaluated yet.", "missing")
        return
    by_protocol = run.evaluation["models"][name]["protocols"]
    rows = [
        Row((protocol, title, score(scores[key]), results.interval_text(scores, key)))
        for protocol, scores in by_protocol.items()
        for key, title in SHOWN_SCORES
    ]
    yield Table(
        "Scores on the test part",
        ("Protocol", "score", ">value", ">interval"),
        tuple(rows),
        results.level_text(run.evaluation),
    )
    protocol, scores = next(iter(by_protocol.items()))
    reached = [
        f"{title} {score(record['miou_foreground'])}"
        for title, record, is_baseline in results.scored(run.evaluation, protocol)
        if is_baseline
    ]
    if reached:
        yield Text(f"Foreground mIoU of the baselines: {listing(reached)}.")
    titles = {c.name: c.title for c in run.classes}
    per_class = [
        Row((titles.get(crop, crop), count(e["support"]), score(e["iou"]), score(e["precision"]), score(e["recall"])))
        for crop, e in scores["per_class"].items()
    ]
    columns = ("Class", ">reference pixels", ">IoU", ">precision", ">recall")
    yield Table(f"By class ({protocol})", columns, tuple(per_class))

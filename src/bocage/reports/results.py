"""What came out, as sections: training, evaluation, map, provenance. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from bocage.core.arrays import Int64
from bocage.core.page import (
    Block,
    Code,
    Fact,
    Facts,
    Heading,
    Picture,
    Row,
    Table,
    Text,
    count,
    hectares,
    listing,
    percent,
    plain,
    plural,
    points,
    score,
    seconds,
    signed,
    words,
)
from bocage.metrics.intervals import no_interval_reason
from bocage.metrics.protocols import HIERARCHY, PROTOCOLS, find_protocol
from bocage.reports import figures
from bocage.reports.data import Checkpoint, ForeignTest, Json, MapProduct, Panels, RunData

BASELINES = {
    "majority": "majority class",
    "spectral_centroid": "nearest class spectrum",
    "random_parcel_class": "class drawn per parcel",
    "last_year": "parcel's class the year before",
}
SCORE_COLUMNS = (
    ("miou", "mIoU"),
    ("miou_present", "present-class mIoU"),
    ("pixel_accuracy", "pixel accuracy"),
    ("mean_class_accuracy", "mean class accuracy"),
    ("macro_f1", "macro F1"),
    ("kappa", "kappa"),
    ("mean_loss", "mean loss"),
)
CLASS_COLUMNS = (("iou", "IoU"), ("precision", "precision"), ("recall", "recall"), ("f1", "F1"))
HOW_SCORES_DIVIDE = (
    "mIoU divides by all classes, absent ones counting 0; foreground mIoU leaves out the background; present-class "
    "mIoU divides by the classes with reference pixels. Pixel accuracy is the share of right pixels, parcel or "
    "area accuracy that of parcels or hectares."
)


# ── reading evaluation.json ──────────────────────────────────────────────────────────────────────────────────────────


def protocols(evaluation: Json) -> list[str]:
    """The protocols of the models, in the order of the experiment; the first one leads."""
    first: Json = next(iter({**evaluation["models"], **evaluation["baselines"]}.values()))
    return list(first["protocols"])


def scored(evaluation: Json, protocol: str) -> Iterator[tuple[str, Json, bool]]:
    """(title, scores, is a baseline) of every model, then every baseline, under one protocol."""
    for name, record in evaluation["models"].items():
        if protocol in record["protocols"]:
            yield name, record["protocols"][protocol], False
    for name, record in evaluation["baselines"].items():
        if protocol in record["protocols"]:
            yield BASELINES.get(name, name), record["protocols"][protocol], True


def interval_text(record: Json, name: str) -> str:
    """The interval of one score, or why there is none."""
    intervals = record.get("interval")
    if intervals is None and no_interval_reason(record["n_blocks"]):
        return f"no interval: only {plural(record['n_blocks'], 'block')}"
    if intervals is None:
        return f"no interval: {record['interval_reason']}"
    found = intervals.get(name)
    return f"{score(found['low'])}–{score(found['high'])}" if found else "–"


def protocol_text(name: str) -> str:
    known = name in PROTOCOLS or name.startswith(HIERARCHY)
    return f"{name}: {find_protocol(name).summary}" if known else name


def level_text(evaluation: Json) -> str:
    """How the intervals were made, from the first one there is; or why there is none."""
    for protocol in protocols(evaluation):
        for _, record, _ in scored(evaluation, protocol):
            for interval in (record.get("interval") or {}).values():
                return f"Intervals are at the {100 * interval['level']:.0f} % level, by {interval['method']}."
    first = next(scored(evaluation, protocols(evaluation)[0]))[1]
    return f"There are no intervals: {first['interval_reason']}."


# ── training ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def training(run: RunData) -> Iterator[Block]:
    if not run.checkpoints:
        yield Text("No model has been trained yet.", "missing")
    for name, checkpoint in run.checkpoints.items():
        yield Heading(name)
        yield Facts(tuple(_model_facts(checkpoint)))
        epochs = (checkpoint.history or {}).get("epochs", ())
        if epochs:
            yield _curves(name, checkpoint)
        else:
            yield Text("Fitted in one go, so there are no curves by epoch.")


def _model_facts(checkpoint: Checkpoint) -> Iterator[Fact]:
    model, history = checkpoint.model, checkpoint.history or {}
    yield Fact("Kind", plain(model["kind"]))
    if model.get("n_parameters"):
        yield Fact("Trainable parameters", count(model["n_parameters"]))
    if model.get("bands"):
        dates = model.get("n_dates")
        yield Fact(
            "Input", plural(len(model["bands"]), "band"), plural(dates, "date") if dates else "any number of dates"
        )
    if history.get("best_epoch") is not None:
        yield Fact(
            "Epoch kept", count(history["best_epoch"]), f"lowest validation loss of {len(history['epochs'])} epochs"
        )
    if spent := (model.get("training") or {}).get("seconds"):
        yield Fact("Time in training", seconds(spent))


def _curves(name: str, checkpoint: Checkpoint) -> Picture:
    history = checkpoint.history or {}
    epochs, best, best_miou = history["epochs"], history.get("best_epoch"), history.get("best_miou_epoch")
    last = epochs[-1]
    marks = f"Solid line: the epoch that was kept ({best}, lowest validation loss)."
    if best_miou is not None:
        marks += f" Dotted: the epoch of the highest validation mIoU ({best_miou})."
    return Picture(
        f"curves-{name}",
        figures.learning_curves(epochs, best, best_miou),
        pd.DataFrame(epochs),
        f"{name}: loss, mIoU, pixel accuracy and learning rate by epoch. {marks}",
        f"Learning curves of {name} over {len(epochs)} epochs; at the end "
        f"training loss {plain(last.get('train_loss'))}, validation loss {plain(last.get('val_loss'))}, "
        f"validation mIoU {plain(last.get('val_miou'))}.",
    )


# ── evaluation ───────────────────────────────────────────────────────────────────────────────────────────────────────


def evaluation(run: RunData) -> Iterator[Block]:
    if not run.evaluation:
        yield Text("No model has been evaluated yet.", "missing")
        return
    record = run.evaluation
    yield Text(f"{HOW_SCORES_DIVIDE} {level_text(record)}")
    for protocol in protocols(record):
        yield _protocol_table(record, protocol)
    yield from _last_year(record)
    yield from _shift(record)
    if record.get("compare"):
        yield from _comparisons(record["compare"])
    yield from _zones(record)
    yield from _sizes(record)
    yield from _calibration(record)
    yield from _per_class(run, record)
    yield from _confusions(run, record)
    yield from _panels(run)


def has_intervals(record: Json, protocol: str) -> bool:
    """True if anything has an interval under this protocol; all see the same blocks."""
    return any(scores.get("interval") for _, scores, _ in scored(record, protocol))


def _protocol_table(record: Json, protocol: str) -> Table:
    with_interval = has_intervals(record, protocol)
    rows = []
    for title, scores, is_baseline in scored(record, protocol):
        interval = (interval_text(scores, "miou_foreground"),) if with_interval else ()
        others = (score(scores.get(key)) for key, _ in SCORE_COLUMNS)
        rows.append(Row((title, score(scores["miou_foreground"]), *interval, *others), muted=is_baseline))
    first = next(scored(record, protocol))[1]
    unit = PROTOCOLS[protocol].unit if protocol in PROTOCOLS else "pixel"
    counted_in = "parcel" if unit == "parcel" else "pixel"
    counted = (
        f"{hectares(first['area_ha'])} ha of parcels" if "area_ha" in first else plural(first["n_pixels"], counted_in)
    )
    titles = dict(SCORE_COLUMNS) | {"pixel_accuracy": f"{unit.removeprefix('parcel_')} accuracy"}
    note = f"{counted} in {plural(first['n_blocks'], 'block')}."
    if not with_interval:
        note += f" No intervals: {first['interval_reason']}."
    if first["classes_absent"]:
        note += f" Without reference here: {listing(list(first['classes_absent']))}."
    between = (">interval",) if with_interval else ()
    columns = ("Model or baseline", ">foreground mIoU", *between, *(f">{title}" for title in titles.values()))
    return Table(f"Protocol {protocol_text(protocol)}", columns, tuple(rows), note)


def _last_year(record: Json) -> Iterator[Block]:
    known = record["baselines"].get("last_year", {}).get("known_fraction")
    if known is not None:
        yield Text(
            f"The class of the year before is known on {percent(known)} of the scored parcel pixels, from samples of "
            "that year on the same ground; the other parcels get the majority class."
        )


def _shift(record: Json) -> Iterator[Block]:
    """What differs between the test part and the training data, or that nothing does."""
    findings = record.get("shift")
    if findings:
        rows = [Row((words(f["kind"]), f["message"])) for f in findings]
        note = "Seasons and countries differ by nature: a finding is a reason to look."
        yield Table("Test part against training data", ("What differs", "how"), tuple(rows), note)
    elif findings is not None:
        yield Text("Reflectance, labels and season of the test part are those of the training data.")


def _bounded(entry: Json, show: Callable[[float | None], str] = percent) -> str:
    """A score with its interval where it has one."""
    bounds = f" ({show(entry['low'])} to {show(entry['high'])})" if entry["low"] is not None else ""
    return show(entry["value"]) + bounds


def _zones(record: Json) -> Iterator[Block]:
    """Pixel accuracy inside fields and where they meet."""
    rows = []
    for name, model in record["models"].items():
        if zones := model.get("zones"):
            apart = zones["difference"]
            none = f"no interval: {apart.get('reason')}"
            interval = none if apart["low"] is None else f"{points(apart['low'])} to {points(apart['high'])}"
            accuracy = (_bounded(zones[zone]["pixel_accuracy"]) for zone in ("interior", "boundary"))
            rows.append(Row((name, *accuracy, points(apart["difference"]), interval)))
            n_px = {zone: zones[zone]["n_pixels"] for zone in ("interior", "boundary")}
    if rows:
        columns = ("Model", ">interior", ">boundary", ">interior minus boundary (points)", "interval (points)")
        note = (
            f"{count(n_px['boundary'])} of {count(sum(n_px.values()))} pixels have a neighbour of another parcel or of "
            "none; intervals in brackets."
        )
        yield Table("Pixel accuracy inside fields and at their boundaries", columns, tuple(rows), note)


def _sizes(record: Json) -> Iterator[Block]:
    """How many parcels, and how many hectares of them, get their class, by the size of the parcel."""
    for name, model in record["models"].items():
        rows = [Row(tuple(_size_cells(entry))) for entry in model.get("parcel_sizes") or ()]
        if rows:
            columns = ("Parcel size (ha)", ">parcels", ">area (ha)", ">parcels right", ">area right", ">present mIoU")
            note = "By the majority of their pixels. A parcel's size is the ground of it that the samples show."
            if reasons := {e["interval_reason"] for e in model["parcel_sizes"] if "interval_reason" in e}:
                note += f" Without interval: {'; '.join(sorted(reasons))}."
            yield Table(f"{name}: parcels by size", columns, tuple(rows), note)


def _size_cells(entry: Json) -> Iterator[str]:
    above = entry["to_ha"] is None
    yield f"{entry['from_ha']:g} and more" if above else f"{entry['from_ha']:g} to {entry['to_ha']:g}"
    yield from (count(entry["n_parcels"]), hectares(entry["area_ha"]))
    yield from (_bounded(entry["accuracy"]), _bounded(entry["accuracy_by_area"]))
    yield _bounded(entry["miou_present"], score)


def _comparisons(compare: Json) -> Iterator[Block]:
    rows = []
    for entry in compare.values():
        low, high = entry.get("low"), entry.get("high")
        if low is None or high is None:
            interval, reading = "none", f"no interval: {entry['reason']}"
        else:
            interval = f"{signed(low)} to {signed(high)}"
            reading = verdict(low, high)
        pair = f"{entry['first']} − {entry['second']}"
        rows.append(Row((pair, signed(entry["difference"]), interval, reading)))
    columns = ("Pair", ">difference of foreground mIoU", "interval", "reading")
    yield Table("Models compared on the same blocks (first minus second)", columns, tuple(rows))


def verdict(low: float, high: float, first: str = "the first", second: str = "the second") -> str:
    """What the interval of first − second says."""
    if low > 0:
        return f"{first} is better on these blocks"
    if high < 0:
        return f"{second} is better on these blocks"
    return "not told apart: the interval holds 0"


def _calibration(record: Json) -> Iterator[Block]:
    """How far each model's confidence is from how often it is right."""
    rows = []
    for name, model in record["models"].items():
        if found := model.get("calibration"):
            n = sum(b["n"] for b in found["bins"])
            means = (sum(b["n"] * b[key] for b in found["bins"]) / n for key in ("confidence", "accuracy"))
            rows.append(Row((name, *(percent(m) for m in means), score(found["ece"]), score(found["brier"]))))
    if rows:
        columns = ("Model", ">mean confidence", ">pixel accuracy", ">ECE", ">Brier score")
        note = "ECE: mean distance of confidence and accuracy over 15 bins of confidence; Brier score: 0 best, 2 worst."
        yield Table("Calibration (all pixels)", columns, tuple(rows), note)


def _per_class(run: RunData, record: Json) -> Iterator[Block]:
    """IoU of every model side by side, then all scores of each model."""
    protocol = protocols(record)[0]
    models = {name: r["protocols"][protocol]["per_class"] for name, r in record["models"].items()}
    look = {c.name: c for c in run.classes}
    support = {name: entry["support"] for name, entry in next(iter(models.values())).items()}

    def row(name: str, *cells: str) -> Row:
        crop = look.get(name)
        return Row((crop.title if crop else name, *cells), crop.color if crop else None, muted=not support[name])

    rows = [
        row(name, count(n), *(score(entries[name]["iou"]) if n else "–" for entries in models.values()))
        for name, n in support.items()
    ]
    columns = ("Class", ">reference pixels", *(f">{name}" for name in models))
    note = "– where the test part has no reference pixels."
    yield Table(f"IoU by class ({protocol})", columns, tuple(rows), note if 0 in support.values() else "")
    for model, entries in models.items():
        rows = [
            row(name, *(score(entries[name][key]) for key, _ in CLASS_COLUMNS), _iou_interval(entries[name]))
            for name, n in support.items()
            if n
        ]
        columns = ("Class", *(f">{title}" for _, title in CLASS_COLUMNS), "interval of the IoU")
        yield Table(f"{model}: scores by class ({protocol})", columns, tuple(rows))


def _iou_interval(entry: Json) -> str:
    found = entry.get("iou_interval")
    return f"{score(found['low'])} to {score(found['high'])}" if found else "–"


def _confusions(run: RunData, record: Json) -> Iterator[Block]:
    protocol = protocols(record)[0]
    if not run.classes:
        return
    yield Heading("Confusion")
    for name, model in record["models"].items():
        matrix = np.array(model["protocols"][protocol]["confusion"], dtype=np.int64)
        for of, what in (("reference", "recall"), ("predicted", "precision")):
            yield Picture(
                f"confusion-{name}-by-{of}",
                figures.confusion_matrix(matrix, run.classes, of=of),
                _cells(matrix, [c.name for c in run.classes]),
                f"{name}: in per cent of each {of} class ({protocol}); the diagonal is the {what}. Under 0.5 % is "
                "blank.",
                f"Confusion matrix of {name} in per cent of each {of} class; the diagonal is the {what} of the table.",
                narrow=True,
            )


def _cells(matrix: Int64, names: Sequence[str]) -> pd.DataFrame:
    """One row a cell of a confusion matrix: counts, and their share of the reference and of the predicted class."""
    row, col = (index.ravel() for index in np.indices(matrix.shape))
    n, at = matrix[row, col], np.array(names)
    by_reference, by_predicted = (np.maximum(matrix.sum(axis), 1)[i] for axis, i in ((1, row), (0, col)))
    cells = {"reference": at[row], "predicted": at[col], "n": n}
    return pd.DataFrame({**cells, "share_of_reference": n / by_reference, "share_of_predicted": n / by_predicted})


def _panels(run: RunData) -> Iterator[Block]:
    if run.panels is None or not len(run.panels.sample_ids):
        yield Text("The evaluation kept no samples for pictures.", "missing")
        return
    yield Heading("Test samples")
    yield Picture(
        "samples",
        figures.sample_panels(run.panels, run.classes),
        _panel_pixels(run.panels, {c.id: c.name for c in run.classes}),
        "Samples of the test part: true colour, labels, and for each model its prediction and its errors. Striped "
        "pixels have no known class and are not scored. Samples, top to bottom: "
        + listing(run.panels.sample_ids)
        + ".",
        f"{plural(len(run.panels.sample_ids), 'test sample')}, predicted by {listing(list(run.panels.predictions))}.",
    )


def _panel_pixels(panels: Panels, names: Mapping[int, str]) -> pd.DataFrame:
    """Pixels of each class in the labels and predictions of the samples drawn."""
    rows = []
    for layer, images in {"labels": panels.labels, **panels.predictions}.items():
        for sample_id, image in zip(panels.sample_ids, images, strict=True):
            found = zip(*np.unique(image, return_counts=True), strict=True)
            rows += [(sample_id, layer, names.get(int(c), "ignore"), int(n)) for c, n in found]
    return pd.DataFrame(rows, columns=["sample_id", "layer", "class", "n_px"])


# ── benchmarks ───────────────────────────────────────────────────────────────────────────────────────────────────────


def benchmarks(run: RunData) -> Iterator[Block]:
    """Every model on every published test set: scores, what differs from its training data, some samples."""
    titles = list(dict.fromkeys(test.benchmark for test in run.benchmarks))
    for title in titles:
        tests = [test for test in run.benchmarks if test.benchmark == title]
        yield Heading(title)
        yield _foreign_scores(tests)
        for test in tests:
            if test.shift:
                said = " ".join(f["message"] for f in test.shift)
                yield Text(f"{test.model}: what differs from its training data. {said}")
        shown = next((test for test in tests if test.panels), None)
        if shown is not None and shown.panels is not None:
            yield Picture(
                f"benchmark-{titles.index(title)}",
                figures.sample_panels(shown.panels, run.classes),
                _panel_pixels(shown.panels, {c.id: c.name for c in run.classes}),
                f"Samples of {title}: true colour, labels, and what {shown.model} predicts, with its errors.",
                f"{plural(len(shown.panels.sample_ids), 'sample')} of {title}, predicted by {shown.model}.",
            )


def _foreign_scores(tests: Sequence[ForeignTest]) -> Table:
    keys = ("miou_foreground", "miou_present", "pixel_accuracy")
    rows = []
    for test in tests:
        records = {test.model: test.evaluation["protocols"]}
        if test is tests[-1]:
            records |= {BASELINES.get(n, n): r["protocols"] for n, r in test.evaluation["baselines"].items()}
        for name, by_protocol in records.items():
            for protocol, record in by_protocol.items():
                shown = (score(record[keys[0]]), interval_text(record, keys[0]), *(score(record[k]) for k in keys[1:]))
                rows.append(Row((name, words(protocol), *shown), muted=name != test.model))
    n, view = tests[0].evaluation["n_samples"], tests[0].evaluation["view"]
    columns = (
        "Model or baseline",
        "protocol",
        ">foreground mIoU",
        ">interval",
        ">present-class mIoU",
        ">pixel accuracy",
    )
    return Table(f"Scores on {plural(n, 'sample')}, view {view}", columns, tuple(rows))


# ── map ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def area_map(run: RunData) -> Iterator[Block]:
    if not run.maps:
        yield Text("No map has been made yet.", "missing")
    for name, product in run.maps.items():
        if len(run.maps) > 1:
            yield Heading(name)
        yield from _one_map(run, name, product)


def _one_map(run: RunData, name: str, product: MapProduct) -> Iterator[Block]:
    info = product.info
    yield Facts(
        (
            Fact("Pixels mapped", count(info["n_px"] - info["n_unseen_px"])),
            Fact("Pixels without a valid date", count(info["n_unseen_px"]), "left empty (255)"),
            Fact("Speed", f"{info['mpx_per_s']:.3g} Mpx/s", "reading and writing included"),
        )
    )
    areas = _areas(run, product)
    px = info["px_by_class"]
    yield Picture(
        f"map-{name}",
        figures.class_map(product.class_map, run.classes),
        pd.DataFrame(
            {"class": list(px), "n_px": list(px.values()), "area_ha": [n * _px_ha(product) for n in px.values()]}
        ),
        "Predicted class of every pixel; thinned to fit this page.",
        "Map of the predicted classes; most of it is " + listing([r.cells[0] for r in areas.rows[:3]]) + ".",
        narrow=product.class_map.is_tall,
    )
    yield areas
    percent_found, n_found = np.unique(product.confidence.values, return_counts=True)
    yield Picture(
        f"confidence-{name}",
        figures.confidence_map(product.confidence),
        pd.DataFrame({"confidence_percent": percent_found, "n_drawn_px": n_found}).query("confidence_percent <= 100"),
        "Confidence: the largest class probability, as the model gave it; it has not been calibrated.",
        "Map of the model's confidence.",
        narrow=product.confidence.is_tall,
    )
    if product.parcels is not None and "declared_class" in product.parcels:
        yield _votes(run, product.parcels)


def _areas(run: RunData, product: MapProduct) -> Table:
    """Predicted area by class, the largest first."""
    px: Json = product.info["px_by_class"]
    n_px, look, px_ha = max(sum(px.values()), 1), {c.name: c for c in run.classes}, _px_ha(product)
    rows = []
    for name, n in sorted(px.items(), key=lambda item: -item[1]):
        crop = look.get(name)
        cells = (crop.title if crop else name, count(n), hectares(n * px_ha), percent(n / n_px))
        rows.append(Row(cells, crop.color if crop else None))
    note = (
        "Counted from the map and not corrected for the model's errors: no statement about true crop areas. "
        "`bocage areas` estimates those, with intervals, from a random sample of the map's pixels."
    )
    return Table("Predicted area", ("Class", ">pixels", ">area (ha)", ">share of the map"), tuple(rows), note)


def _px_ha(product: MapProduct) -> float:
    """Area of one pixel of the map."""
    left, bottom, right, top = product.class_map.bounds
    return (right - left) * (top - bottom) / float(product.info["n_px"]) / 10_000  # m² a ha


def _votes(run: RunData, parcels: pd.DataFrame) -> Table:
    """How often the majority of a parcel's pixels gives the declared class."""
    look = {c.name: c for c in run.classes}
    rows = []
    known = parcels["declared_class"].isin(look)
    for name, group in parcels[known].groupby("declared_class"):
        crop, agree = look[str(name)], group["declared_class"] == group["predicted_class"]
        area = float(group["area"].sum())
        cells = (crop.title, count(len(group)), hectares(area), percent(float(agree.mean())))
        rows.append(Row((*cells, percent(float(group.loc[agree, "area"].sum()) / area)), crop.color))
    columns = ("Declared class", ">parcels", ">area (ha)", ">parcels that agree", ">area that agrees")
    note = "Parcels that the model was trained on are among them, so this is no measure of accuracy."
    if n_unknown := int((~known).sum()):
        note += f" {plural(n_unknown, 'parcel')} of unknown class left out."
    return Table("Declared class and majority of the predicted pixels", columns, tuple(rows), note)


# ── provenance ───────────────────────────────────────────────────────────────────────────────────────────────────────


def provenance(run: RunData) -> Iterator[Block]:
    if run.provenance:
        rows = [Row((words(name), plain(value))) for name, value in run.provenance.items()]
        yield Table("What made this run", ("Item", "value"), tuple(rows))
    if run.stages:
        stages = [Row((s.name, f"{s.seconds:,.2f}")) for s in run.stages]
        yield Table("How long each stage took when its result was made", ("Stage", ">time (s)"), tuple(stages))
    if run.experiment:
        yield Code("The experiment, all defaults written out (YAML)", run.experiment)

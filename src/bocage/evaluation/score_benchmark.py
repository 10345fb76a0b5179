"""Predictors + a view of a benchmark -> scores under its protocols, and by fold; panels. Reads; writes three files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from bocage.benchmarks.benchmark import Collection, Entry, View
from bocage.core.arrays import Float32, Int64, UInt8
from bocage.core.errors import ConfigError, NothingLeft
from bocage.core.progress import track
from bocage.core.sample import Sample
from bocage.evaluation.describe import describe_counts
from bocage.evaluation.judge import MAJORITY
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.outcome import Outcome
from bocage.evaluation.panels import choose_panels, to_rgb
from bocage.evaluation.predict import check_predictor, predict
from bocage.evaluation.read import seen_labels
from bocage.evaluation.write import JUDGED, Counts, write_blocks, write_evaluation, write_panels
from bocage.metrics.calibration import describe_calibration
from bocage.metrics.protocols import PROTOCOLS
from bocage.metrics.scores import SCORES
from bocage.models.predictor import Predictor

FOLD_MEAN = "mean_over_folds"
PARCELS_AT_ONCE = 4096


@dataclass(frozen=True)
class Judged:
    """One sample and what its model said: labels (H, W) with 255 where nothing is scored, prediction (1, H, W) and
    probabilities (1, K, H, W)."""

    entry: Entry
    sample: Sample
    labels: UInt8
    prediction: UInt8
    probabilities: Float32


def evaluate_benchmark(
    predictors: Mapping[str, Predictor],
    collection: Collection,
    options: EvaluationOptions,
    *,
    seed: int,
    baselines: Mapping[str, Predictor] | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Judge one model, or one model a rotation, on everything a benchmark has.

    No statistic of the benchmark reaches a model: a Predictor carries its own normalisation.

    Args:
        predictors: name → model. One: it judges all samples. As many as rotations: the i-th judges the test fold of
            the i-th rotation only, which it has not been trained on.
        collection: the opened view.
        baselines: name → what has been learned from the models' training data, judged on all samples beside them.
        folder: gets evaluation.json, blocks.npz and, unless `options.panels` is 0, panels.npz (some samples as
            pictures).

    Returns:
        view, classes, n_samples, tally, n_unseen_px, calibration; `protocols` (name → scores with intervals over blocks
        of ground);
        `folds` (fold, year or country-year → protocol → scores) where there are several; the protocol `mean_over_folds`
        where they rotate; `baselines` (those given, and `majority`: the class that is most frequent in the judged part
        itself, an upper bound for any constant answer).

    Raises:
        NothingLeft: if the view has no sample.
        ConfigError: if the number of models is neither 1 nor that of the rotations.
        MissingBand, ConfigError, DataError: if a model does not fit the samples.
    """
    view = collection.view
    if not collection.entries:
        raise NothingLeft(f"Nothing to judge in view '{view.name}': {collection.tally}.")
    learned = baselines or {}
    for name, predictor in {**predictors, **learned}.items():
        check_predictor(name, predictor, view.bands, view.class_names)
    blocks = {block: i for i, block in enumerate(dict.fromkeys(e.block for e in collection.entries))}
    model_of = _assign(predictors, view.test_folds)
    outcomes: dict[str, Outcome] = {}
    beside = {name: Outcome(len(blocks), len(view.class_names)) for name in learned}
    n_unseen_px, px_by_class = 0, list[Int64]()
    for judged in _predict_all(collection, predictors, model_of):
        entry, labels, parcels = judged.entry, judged.labels, judged.sample.parcel_ids
        outcome = outcomes.setdefault(entry.fold, Outcome(len(blocks), len(view.class_names)))
        outcome.add([blocks[entry.block]], labels[None], parcels[None], judged.prediction, judged.probabilities)
        for name, predictor in learned.items():
            given = _ask(name, predictor, [judged.sample])
            answer = given.argmax(1).astype(np.uint8)
            beside[name].add([blocks[entry.block]], labels[None], parcels[None], answer, given)
        n_unseen_px += int((labels != judged.sample.labels).sum())
        px_by_class.append(np.bincount(labels.ravel(), minlength=256)[: len(view.class_names)])
    counts = {fold: {p: o.counts(PROTOCOLS[p]) for p in view.protocols} for fold, o in outcomes.items()}
    pooled = {p: _pool([by[p] for by in counts.values()]) for p in view.protocols}
    rotates = bool(view.test_folds)
    folds = {f: _describe(by, view, options, seed) for f, by in sorted(counts.items()) if rotates or len(counts) > 1}
    protocols = _describe(pooled, view, options, seed)
    known = {n: {p: o.counts(PROTOCOLS[p]) for p in view.protocols} for n, o in beside.items()}
    known |= {MAJORITY: _majority(pooled)}
    if rotates:
        first = view.protocols[0]
        by_fold = {fold: scores[first] for fold, scores in folds.items()}
        protocols = {FOLD_MEAN: mean_over_folds(by_fold, protocols[first])} | protocols
    result: dict[str, Any] = {
        "view": view.name,
        "classes": list(view.class_names),
        "n_samples": len(collection.entries),
        "tally": collection.tally.to_json(),
        "n_unseen_px": n_unseen_px,
        "protocols": protocols,
        "calibration": describe_calibration(reduce(add, (o.calibration for o in outcomes.values() if o.calibration))),
        "folds": folds,
        "baselines": {name: {"protocols": _describe(counts, view, options, seed)} for name, counts in known.items()},
    }
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "panels.npz").unlink(missing_ok=True)
        chosen = choose_panels(np.stack(px_by_class), [e.block for e in collection.entries], options.panels)
        shown = replace(collection, entries=tuple(collection.entries[i] for i in chosen))
        _keep_panels(list(_predict_all(shown, predictors, model_of)), folder)
        write_blocks(folder, list(blocks), {JUDGED: pooled, **known})
        write_evaluation(folder, result)
    return result


def _keep_panels(judged: Sequence[Judged], folder: Path) -> None:
    """Write `panels.npz`; nothing for parcels of one pixel, which make no picture."""
    if judged and judged[0].labels.size > 1:
        rgb, labels = np.stack([to_rgb(j.sample) for j in judged]), np.stack([j.labels for j in judged])
        predictions = {JUDGED: np.concatenate([j.prediction for j in judged])}
        write_panels(folder, [j.entry.sample_id for j in judged], rgb, labels, predictions)


def mean_over_folds(by_fold: Mapping[str, Mapping[str, Any]], pooled: Mapping[str, Any]) -> dict[str, Any]:
    """Each score as its mean over the folds; per-class tables and counts are those of all folds together.

    The interval is null: the folds of a rotation share their training data, so their spread is none.
    """
    means = {
        name: None
        if any(s[name] is None for s in by_fold.values())
        else float(np.mean([s[name] for s in by_fold.values()]))
        for name in SCORES
    }
    reason = f"a mean over {len(by_fold)} folds that share training data; see the pooled protocols for intervals"
    return {**pooled, **means, "interval": None, "interval_reason": reason, "n_folds": len(by_fold)}


def _assign(predictors: Mapping[str, Predictor], test_folds: Sequence[str]) -> dict[str, str]:
    """Fold → name of the model that judges it; "" stands for every other fold."""
    names = list(predictors)
    if len(names) == 1:
        return {"": names[0]}
    if len(names) != len(test_folds):
        rotations = f"one for each of its {len(test_folds)} rotations" if test_folds else "it has no rotations"
        raise ConfigError(f"{len(names)} models for one benchmark. Give one, or {rotations}.")
    return dict(zip(test_folds, names, strict=True))


def _predict_all(
    collection: Collection, predictors: Mapping[str, Predictor], model_of: Mapping[str, str]
) -> Iterator[Judged]:
    def model(entry: Entry) -> str:
        return model_of[entry.fold] if entry.fold in model_of else model_of[""]

    shown = track(collection.entries, "Evaluating", unit="samples")
    for name, entries in groupby(shown, key=model):
        for pairs in _batches((entry, collection.read(entry)) for entry in entries):
            samples = [sample for _, sample in pairs]
            probabilities = _ask(name, predictors[name], samples)
            prediction = probabilities.argmax(1).astype(np.uint8)
            for i, (entry, sample) in enumerate(pairs):
                one = slice(i, i + 1)
                yield Judged(entry, sample, seen_labels(sample, sample.labels), prediction[one], probabilities[one])


def _ask(name: str, predictor: Predictor, samples: Sequence[Sample]) -> Float32:
    """Probabilities (B, K, H, W)."""
    image, valid, days = (np.stack([getattr(s, a) for s in samples]) for a in ("image", "valid", "days"))
    return predict(name, predictor, image, valid, days, samples[0].bands)


def _batches(pairs: Iterable[tuple[Entry, Sample]]) -> Iterator[list[tuple[Entry, Sample]]]:
    """Each image by itself, parcels of one pixel many at a time."""
    waiting: list[tuple[Entry, Sample]] = []
    for pair in pairs:
        waiting.append(pair)
        if pair[1].labels.size > 1 or len(waiting) == PARCELS_AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _pool(parts: Sequence[Counts]) -> Counts:
    """Counts and losses of all folds together."""
    losses = [loss for _, loss in parts if loss is not None]
    return np.sum([counts for counts, _ in parts], axis=0), np.sum(losses, axis=0) if losses else None


def majority_counts(confusions: Int64) -> Int64:
    """Counts (n_blocks, K, K) of the constant answer that is right most often."""
    support = confusions.sum(2)
    result = np.zeros_like(confusions)
    result[:, :, support.sum(0).argmax()] = support
    return result


def _majority(pooled: Mapping[str, Counts]) -> dict[str, Counts]:
    return {name: (majority_counts(counts), None) for name, (counts, _) in pooled.items()}


def _describe(counts: Mapping[str, Counts], view: View, options: EvaluationOptions, seed: int) -> dict[str, Any]:
    """Protocol → scores with intervals."""
    return {p: describe_counts(*c, PROTOCOLS[p], view.class_names, options, seed) for p, c in counts.items()}

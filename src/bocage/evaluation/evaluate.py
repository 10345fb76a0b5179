"""Predictors + a data set + one part of its split -> evaluation.json, blocks.npz, panels.npz.

One pass over the samples: each is read once and shown to every model and baseline. Files are written by `write`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bocage.core.arrays import Float64, Int64, UInt8, UInt32
from bocage.core.errors import ConfigError, NothingLeft
from bocage.core.progress import bar
from bocage.core.sample import Sample
from bocage.core.seeds import generator, sub_seed
from bocage.datasets.read import Dataset
from bocage.evaluation.baselines import (
    CentroidPredictor,
    MajorityPredictor,
    TrainingSummary,
    draw_parcel_classes,
    summarise_training,
)
from bocage.evaluation.compare import compare_models
from bocage.evaluation.describe import describe_counts, describe_sizes, describe_zones
from bocage.evaluation.ground import find_new_ground
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.outcome import Outcome
from bocage.evaluation.panels import choose_panels, to_rgb
from bocage.evaluation.predict import check_predictor, predict
from bocage.evaluation.read import Batch, read_batches, read_samples, seen_labels
from bocage.evaluation.read_last_year import LastYear
from bocage.evaluation.write import write_blocks, write_evaluation, write_panels
from bocage.metrics.calibration import describe_calibration
from bocage.metrics.levels import find_level
from bocage.metrics.protocols import Protocol, find_protocol
from bocage.models.predictor import Predictor
from bocage.splits.record import Split

RANDOM_PARCELS, LAST_YEAR = "random_parcel_class", "last_year"


def evaluate(
    predictors: Mapping[str, Predictor],
    dataset: Dataset,
    split: Split,
    options: EvaluationOptions,
    *,
    seed: int,
    folder: Path,
    part: str = "test",
    shift: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Judge every model on one part of a data set, beside the baselines.

    Args:
        predictors: name -> model; the first one's scores are repeated at the top level.
        split: sample_id, part, block_id, and the parcels that are hidden (255) in each part.
        seed: of the bootstrap, the baselines' sample and their draws.
        folder: gets evaluation.json, blocks.npz and, unless `options.panels` is 0, panels.npz.
        shift: what differs between this part and the training data (`read_shift`); kept with the scores.

    Returns:
        The content of evaluation.json.

    Raises:
        NothingLeft: if the part has no sample, or the training part nothing to learn the baselines from.
        MissingBand, ConfigError, DataError: if a model does not fit the data.
    """
    class_names = dataset.info.class_names
    bands = tuple(dataset.info.bands)
    protocols = {name: find_protocol(name) for name in options.protocols}
    levels = {name: find_level(dataset.info.parents, protocol.level) for name, protocol in protocols.items()}
    for name, predictor in predictors.items():
        check_predictor(name, predictor, bands, class_names)
    rows = split.table[split.table["part"] == part]
    if rows.empty:
        raise NothingLeft(
            f"The split has no sample in part '{part}'. Its parts: {', '.join(set(split.table['part']))}."
        )
    summary = summarise_training(_training_samples(dataset, split, options, seed), len(class_names))
    baselines: dict[str, Predictor] = {
        "majority": MajorityPredictor(summary, bands, class_names),
        "spectral_centroid": CentroidPredictor(summary, bands, class_names),
    }
    if taken := set(predictors) & {*baselines, RANDOM_PARCELS, LAST_YEAR}:
        raise ConfigError(f"A model is called '{taken.pop()}', which is the name of a baseline. Give it another name.")
    sample_ids = rows["sample_id"].tolist()
    last_year = LastYear(dataset, sample_ids, otherwise=int(summary.px_by_class.argmax()))
    blocks, block_of_sample = np.unique(rows["block_id"].to_numpy().astype(str), return_inverse=True)
    outcomes, px_by_class, n_unseen_px = _judge(
        {**predictors, **baselines},
        _answers(summary, last_year, seed),
        dataset,
        sample_ids,
        block_of_sample,
        _hidden(split, part),
        options,
    )
    counts = {
        name: {p: (levels[p].merge(c), losses) for p, (c, losses) in _count(outcome, protocols).items()}
        for name, outcome in outcomes.items()
    }
    px_ha = dataset.info.resolution_m**2 / 10_000
    records: dict[str, dict[str, Any]] = {
        name: {
            "protocols": {
                p: describe_counts(*c, protocols[p], levels[p].names, options, seed) for p, c in by_protocol.items()
            },
            "calibration": describe_calibration(outcomes[name].calibration),
            "zones": describe_zones(outcomes[name], options, seed=seed),
            "parcel_sizes": describe_sizes(outcomes[name], options, px_ha=px_ha, seed=seed),
        }
        for name, by_protocol in counts.items()
    }
    for name, protocol in protocols.items():
        if protocol.unit == "parcel_area":
            for record in records.values():
                record["protocols"][name]["area_ha"] = record["protocols"][name]["n_pixels"] * px_ha
    if LAST_YEAR in records:
        records[LAST_YEAR]["known_fraction"] = last_year.known_fraction
    first = options.protocols[0]
    result = {
        "part": part,
        "classes": list(class_names),
        "n_samples": len(sample_ids),
        "n_unseen_px": n_unseen_px,
        "shift": None if shift is None else list(shift),
        "protocols": records[next(iter(predictors))]["protocols"] if predictors else {},
        "models": {name: records[name] for name in predictors},
        "baselines": {name: record for name, record in records.items() if name not in predictors},
        "compare": compare_models(
            {name: counts[name][first][0] for name in predictors}, protocols[first], options, seed=seed
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_blocks(folder, blocks.tolist(), {name: {p: c for p, (c, _) in by.items()} for name, by in counts.items()})
    _keep_panels(predictors, dataset, sample_ids, px_by_class, _hidden(split, part), options.panels, folder)
    write_evaluation(folder, result)
    return result


def _count(outcome: Outcome, protocols: Mapping[str, Protocol]) -> dict[str, tuple[Int64, Float64 | None]]:
    return {name: outcome.counts(protocol) for name, protocol in protocols.items()}


def _answers(summary: TrainingSummary, last_year: LastYear, seed: int) -> dict[str, Callable[[Batch], UInt8]]:
    """The baselines that give no probabilities; last year's only where it is known."""
    draw_seed = sub_seed(seed, "evaluation", RANDOM_PARCELS)

    def draw(batch: Batch) -> UInt8:
        return draw_parcel_classes(batch.parcel_ids, summary.parcels_by_class, draw_seed)

    found: dict[str, Callable[[Batch], UInt8]] = {RANDOM_PARCELS: draw}
    return found | ({LAST_YEAR: last_year.answer} if last_year.is_known else {})


def _hidden(split: Split, part: str) -> UInt32:
    """Numbers of the parcels that are 255 in this part."""
    return np.asarray(split.hidden.get(part, ()), dtype=np.uint32)


def _training_samples(
    dataset: Dataset, split: Split, options: EvaluationOptions, seed: int
) -> Iterator[tuple[Sample, UInt8]]:
    """The training samples that the baselines learn from, drawn at random, in the split's order."""
    sample_ids = split.table.loc[split.table["part"] == "train", "sample_id"].tolist()
    order = generator(seed, "evaluation", "baselines").permutation(len(sample_ids))
    chosen = np.sort(order[: options.baseline_samples])
    return read_samples(dataset, [sample_ids[i] for i in chosen], _hidden(split, "train"))


def _judge(
    predictors: Mapping[str, Predictor],
    answers: Mapping[str, Callable[[Batch], UInt8]],
    dataset: Dataset,
    sample_ids: Sequence[str],
    block_of_sample: Int64,
    hidden: UInt32,
    options: EvaluationOptions,
) -> tuple[dict[str, Outcome], Int64, int]:
    """Predict every sample once with every model.

    Returns:
        The outcomes, those of `answers` last; scored pixels (n_samples, K) by class; the number of unseen pixels.
    """
    n_blocks, n_classes = int(block_of_sample.max()) + 1, len(dataset.info.class_names)
    outcomes = {name: Outcome(n_blocks, n_classes) for name in predictors}
    outcomes |= {name: Outcome(n_blocks, n_classes, has_loss=False) for name in answers}
    grounds = find_new_ground(dataset.manifest.set_index("sample_id", drop=False).loc[list(sample_ids)])
    px_by_class: list[Int64] = []
    n_unseen_px = 0
    with bar("Evaluating", len(sample_ids), unit="samples") as progress:
        for batch in read_batches(dataset, sample_ids, hidden, options.batch_size):
            start = len(px_by_class)
            blocks = block_of_sample[start : start + len(batch.sample_ids)].tolist()
            new = np.stack([next(grounds) for _ in blocks])
            for name, predictor in predictors.items():
                proba = predict(name, predictor, batch.image, batch.valid, batch.days, batch.bands)
                classes = proba.argmax(1).astype(np.uint8)
                outcomes[name].add(blocks, batch.labels, batch.parcel_ids, classes, proba, new_ground=new)
            for name, answer in answers.items():
                outcomes[name].add(blocks, batch.labels, batch.parcel_ids, answer(batch), new_ground=new)
            px_by_class.extend(np.bincount(labels.ravel(), minlength=256)[:n_classes] for labels in batch.labels)
            n_unseen_px += batch.n_unseen_px
            progress.advance(len(blocks))
    return outcomes, np.stack(px_by_class), n_unseen_px


def _keep_panels(
    predictors: Mapping[str, Predictor],
    dataset: Dataset,
    sample_ids: Sequence[str],
    px_by_class: Int64,
    hidden: UInt32,
    n_panels: int,
    folder: Path,
) -> None:
    """Write the samples that show most classes as pictures; nothing if there are none."""
    manifest = dataset.manifest.set_index("sample_id").loc[list(sample_ids)]
    grounds = list(zip(manifest["cube"], manifest["row"], manifest["col"], strict=True))
    chosen = [sample_ids[i] for i in choose_panels(px_by_class, grounds, n_panels)]
    if not chosen:
        return
    pairs = list(read_samples(dataset, chosen, hidden))
    predictions: dict[str, UInt8] = {}
    for name, predictor in predictors.items():
        shown = [predict(name, predictor, s.image[None], s.valid[None], s.days[None], s.bands) for s, _ in pairs]
        predictions[name] = np.concatenate(shown).argmax(1).astype(np.uint8)
    rgb, labels = np.stack([to_rgb(s) for s, _ in pairs]), np.stack([seen_labels(s, labels) for s, labels in pairs])
    write_panels(folder, chosen, rgb, labels, predictions)

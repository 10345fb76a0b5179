"""Predictors + a data set + the test part of its split -> counts of their predictions, and pictures. Reads samples.

One pass: each sample is read once and shown to every model and baseline. Nothing is predicted again afterwards: every
protocol, interval and comparison is made of these counts (`evaluate`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bocage.core.arrays import Int64, UInt8, UInt32
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
from bocage.evaluation.evaluate import find_levels
from bocage.evaluation.ground import find_new_ground
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.outcome import Outcome
from bocage.evaluation.panels import choose_panels, to_rgb
from bocage.evaluation.predict import check_predictor, predict
from bocage.evaluation.predictions import LAST_YEAR, Predictions
from bocage.evaluation.read import Batch, read_batches, read_samples, seen_labels
from bocage.evaluation.read_last_year import LastYear
from bocage.evaluation.store import write_predictions
from bocage.evaluation.write import write_panels
from bocage.models.predictor import Predictor
from bocage.splits.record import Split

PART = "test"
MAJORITY, CENTROID = "majority", "spectral_centroid"
RANDOM_PARCELS = "random_parcel_class"


def judge(
    predictors: Mapping[str, Predictor],
    dataset: Dataset,
    split: Split,
    options: EvaluationOptions,
    *,
    seed: int,
    folder: Path,
    shift: Sequence[Mapping[str, Any]] | None = None,
) -> Predictions:
    """Predict the test part of a data set with every model and baseline.

    Args:
        predictors: name -> model.
        split: sample_id, part, block_id, and the parcels that are hidden (255) in each part.
        options: only those of `WHAT_IS_PREDICTED` matter, and that the classes have the levels that are asked for.
        seed: of the baselines' sample and their draws.
        folder: gets the files of `write_predictions` and, unless `options.panels` is 0, panels.npz.
        shift: what differs between this part and the training data (`read_shift`).

    Raises:
        NothingLeft: if the test part has no sample, or the training part nothing to learn the baselines from.
        MissingBand, ConfigError, DataError: if a model does not fit the data.
        ConfigError: if the hierarchy lacks a level.
    """
    find_levels(options, dataset.info.parents)
    info = dataset.info
    class_names, bands = info.class_names, tuple(info.bands)
    for name, predictor in predictors.items():
        check_predictor(name, predictor, bands, class_names)
    rows = split.table[split.table["part"] == PART]
    if rows.empty:
        parts = ", ".join(sorted(set(split.table["part"]))) or "none"
        raise NothingLeft(f"The split has no sample in part '{PART}', only in {parts}. Make a split with a test part.")
    summary, baselines = learn_baselines(dataset, split, options, seed)
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
        _hidden(split, PART),
        options,
    )
    folder.mkdir(parents=True, exist_ok=True)
    _keep_panels(predictors, dataset, sample_ids, px_by_class, _hidden(split, PART), options.panels, folder)
    found = Predictions(
        part=PART,
        parents=dict(info.parents),
        px_ha=info.resolution_m**2 / 10_000,
        models=tuple(predictors),
        blocks=tuple(blocks.tolist()),
        n_samples=len(sample_ids),
        n_unseen_px=n_unseen_px,
        known_fraction=last_year.known_fraction if LAST_YEAR in outcomes else None,
        shift=None if shift is None else tuple(shift),
        outcomes=outcomes,
    )
    write_predictions(folder, found)
    return found


def learn_baselines(
    dataset: Dataset, split: Split, options: EvaluationOptions, seed: int
) -> tuple[TrainingSummary, dict[str, Predictor]]:
    """What the training part says, and the baselines that follow from it alone.

    Raises:
        NothingLeft: if the training part has no labelled pixel.
    """
    class_names, bands = dataset.info.class_names, tuple(dataset.info.bands)
    samples = _training_samples(dataset, split, options, seed)
    summary = summarise_training(samples, len(class_names), n_dates=dataset.info.n_dates)
    return summary, {
        MAJORITY: MajorityPredictor(summary, bands, class_names),
        CENTROID: CentroidPredictor(summary, bands, class_names),
    }


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

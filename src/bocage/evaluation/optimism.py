"""Data set + split -> how much a random split of the same samples would flatter a quick model. Reads samples.

The same small forest is trained twice, on the given split and on one that deals the same samples to parts of the same
sizes at random; each is judged on its own test part. Roberts et al. 2017, Ecography 40, call what a random split adds
optimism.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bocage.core.arrays import Int64
from bocage.core.errors import DataError
from bocage.core.seeds import generator, sub_seed
from bocage.datasets.read import Dataset
from bocage.evaluation.predict import predict
from bocage.evaluation.read import read_batches
from bocage.metrics.confusion import confusion
from bocage.metrics.intervals import block_bootstrap, unpaired_bootstrap
from bocage.metrics.scores import score_arrays
from bocage.models.options import ModelOptions
from bocage.models.trees.predictor import ForestPredictor
from bocage.models.zoo import MODELS, ForestKind
from bocage.splits.record import PARTS, Split
from bocage.training.fit_trees import fit_trees
from bocage.training.options import TrainingOptions
from bocage.training.parts import part_of

SCORES = ("pixel_accuracy", "miou_present")
QUICK = {"name": "quick", "kind": "random_forest", "options": {"n_trees": 50, "min_samples_leaf": 5}}
PIXELS_PER_CLASS, BATCH_SIZE = 5_000, 8


def measure_optimism(dataset: Dataset, split: Split, *, seed: int, threads: int | None = None) -> dict[str, Any]:
    """Train and judge twice.

    Args:
        split: must have samples in train and test.
        seed: of the random parts, the sampled pixels, the forests and the intervals.
        threads: CPU threads for the forest; as many as there are by default.

    Returns:
        given, random: score -> value, low, high; flattery: score -> random − given (difference, low, high; the ends
        are None, with a reason, under ten blocks); model, n_train, n_test. All confusions leave 255 out.

    Raises:
        NothingLeft: if train or test has no sample, or train no labelled pixel.
        DataError: if the samples differ in their number of dates.
    """
    if dataset.info.n_dates is None:
        raise DataError(
            "The samples differ in their number of dates, but a forest takes one fixed number, so optimism cannot be "
            "measured. Leave --optimism out, or build composites (cubes.composite)."
        )
    rng = generator(seed, "optimism")
    counts = {
        "given": _judge(dataset, split, seed=seed, threads=threads),
        "random": _judge(dataset, at_random(split, rng), seed=seed, threads=threads),
    }
    return {
        **{name: _describe(matrices, rng) for name, matrices in counts.items()},
        "flattery": {s: unpaired_bootstrap(counts["random"], counts["given"], s, rng=rng) for s in SCORES},
        "model": QUICK,
        "n_train": len(split.sample_ids("train")),
        "n_test": len(split.sample_ids("test")),
    }


def at_random(split: Split, rng: np.random.Generator) -> Split:
    """The same samples, dealt one by one to parts of the same sizes; nothing is hidden."""
    table = split.table.assign(part=rng.permutation(split.table["part"].to_numpy()))
    return replace(split, table=table, hidden={part: np.empty(0, np.uint32) for part in PARTS})


def _judge(dataset: Dataset, split: Split, *, seed: int, threads: int | None) -> Int64:
    """(block, K, K) confusions of a quick forest on the test part."""
    model, names = ModelOptions.model_validate(QUICK), dataset.info.class_names
    kind = MODELS[model.kind]
    assert isinstance(kind, ForestKind)
    options = TrainingOptions(pixels_per_class=PIXELS_PER_CLASS, threads=threads)
    train, test = part_of(split, "train"), part_of(split, "test")
    forest, _ = fit_trees(dataset, train, kind, model, options, relabel=None, seed=sub_seed(seed, "optimism"))
    bands = tuple(dataset.info.bands)
    features = kind.features(model.options, bands)
    predictor = ForestPredictor(forest, features, class_names=tuple(names), n_dates=dataset.info.n_dates)

    block_of = split.table.set_index("sample_id")["block_id"]
    counts: dict[str, Int64] = {}
    for batch in read_batches(dataset, test.sample_ids, test.hidden, BATCH_SIZE):
        predicted = predict(model.name, predictor, batch.image, batch.valid, batch.days, bands).argmax(1)
        for sample, labels, classes in zip(batch.sample_ids, batch.labels, predicted.astype(np.uint8), strict=True):
            block, added = str(block_of[sample]), confusion(labels, classes, len(names))
            counts[block] = counts.get(block, np.zeros_like(added)) + added
    return np.stack(list(counts.values()))


def _describe(matrices: Int64, rng: np.random.Generator) -> dict[str, dict[str, float | None]]:
    values, intervals = score_arrays(matrices.sum(0)), block_bootstrap(matrices, rng=rng) or {}
    ends = {s: intervals.get(s, {"low": None, "high": None}) for s in SCORES}
    return {s: {"value": float(values[s]), "low": ends[s]["low"], "high": ends[s]["high"]} for s in SCORES}

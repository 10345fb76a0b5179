"""Foreign samples + what a checkpoint says of its training data → findings. Reads the samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bocage.benchmarks.benchmark import Collection
from bocage.core.errors import CorruptFile
from bocage.core.seeds import generator
from bocage.datasets.read import Dataset
from bocage.metrics.shift import Summary, find_shifts, summarise
from bocage.models.checkpoint import ModelRecord
from bocage.splits.record import Split
from bocage.training.seen import MAX_SAMPLES, summarise_samples


def compare_with_training(
    dataset: Dataset, record: ModelRecord, *, seed: int, sample_ids: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """What differs between a data set, or some samples of it, and what a model was trained on; see `find_shifts`.

    Labels are compared only where the data set has the classes of the model.

    Raises:
        CorruptFile: if the checkpoint keeps no summary of its training data.
        MissingBand: if the data set lacks a band of the model.
        NothingLeft: if no pixel of the data set is valid.
    """
    training = _training_summary(record)
    found = summarise_samples(dataset, dataset.sample_ids if sample_ids is None else sample_ids, seed=seed)
    same_classes = tuple(dataset.info.class_names) == tuple(record.class_names)
    shifts = find_shifts(found, training, record.class_names if same_classes else None)
    levels = (dataset.info.level, str(record.preprocessing.get("level", dataset.info.level)))
    if levels[0] == levels[1]:
        return shifts
    message = f"The data are level {levels[0]}, the training data level {levels[1]}."
    return [{"kind": "level", "cause": message, "size": 1, "message": message}, *shifts]


def compare_benchmark(collection: Collection, record: ModelRecord, *, seed: int) -> list[dict[str, Any]]:
    """What differs between a view of a benchmark and what a model was trained on; errors as `compare_with_training`.

    At most 500 samples are looked at, drawn at random. Nothing of it reaches a model.
    """
    training = _training_summary(record)
    rng = generator(seed, "evaluation", "shift")
    chosen = sorted(rng.permutation(len(collection.entries))[:MAX_SAMPLES].tolist())
    names = collection.view.class_names
    found = summarise((collection.read(collection.entries[i]) for i in chosen), len(names), rng)
    return find_shifts(found, training, names if tuple(names) == tuple(record.class_names) else None)


def compare_part(dataset: Dataset, split: Split, record: ModelRecord, *, seed: int) -> list[dict[str, Any]] | None:
    """What differs between the test part and what a model was trained on.

    None if there is no test part, or the checkpoint does not say what it was trained on.
    """
    test = split.sample_ids("test")
    known = bool(test) and "seen" in record.training
    return compare_with_training(dataset, record, seed=seed, sample_ids=test) if known else None


def _training_summary(record: ModelRecord) -> Summary:
    if "seen" not in record.training:
        raise CorruptFile(f"The checkpoint of '{record.name}' does not say what it was trained on. Train it again.")
    return Summary.from_json(record.training["seen"])

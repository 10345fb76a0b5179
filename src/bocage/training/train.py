"""Data set + split + one model's options -> its checkpoint folder. Reads samples, writes the folder."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
from xgboost import Booster

from bocage.core.artifacts import write_json
from bocage.core.digest import digest_value
from bocage.core.errors import CorruptFile, DataError, MissingFile
from bocage.core.seeds import generator, sub_seed
from bocage.datasets.read import Dataset, open_dataset
from bocage.models.checkpoint import (
    BOOSTER_FILE,
    FOREST_FILE,
    RECORD,
    ModelRecord,
    read_record,
    save_booster,
    save_forest,
    write_record,
)
from bocage.models.networks.initialize import count_parameters
from bocage.models.options import ModelOptions, NetworkOptions
from bocage.models.wrap import BandStatistics
from bocage.models.zoo import MODELS, TREE_KINDS, BoosterKind, ForestKind, NetworkKind
from bocage.splits.record import Split
from bocage.training.class_weights import class_weights
from bocage.training.control import permute_parcel_classes
from bocage.training.crew import is_in_crew, run_together
from bocage.training.fit_trees import fit_trees
from bocage.training.hierarchy import class_tree
from bocage.training.history import Epoch, best_epoch, best_miou_epoch, to_json
from bocage.training.loop import OnEpoch, Task, count_band_statistics, train_network
from bocage.training.options import TrainingOptions
from bocage.training.parts import check_learnable, count_pixels, parcels_of, part_of
from bocage.training.seen import summarise_samples
from bocage.training.state_store import STATE_FILE

HISTORY = "history.json"


def train_model(
    dataset: Dataset,
    split: Split,
    model: ModelOptions,
    options: TrainingOptions,
    *,
    seed: int,
    folder: Path,
    on_epoch: OnEpoch | None = None,
) -> dict[str, Any]:
    """Train one model on the `train` part (a network is chosen on the `val` part) and write its checkpoint.

    `folder` may hold the same training half done: it goes on there; a finished one is not done again.

    Args:
        dataset: an open data set.
        split: parts and hidden parcels.
        model: name, kind and options.
        options: of training.
        seed: of everything random.
        folder: the checkpoint folder, made if need be; it ends up with `model.json`, weights and `history.json`.
        on_epoch: called after each epoch of a network.

    Returns:
        What `model.json` says under "training": seconds, and for networks the epochs and the best one's scores.

    Raises:
        NothingLeft: if a part that is needed has no sample, or no labelled pixel of a class that is learnt.
        DataError: if the samples differ in their number of dates, or are fewer than the processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob(".*.tmp"):
        left_over.unlink(missing_ok=True)
    fingerprint = _fingerprint(dataset, split, model, options, seed)
    if (done := _finished(folder, fingerprint)) is not None:
        return done
    kind = MODELS[model.kind]
    n_dates = dataset.info.n_dates
    if kind.dates != "variable" and n_dates is None:
        raise DataError(
            f"The samples differ in their number of dates, but '{model.kind}' takes one fixed number. "
            "Set patches.dates: single, or take a model of variable dates ('bocage models list')."
        )
    if options.processes > 1 and isinstance(kind, NetworkKind) and not is_in_crew():
        run_together(options.processes, _train_in_crew, dataset.folder, split, model, options, seed, folder)
        return dict(read_record(folder).training)
    relabel = _control(dataset, split, seed) if options.permute_parcel_classes else None
    start = time.perf_counter()
    if isinstance(kind, TREE_KINDS):
        result = _fit(dataset, split, kind, model, options, relabel=relabel, seed=seed, folder=folder)
    else:
        result = _train(
            dataset,
            split,
            kind,
            model,
            options,
            n_dates=n_dates or 1,
            relabel=relabel,
            seed=seed,
            folder=folder,
            fingerprint=fingerprint,
            on_epoch=on_epoch,
        )
    history, n_parameters, statistics, training = result
    if int(os.environ.get("RANK", "0")) and is_in_crew():
        return training  # the first process writes
    training |= {
        "seed": seed,
        "seconds": round(time.perf_counter() - start, 3),
        "options": options.deciding(trees=isinstance(kind, TREE_KINDS)),
        "dataset_digest": dataset.info.digest,
        "fingerprint": fingerprint,
        "seen": summarise_samples(dataset, split.sample_ids("train"), seed=seed).to_json(),
    }
    write_json(folder / HISTORY, to_json(history))
    info = dataset.info
    record = ModelRecord(
        name=model.name,
        kind=model.kind,
        options=model.options.model_dump(mode="json"),
        classes=tuple(c.to_json() for c in info.classes),
        bands=info.bands,
        n_dates=None if kind.dates == "variable" else n_dates,
        preprocessing=info.preprocessing,
        statistics=statistics,
        n_parameters=n_parameters,
        training=training,
    )
    write_record(folder, record)
    (folder / STATE_FILE).unlink(missing_ok=True)
    return training


def _train_in_crew(
    data: Path, split: Split, model: ModelOptions, options: TrainingOptions, seed: int, folder: Path
) -> None:
    train_model(open_dataset(data), split, model, options, seed=seed, folder=folder)


Result = tuple[list[Epoch], int | None, BandStatistics | None, dict[str, Any]]


def _train(
    dataset: Dataset,
    split: Split,
    kind: NetworkKind,
    model: ModelOptions,
    options: TrainingOptions,
    *,
    n_dates: int,
    relabel: Mapping[int, int] | None,
    seed: int,
    folder: Path,
    fingerprint: str,
    on_epoch: OnEpoch | None,
) -> Result:
    train, val = part_of(split, "train"), part_of(split, "val")
    info, parcels = dataset.info, dataset.parcels()
    n_pixels, n_val = (
        count_pixels(dataset.manifest, parcels, part, len(info.classes), relabel) for part in (train, val)
    )
    for part, counts in ((train, n_pixels), (val, n_val)):
        check_learnable(part, counts, crops_only=options.loss == "parcel_nll", processes=options.processes)
    wants_statistics = isinstance(model.options, NetworkOptions) and model.options.standardize == "train"
    task = Task(
        dataset=dataset,
        train=train,
        val=val,
        relabel=relabel,
        class_weights=class_weights(options.class_weights, info.class_names, n_pixels),
        tree=class_tree(options.hierarchy, info.class_names) if options.hierarchy else None,
        statistics=count_band_statistics(dataset, train) if wants_statistics else None,
    )
    network, history = train_network(
        task,
        kind,
        model,
        options,
        n_dates=n_dates,
        seed=sub_seed(seed, "training"),
        folder=folder,
        fingerprint=fingerprint,
        on_epoch=on_epoch,
    )
    best = history[best_epoch(history) - 1]
    training = {
        "n_train": len(train.sample_ids),
        "n_val": len(val.sample_ids),
        "class_weights": dict(zip(info.class_names, map(float, task.class_weights), strict=True)),
        "epochs": len(history),
        "best_epoch": best.epoch,
        "best_miou_epoch": best_miou_epoch(history),
        "val_loss": best.val_loss,
        "val_miou": best.val_miou,
        "val_foreground_miou": best.val_foreground_miou,
    }
    return history, count_parameters(network), task.statistics, training


def _fit(
    dataset: Dataset,
    split: Split,
    kind: ForestKind | BoosterKind,
    model: ModelOptions,
    options: TrainingOptions,
    *,
    relabel: Mapping[int, int] | None,
    seed: int,
    folder: Path,
) -> Result:
    train = part_of(split, "train")
    trees, n_pixels = fit_trees(dataset, train, kind, model, options, relabel=relabel, seed=sub_seed(seed, "training"))
    if isinstance(trees, Booster):
        save_booster(trees, folder / BOOSTER_FILE)
    else:
        save_forest(trees, folder / FOREST_FILE)
    return [], None, None, {"n_train": len(train.sample_ids), "n_pixels": n_pixels}


def _control(dataset: Dataset, split: Split, seed: int) -> dict[int, int]:
    """Parcel number -> another parcel's class, among the labelled parcels that train and val show."""
    parcels = dataset.parcels()
    shown = [parcels_of(parcels, part_of(split, name)) for name in ("train", "val")]
    return permute_parcel_classes(pd.concat(shown), generator(seed, "permuted parcel classes"))


def _fingerprint(dataset: Dataset, split: Split, model: ModelOptions, options: TrainingOptions, seed: int) -> str:
    """The same for the same training of the same model on the same samples, whatever the number of threads."""
    return digest_value(
        {
            "model": model,
            "options": options.deciding(trees=isinstance(MODELS[model.kind], TREE_KINDS)) | {"threads": None},
            "seed": seed,
            "dataset": dataset.info.digest,
            "parts": split.table[["sample_id", "part"]].to_numpy(str).tolist(),
            "hidden": {name: sorted(map(int, numbers)) for name, numbers in split.hidden.items()},
        }
    )


def _finished(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """What was returned when this very training was finished here; None if it was not.

    The record of another training goes: it would tell of weights that are about to be replaced.
    """
    if not (folder / RECORD).is_file():
        return None
    with suppress(CorruptFile, MissingFile):
        training = dict(read_record(folder).training)
        if training.get("fingerprint") == fingerprint:
            return training
    (folder / RECORD).unlink(missing_ok=True)
    return None

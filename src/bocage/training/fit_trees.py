"""Data set + part -> fitted trees. Reads samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from xgboost import Booster

from bocage.core.arrays import Float32, UInt8
from bocage.core.errors import NothingLeft
from bocage.core.progress import track
from bocage.core.seeds import generator, sub_seed
from bocage.datasets.read import Dataset
from bocage.datasets.targets import retarget, target_table
from bocage.models.options import ModelOptions
from bocage.models.trees.features import PixelFeatures
from bocage.models.zoo import BoosterKind, ForestKind
from bocage.training.options import TrainingOptions
from bocage.training.parts import Part
from bocage.training.pixels import pick_pixels


def fit_trees(
    dataset: Dataset,
    part: Part,
    kind: ForestKind | BoosterKind,
    model: ModelOptions,
    options: TrainingOptions,
    *,
    relabel: Mapping[int, int] | None,
    seed: int,
) -> tuple[RandomForestClassifier | Booster, dict[str, int]]:
    """Sample pixels class by class, fit the trees.

    Returns:
        The trees, and the number of sampled pixels by class name.

    Raises:
        NothingLeft: if no pixel of the part has a label.
    """
    features, labels = sample_pixels(
        dataset, part, kind.features(model.options, dataset.info.bands), options, relabel=relabel, seed=seed
    )
    if not len(labels):
        raise NothingLeft(f"None of the {len(part.sample_ids)} samples of part '{part.name}' has a labelled pixel.")
    n_classes, fit_seed = len(dataset.info.classes), sub_seed(seed, "forest")
    counts = np.bincount(labels, minlength=n_classes)
    trees: RandomForestClassifier | Booster
    if isinstance(kind, ForestKind):
        trees = kind.build(model.options, fit_seed, options.threads).fit(features, labels)
    else:
        trees = kind.fit(model.options, features, labels, n_classes, fit_seed, options.threads)
    return trees, dict(zip(dataset.info.class_names, map(int, counts), strict=True))


def sample_pixels(
    dataset: Dataset,
    part: Part,
    features: PixelFeatures,
    options: TrainingOptions,
    *,
    relabel: Mapping[int, int] | None,
    seed: int,
) -> tuple[Float32, UInt8]:
    """Class-aware sampling: up to `pixels_per_class` pixels of each class, few from any one patch.

    Patches come in random order and reading stops when every class is full. Only labelled pixels with a valid date are
    taken; features are computed on whole patches.

    Returns:
        Features (N, F) and class ids (N,).
    """
    wanted = np.full(len(dataset.info.classes), options.pixels_per_class, np.int64)
    table = target_table(part.hidden, relabel)
    order = generator(seed, "patches").permutation(len(part.sample_ids))
    rng = generator(seed, "pixels")
    rows: list[Float32] = []
    classes = [np.empty(0, np.uint8)]
    for i in track(order, "Sampling pixels", unit="patches"):
        sample = dataset.read(part.sample_ids[i])
        labels = retarget(sample.labels, sample.parcel_ids, table)
        seen = np.asarray(sample.valid.any(axis=0))
        picked = pick_pixels(labels, seen, np.minimum(wanted, options.max_pixels_per_patch_class), rng)
        if len(picked):
            values = features(sample.image, sample.valid)
            rows.append(values.reshape(len(values), -1)[:, picked].T)
            classes.append(labels.ravel()[picked])
            wanted -= np.bincount(classes[-1], minlength=len(wanted))
        if not wanted.any():
            break
    return np.concatenate(rows) if rows else np.empty((0, 0), np.float32), np.concatenate(classes)

"""The tree of classes, its loss by hand, and what pixels teach that are known to a group only."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bocage.core.errors import ConfigError, UnknownName
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.read import Dataset, open_dataset
from bocage.datasets.write import DatasetWriter
from bocage.training.hierarchy import class_tree
from bocage.training.losses import Levels, loss_sums
from bocage.training.options import TrainingOptions
from bocage.training.train import train_model
from tests.unit.training.test_train_model import (  # noqa: F401
    BANDS,
    QUICK,
    SIDE,
    UNET,
    accuracy,
    dataset,
    field_sample,
    make_dataset,
    split_of,
)

NAMES = ("background", "wheat", "barley", "cereals", "maize")
PARENTS = {"wheat": "cereals", "barley": "cereals", "cereals": "arable", "maize": "arable"}
ONE = torch.ones(5)


def sums_of(p: list[float], label: int, **of: object):
    logits = torch.tensor(p).log().view(1, 5, 1, 1)
    return loss_sums(
        logits, torch.tensor([[[label]]], dtype=torch.uint8), ONE, Levels.of(class_tree(PARENTS, NAMES), "cpu")
    )


def test_each_level_has_its_groups() -> None:
    tree = class_tree(PARENTS, NAMES)
    assert tree.group.tolist() == [[0, 1, 1, 1, 1], [0, 1, 1, 1, 4], [0, 1, 2, 3, 4]]
    assert tree.taught.tolist() == [[True] * 5, [True] * 5, [True, True, True, False, True]]


def test_the_loss_of_a_class_counts_at_three_levels() -> None:
    # wheat: 0.3 itself, 0.6 in cereals, 0.9 in arable
    sums = sums_of([0.1, 0.3, 0.2, 0.1, 0.3], 1)
    assert float(sums.cross_entropy()) == pytest.approx(-(math.log(0.3) + math.log(0.6) + math.log(0.9)) / 3)
    assert sums.reference.tolist() == [0, 1, 0, 0, 0]


def test_a_pixel_known_to_a_group_teaches_down_to_it() -> None:
    sums = sums_of([0.1, 0.3, 0.2, 0.1, 0.3], 3)
    assert float(sums.cross_entropy()) == pytest.approx(-(math.log(0.6) + math.log(0.9)) / 2)
    assert float(sums.reference.sum() + sums.predicted.sum()) == 0  # Dice compares classes only


def test_a_tree_without_groups_is_the_plain_loss() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(2, 5, 4, 4, generator=generator), torch.randint(5, (2, 4, 4), generator=generator)
    labels[0, 0] = 255
    flat = Levels.of(class_tree({}, NAMES), "cpu")
    for ours, plain in zip(
        vars(loss_sums(logits, labels, ONE, flat)).values(), vars(loss_sums(logits, labels, ONE)).values(), strict=True
    ):
        torch.testing.assert_close(ours, plain)


def test_labels_at_a_group_are_learnt_from() -> None:
    """Wheat is bright in the first band, barley in the second, maize in the third; most of both cereals has no name."""
    rng = np.random.default_rng(0)
    truth = rng.choice([1, 2, 4], 300)
    x = np.eye(5)[truth][:, [1, 2, 4]] + rng.normal(0, 0.1, (300, 3))
    labels = np.where((truth != 4) & (rng.random(300) < 0.9), 3, truth)
    weight = torch.zeros(5, 3, requires_grad=True)
    optimizer = torch.optim.Adam([weight], lr=0.1)
    image, target = torch.from_numpy(x.T[None, :, None]).float(), torch.from_numpy(labels[None, None])
    levels = Levels.of(class_tree(PARENTS, NAMES), "cpu")
    for _ in range(100):
        optimizer.zero_grad()
        logits = torch.einsum("kc,bchw->bkhw", weight, image)
        loss_sums(logits, target, ONE, levels).cross_entropy().backward()
        optimizer.step()
    assert float((logits.argmax(1).numpy() == truth).mean()) > 0.97


def test_what_is_no_tree_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"'weat'.*'wheat'"):
        class_tree({"weat": "cereals"}, NAMES)
    with pytest.raises(ConfigError, match="3 levels at most"):
        class_tree({"wheat": "cereals", "cereals": "wheat"}, NAMES)
    with pytest.raises(ValueError, match="cross_entropy_dice"):
        TrainingOptions(hierarchy={"wheat": "cereals"}, loss="parcel_nll")


def test_a_network_trains_on_the_tree(make_dataset: Callable[..., Dataset], dataset: Dataset, tmp_path: Path) -> None:  # noqa: F811
    options = QUICK.model_copy(update={"hierarchy": {"maize": "crop", "wheat": "crop"}, "epochs": 7})
    train_model(dataset, split_of(dataset), UNET, options, seed=5, folder=tmp_path)
    assert accuracy(dataset, tmp_path) > 0.9


def test_labels_at_a_group_that_is_a_class_train_a_network(tmp_path: Path) -> None:
    """Three of four training parcels say "crop" only, which is a class of the data set: what they are is found."""
    names = ("background", "maize", "wheat", "crop")
    classes = tuple(ClassInfo(i, name, "#808080", name.title()) for i, name in enumerate(names))
    writer = DatasetWriter(
        tmp_path / "data", DatasetInfo(classes, BANDS, SIDE, 10.0, "single", "L2A", {"level": "L2A"})
    )
    for i in range(24):
        sample = field_sample(i)
        unnamed = (sample.parcel_ids % 4 != 0) & np.isin(sample.labels, (1, 2)) & (i < 16)  # the training part
        labels = np.where(unnamed, 3, sample.labels).astype(np.uint8)
        writer.add(replace(sample, labels=labels), {"cube": "c", "row": 0, "col": SIDE * i})
    writer.finish()
    data = open_dataset(tmp_path / "data")
    options = QUICK.model_copy(update={"hierarchy": {"maize": "crop", "wheat": "crop"}, "epochs": 7})
    train_model(data, split_of(data), UNET, options, seed=5, folder=tmp_path / "model")
    assert accuracy(data, tmp_path / "model") > 0.9

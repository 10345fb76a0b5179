"""What a part of a split holds, and the control that shuffles crops among its parcels."""

import numpy as np
import pandas as pd
import pytest

from bocage.core.errors import DataError, NothingLeft
from bocage.splits.record import Split
from bocage.training.control import permute_parcel_classes
from bocage.training.parts import Part, check_learnable, count_pixels, parcels_of, part_of

MANIFEST = pd.DataFrame(
    {
        "sample_id": ["a", "b", "c"],
        "n_px_0": [50, 60, 0],
        "n_px_1": [30, 40, 0],
        "n_px_2": [20, 0, 100],
        "n_px_255": [0, 0, 0],
    }
)
PARCELS = pd.DataFrame(
    [("a", 7, 1, 30), ("a", 8, 2, 20), ("b", 7, 1, 25), ("b", 9, 1, 15), ("b", 10, 255, 5), ("c", 11, 2, 100)],
    columns=["sample_id", "number", "class_id", "n_px"],
).astype({"number": "uint32", "class_id": "uint8"})
TRAIN = Part("train", ("a", "b"), np.array([9], np.uint32))


def split(parts: list[str]) -> Split:
    table = pd.DataFrame({"sample_id": ["a", "b", "c"], "part": parts, "block_id": "0", "reason": ""})
    none = np.array([], np.uint32)
    return Split(table, {"train": np.array([9], np.uint32), "val": none, "test": none})


def test_part_of() -> None:
    part = part_of(split(["train", "train", "test"]), "train")
    assert (part.sample_ids, part.hidden.tolist()) == (("a", "b"), [9])


def test_an_empty_part_says_what_there_is() -> None:
    with pytest.raises(NothingLeft, match=r"part 'val' of the split has no sample \(2 train, 1 test\)"):
        part_of(split(["train", "train", "test"]), "val")


def test_pixels_without_the_hidden_parcel() -> None:
    assert count_pixels(MANIFEST, PARCELS, TRAIN, 3).tolist() == [110, 70 - 15, 20]


def test_pixels_after_relabelling() -> None:
    assert count_pixels(MANIFEST, PARCELS, TRAIN, 3, {7: 2, 8: 0}).tolist() == [110 + 20, 0, 55]


def test_parcels_that_a_part_shows_with_a_label() -> None:
    assert parcels_of(PARCELS, TRAIN)["number"].tolist() == [7, 8, 7]


def test_the_control_deals_the_same_classes_out_again() -> None:
    many = pd.DataFrame({"number": range(1, 101), "class_id": [0] * 50 + [1] * 30 + [2] * 20, "n_px": 9})
    before = dict(zip(many["number"], many["class_id"], strict=True))
    after = permute_parcel_classes(many, np.random.default_rng(0))
    assert after.keys() == before.keys()
    assert np.bincount(list(after.values())).tolist() == [50, 30, 20]
    assert 20 < sum(after[n] == before[n] for n in before) < 60  # by chance 0.25 + 0.09 + 0.04 of 100
    assert after == permute_parcel_classes(many, np.random.default_rng(0))


def test_a_parcel_counts_with_most_of_its_pixels() -> None:
    parcels = pd.DataFrame({"number": [1, 1, 1], "class_id": [1, 2, 1], "n_px": [4, 6, 3]})
    assert permute_parcel_classes(parcels, np.random.default_rng(0)) == {1: 1}


def test_a_part_that_says_nothing_is_refused() -> None:
    check_learnable(TRAIN, np.array([0, 1, 0]), crops_only=True, processes=2)
    with pytest.raises(NothingLeft, match="2 samples of part 'train' have no labelled pixel"):
        check_learnable(TRAIN, np.array([0, 0, 0]), crops_only=False, processes=1)
    with pytest.raises(NothingLeft, match="no pixel of a crop"):
        check_learnable(TRAIN, np.array([9, 0, 0]), crops_only=True, processes=1)
    with pytest.raises(DataError, match="'train' has 2 samples for 3 processes"):
        check_learnable(TRAIN, np.array([9, 1, 0]), crops_only=False, processes=3)

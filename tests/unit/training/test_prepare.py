"""What happens to a batch before a step, on a few pixels."""

import numpy as np
import pandas as pd
import pytest
import torch

from bocage.datasets.loader import Batch
from bocage.training.balance import balanced_shares, patch_shares
from bocage.training.prepare import drop_dates, only_parcels, pick_patch_pixels


def batch(n: int = 2, dates: int = 3) -> Batch:
    """Pixel (y, x) of sample b holds 100·b + 10·y + x on every date, plus 1000 a date; one pixel is never valid."""
    b, t, y, x = np.ogrid[:n, :dates, :2, :3]
    image = (1000 * t + 100 * b + 10 * y + x).astype(np.float32)[:, :, None]
    valid = np.ones((n, dates, 2, 3), bool)
    valid[:, :, 0, 0] = False
    labels = np.tile(np.array([[1, 0, 255], [2, 2, 1]], np.uint8), (n, 1, 1))
    parcels = np.tile(np.array([[7, 0, 0], [8, 8, 0]]), (n, 1, 1))
    days = np.tile(np.arange(dates, dtype=np.int32) + 17_700, (n, 1))
    arrays = (torch.from_numpy(a) for a in (np.where(valid[:, :, None], image, 0), valid, labels, parcels, days))
    return Batch(*arrays, sample_ids=tuple(f"s{i}" for i in range(n)))


def test_dropped_dates_are_missing_and_never_all() -> None:
    dropped = drop_dates(batch(200), 0.8, np.random.default_rng(0))
    seen = dropped.valid.flatten(2).any(2)
    assert seen.any(1).all()
    assert 0.65 < float(seen.float().mean()) < 0.78  # 0.2 kept, and 0.8³ of the samples whole
    assert (dropped.image[~seen] == 0).all()
    assert torch.equal(dropped.image[seen], batch(200).image[seen])
    untouched = drop_dates(batch(), 0.0, np.random.default_rng(0))
    assert torch.equal(untouched.valid, batch().valid)


def test_picked_pixels_keep_their_dates_and_labels() -> None:
    picked = pick_patch_pixels(batch(), 4, np.random.default_rng(0))
    assert picked.image.shape == (8, 3, 1, 1, 1)
    assert (picked.labels.shape, picked.valid.shape, picked.days.shape) == ((8, 1, 1), (8, 3, 1, 1), (8, 3))
    label_at = {1: 0, 10: 2, 11: 2, 12: 1}  # the labelled pixels that are valid
    for i in range(8):
        first = int(picked.image[i, 0])
        assert first // 100 == i // 4
        assert picked.image[i].flatten().tolist() == [first, first + 1000, first + 2000]
        assert int(picked.labels[i]) == label_at[first % 100]
    assert {int(v) % 100 for v in picked.image[:4, 0]} == set(label_at)


def test_a_patch_without_labels_gives_ignored_pixels() -> None:
    some = batch()
    some.labels[1] = 255
    picked = pick_patch_pixels(some, 9, np.random.default_rng(0))  # 6 pixels are there
    assert len(picked.labels) == 12
    assert (picked.labels[6:] == 255).all()
    assert (picked.labels[:6] != 255).all()


def test_a_parcel_of_one_pixel_is_not_repeated_hundreds_of_times() -> None:
    one = Batch(
        image=torch.ones(3, 2, 1, 1, 1),
        valid=torch.ones(3, 2, 1, 1, dtype=torch.bool),
        labels=torch.tensor([1, 2, 3], dtype=torch.uint8)[:, None, None],
        parcel_ids=torch.arange(3)[:, None, None],
        days=torch.zeros(3, 2, dtype=torch.int32),
        sample_ids=("a", "b", "c"),
    )
    assert pick_patch_pixels(one, 512, np.random.default_rng(0)).labels.flatten().tolist() == [1, 1, 2, 2, 3, 3]


def test_a_pixel_never_seen_is_ignored_even_where_no_other_has_a_label() -> None:
    some = batch(1)
    some.labels[0] = torch.tensor([[1, 255, 255], [255, 255, 255]])
    assert (pick_patch_pixels(some, 3, np.random.default_rng(0)).labels == 255).all()


def test_only_parcels_with_a_class_are_left() -> None:
    assert only_parcels(batch(1)).labels[0].tolist() == [[1, 255, 255], [2, 2, 255]]


def test_patches_are_drawn_so_that_classes_are_met_alike() -> None:
    # all of class 1 is in the last patch; class 2 is nowhere
    shares = patch_shares(np.array([[10, 0, 0], [10, 0, 0], [0, 5, 0]]))
    assert shares.tolist() == [0.25, 0.25, 0.5]
    assert patch_shares(np.zeros((4, 3), np.int64)).tolist() == [0.25] * 4


def test_patches_are_drawn_so_that_regions_are_met_alike() -> None:
    # one patch in the north of 2020, three in its south (of two tiles), one in the same south a year later
    patches = pd.DataFrame(
        {
            "country": "FR",
            "year": [2020, 2020, 2020, 2020, 2021],
            "cube": ["north-31TCJ", "south-31TCJ", "south-31TCJ", "south-31TDJ", "south-31TCJ"],
            "tile": ["31TCJ", "31TCJ", "31TCJ", "31TDJ", "31TCJ"],
        }
    )
    assert balanced_shares(patches, "region_balanced", 3) == pytest.approx([1 / 3, 1 / 9, 1 / 9, 1 / 9, 1 / 3])

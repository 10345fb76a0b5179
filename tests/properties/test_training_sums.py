"""Sums of the training room do not depend on how the pixels are cut up."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.datasets.manifest import count_parcels, parcel_rows, pixel_columns
from bocage.datasets.record import Record
from bocage.datasets.targets import retarget, target_table
from bocage.training.losses import loss_sums
from bocage.training.parts import Part, count_pixels
from bocage.training.pixels import pick_pixels


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), cut=st.integers(0, 6), dice_weight=st.floats(0, 2))
def test_loss_sums_add_up(seed: int, cut: int, dice_weight: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(6, 4, 3, 3, generator=generator)
    labels = torch.randint(0, 5, (6, 3, 3), generator=generator).to(torch.uint8)
    labels[labels == 4] = 255
    weights = torch.rand(4, generator=generator) + 0.1
    whole = loss_sums(logits, labels, weights).total(dice_weight)
    parts = loss_sums(logits[:cut], labels[:cut], weights) + loss_sums(logits[cut:], labels[cut:], weights)
    assert float(parts.total(dice_weight)) == pytest.approx(float(whole), rel=1e-5, abs=1e-6)
    assert 0 <= float(parts.dice()) <= 1


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_counted_pixels_are_those_that_the_loader_shows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array([0, 1, 2, 255], np.uint8), (2, 5, 5))
    parcel_ids = rng.integers(0, 5, (2, 5, 5)).astype(np.uint32)
    hidden = rng.permutation(np.arange(1, 5))[: rng.integers(3)].astype(np.uint32)
    relabel = {int(n): int(rng.integers(3)) for n in range(1, 5)} if rng.random() < 0.7 else None
    ids = ("a", "b")
    image = np.zeros((1, 1, 5, 5), np.int16)
    parcels = parcel_rows({s: count_parcels(Record(image, labels[i], parcel_ids[i])) for i, s in enumerate(ids)})
    counts = [np.bincount(one.ravel(), minlength=256)[[0, 1, 2, 255]] for one in labels]
    manifest = pd.DataFrame(counts, columns=pixel_columns(3)).assign(sample_id=ids)
    shown = [retarget(labels[i], parcel_ids[i], target_table(hidden, relabel)) for i in range(2)]
    expected = np.bincount(np.concatenate(shown).ravel(), minlength=256)[:3]
    assert count_pixels(manifest, parcels, Part("train", ids, hidden), 3, relabel).tolist() == expected.tolist()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), wanted=st.lists(st.integers(0, 12), min_size=3, max_size=3))
def test_picked_pixels_are_as_many_as_wanted_or_as_there_are(seed: int, wanted: list[int]) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array([0, 1, 2, 255], np.uint8), (6, 5))
    usable = rng.random((6, 5)) < 0.8
    picked = pick_pixels(labels, usable, np.array(wanted), rng)
    assert len(set(picked.tolist())) == len(picked)
    assert usable.ravel()[picked].all()
    available = np.bincount(labels[usable], minlength=256)[:3]
    assert np.bincount(labels.ravel()[picked], minlength=3).tolist() == np.minimum(available, wanted).tolist()

"""Batches: order, augmentation, hidden and permuted parcels."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bocage.core.errors import GridMismatch
from bocage.datasets.read import Dataset, open_dataset
from bocage.datasets.record import Record
from bocage.datasets.targets import retarget, target_table

torch = pytest.importorskip("torch")

from bocage.datasets.loader import Batch, batches, turned  # noqa: E402


@pytest.fixture
def dataset(folder: Path) -> Dataset:
    return open_dataset(folder)


def test_every_sample_comes_once_and_the_last_batch_is_smaller(dataset: Dataset) -> None:
    found = list(batches(dataset, dataset.sample_ids, batch_size=5))
    assert [len(b.sample_ids) for b in found] == [5, 5, 2]
    assert [s for b in found for s in b.sample_ids] == dataset.sample_ids
    batch, sample = found[0], dataset.read(dataset.sample_ids[0])
    assert batch.image.shape == (5, 1, 3, 8, 8)
    assert (batch.image.dtype, batch.valid.dtype, batch.labels.dtype) == (torch.float32, torch.bool, torch.uint8)
    for of_batch, of_sample in (
        (batch.image, sample.image),
        (batch.valid, sample.valid),
        (batch.labels, sample.labels),
        (batch.parcel_ids, sample.parcel_ids),
        (batch.days, sample.days),
    ):
        np.testing.assert_array_equal(of_batch[0].numpy(), of_sample)


def test_the_same_generator_gives_the_same_epoch_and_another_one_another(dataset: Dataset) -> None:
    def epoch(seed: int) -> list[Batch]:
        rng = np.random.default_rng(seed)
        return list(batches(dataset, dataset.sample_ids, batch_size=4, rng=rng, shuffle=True, augment=True))

    a, b, c = epoch(1), epoch(1), epoch(2)
    assert [x.sample_ids for x in a] == [x.sample_ids for x in b] != [x.sample_ids for x in c]
    assert all(torch.equal(x.image, y.image) and torch.equal(x.labels, y.labels) for x, y in zip(a, b, strict=True))
    assert sorted(s for x in c for s in x.sample_ids) == sorted(dataset.sample_ids)
    with pytest.raises(ValueError, match="pass rng"):
        next(batches(dataset, dataset.sample_ids, batch_size=1, shuffle=True))


def test_the_eight_turns_are_those_of_a_square_and_move_everything_alike() -> None:
    labels = np.array([[1, 2], [3, 4]], np.uint8)
    record = Record(labels[None, None].astype(np.int16), labels, labels.astype(np.uint32))
    expected = [
        [[1, 2], [3, 4]],
        [[2, 4], [1, 3]],
        [[4, 3], [2, 1]],
        [[3, 1], [4, 2]],
        [[2, 1], [4, 3]],
        [[4, 2], [3, 1]],
        [[3, 4], [1, 2]],
        [[1, 3], [2, 4]],
    ]
    for k in range(8):
        result = turned(record, k)
        assert result.labels.tolist() == expected[k]
        np.testing.assert_array_equal(result.image[0, 0], result.labels)
        np.testing.assert_array_equal(result.parcel_ids, result.labels)


def test_records_that_are_not_square_keep_their_shape() -> None:
    labels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    record = Record(labels[None, None].astype(np.int16), labels, labels.astype(np.uint32))
    results = [turned(record, k).labels for k in range(8)]
    assert {r.shape for r in results} == {(2, 3)}
    assert len({r.tobytes() for r in results}) == 4


def test_hidden_parcels_are_ignored_and_permuted_ones_get_their_class() -> None:
    labels = np.array([[1, 1, 0, 2, 255, 2]], np.uint8)
    parcel_ids = np.array([[1, 1, 0, 2, 2, 900]], np.uint32)
    hidden = target_table(np.array([2], np.uint32))
    assert retarget(labels, parcel_ids, hidden).tolist() == [[1, 1, 0, 255, 255, 2]]
    permuted = target_table(None, {1: 2, 2: 1})
    assert retarget(labels, parcel_ids, permuted).tolist() == [[2, 2, 0, 1, 255, 2]]
    both = target_table(np.array([1], np.uint32), {1: 2, 2: 1, 900: 0})
    assert retarget(labels, parcel_ids, both).tolist() == [[255, 255, 0, 1, 255, 0]]
    assert retarget(labels, parcel_ids, target_table()).tolist() == labels.tolist()


def test_batches_hide_and_permute(dataset: Dataset) -> None:
    hidden = np.array([2], np.uint32)
    batch = next(batches(dataset, dataset.sample_ids, batch_size=12, hidden_parcels=hidden, relabel={1: 2}))
    inside = batch.labels[batch.parcel_ids == 2]
    assert inside.numel() == 256
    assert (inside == 255).all()
    assert set(batch.labels[batch.parcel_ids == 1].unique().tolist()) == {2, 255}
    assert (batch.labels[batch.parcel_ids == 0] == 0).all()


def test_samples_with_different_numbers_of_dates_cannot_share_a_batch(tmp_path: Path, world: SimpleNamespace) -> None:
    assert world.build(tmp_path, dates=[[0], [0, 1]]).n_dates is None
    dataset = open_dataset(tmp_path)
    with pytest.raises(GridMismatch, match="same number of dates"):
        next(batches(dataset, dataset.sample_ids, batch_size=2))
    assert sum(1 for _ in batches(dataset, dataset.sample_ids, batch_size=1)) == 12


def test_shares_of_a_batch_make_it_up_again(dataset: Dataset) -> None:
    def read(share: tuple[int, int]) -> list[tuple[str, ...]]:
        rng = np.random.default_rng(0)
        given = {"rng": rng, "shuffle": True, "augment": True, "share": share}
        return [b.sample_ids for b in batches(dataset, dataset.sample_ids[:11], batch_size=5, **given)]  # type: ignore[arg-type]

    whole, even, odd = read((0, 1)), read((0, 2)), read((1, 2))
    assert [len(b) for b in whole] == [5, 5, 1]
    assert [(b[::2], b[1::2]) for b in whole[:2]] == list(zip(even, odd, strict=True))  # one sample is none for two

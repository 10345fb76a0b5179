"""Three parcels on ten pixels, seen in two samples."""

import numpy as np

from bocage.metrics.parcels import count_parcels, merge_parcels, parcel_confusions

IDS = np.array([[7, 7, 7, 7, 0], [9, 9, 9, 4, 4]], np.uint32)
LABELS = np.array([[1, 1, 1, 1, 0], [2, 2, 2, 255, 255]], np.uint8)
FIRST = np.array([[1, 2, 2, 2, 0], [2, 2, 0, 1, 1]], np.uint8)
SECOND = np.array([[1, 1, 1, 1, 0], [2, 2, 2, 1, 1]], np.uint8)


def test_pixels_without_a_parcel_or_a_label_are_left_out() -> None:
    counts = count_parcels(LABELS, FIRST, IDS, 3)
    assert counts.ids.tolist() == [7, 9]
    assert counts.reference.tolist() == [[0, 4, 0], [0, 0, 3]]
    assert counts.prediction.tolist() == [[0, 1, 3], [1, 0, 2]]


def test_counts_of_both_samples_are_added_before_the_vote() -> None:
    parts = [count_parcels(LABELS, FIRST, IDS, 3), count_parcels(LABELS, SECOND, IDS, 3)]
    assert merge_parcels(parts, 3).prediction.tolist() == [[0, 5, 3], [1, 0, 5]]
    votes = parcel_confusions(parts, [0, 1], 2, 3)
    assert votes.sum(0).tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 1]]  # the first sample alone would call 7 class 2
    assert votes.sum((1, 2)).tolist() == [2, 0]  # a tie of pixels: the first block


def test_a_parcel_weighs_its_pixels_by_area() -> None:
    parts = [count_parcels(LABELS, FIRST, IDS, 3)]
    assert parcel_confusions(parts, [0], 1, 3, by_area=True)[0].tolist() == [[0, 0, 0], [0, 0, 4], [0, 0, 3]]


def test_ground_that_two_samples_show_counts_once() -> None:
    again = np.zeros(IDS.shape, bool)
    again[0, 0] = True  # of the second sample, one pixel only is new ground
    parts = [count_parcels(LABELS, FIRST, IDS, 3), count_parcels(LABELS, SECOND, IDS, 3, None, again)]
    assert merge_parcels(parts, 3).ground_px.tolist() == [5, 3]
    assert parcel_confusions(parts, [0, 0], 1, 3, by_area=True)[0].tolist() == [[0, 0, 0], [0, 5, 0], [0, 0, 3]]
    large = parcel_confusions(parts, [0, 0], 1, 3, ground_px=(4, np.inf))
    assert large[0].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_sure_pixels_outvote_the_many_by_mean_probability() -> None:
    sure = np.float32([0.0, 0.9, 0.1])[:, None, None] * (FIRST == 1)  # the one pixel of parcel 7 that is right
    unsure = np.float32([0.0, 0.45, 0.55])[:, None, None] * (FIRST != 1)
    parts = [count_parcels(LABELS, FIRST, IDS, 3, (sure + unsure).astype(np.float32))]
    assert parcel_confusions(parts, [0], 1, 3)[0, 1].tolist() == [0, 0, 1]
    assert parcel_confusions(parts, [0], 1, 3, by_probability=True)[0, 1].tolist() == [0, 1, 0]
    without = [count_parcels(LABELS, FIRST, IDS, 3)]  # no probabilities: both votes are one
    by_pixels, by_mean = (parcel_confusions(without, [0], 1, 3, by_probability=b) for b in (False, True))
    assert (by_pixels == by_mean).all()


def test_no_parcel_at_all() -> None:
    parts = [count_parcels(LABELS, FIRST, np.zeros_like(IDS), 3)]
    assert parcel_confusions(parts, [0], 1, 3).sum() == 0


def test_a_parcel_lies_in_the_block_of_most_of_its_pixels() -> None:
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 30, (40, 20)).astype(np.uint32)
    labels = rng.integers(0, 3, ids.shape).astype(np.uint8)
    blocks = rng.integers(0, 6, len(ids)).tolist()
    parts = [count_parcels(labels[i], labels[i], ids[i], 3) for i in range(len(ids))]
    px = np.zeros((30, 6), int)
    np.add.at(px, (ids, np.array(blocks)[:, None]), 1)
    votes = parcel_confusions(parts, blocks, 6, 3)
    expected = np.bincount(px[1:].argmax(1)[px[1:].any(1)], minlength=6)
    assert votes.sum((1, 2)).tolist() == expected.tolist()

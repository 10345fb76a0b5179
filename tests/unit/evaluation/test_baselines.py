"""Baselines learn counts and means, by hand on a few pixels."""

from dataclasses import replace

import numpy as np
import pytest

from bocage.core.errors import DataError, NothingLeft
from bocage.core.sample import Origin, Sample
from bocage.evaluation.baselines import (
    CentroidPredictor,
    MajorityPredictor,
    draw_parcel_classes,
    parcel_uniforms,
    summarise_training,
)


def sample(values: list[float], labels: list[int], parcels: list[int], valid: list[bool]) -> Sample:
    """One row of pixels, one band, one date."""
    return Sample(
        np.array(values, np.float32).reshape(1, 1, 1, -1),
        np.array(valid).reshape(1, 1, -1),
        np.array([labels], np.uint8),
        np.array([parcels], np.uint32),
        np.zeros(1, np.int32),
        ("B08",),
        Origin("s", "", 0, "", (), None),
    )


ROW = sample([0.1, 0.3, 0.6, 0.8, 0.0], [1, 1, 2, 2, 2], [5, 5, 6, 7, 7], [True, True, True, True, False])


def test_means_counts_and_votes_of_the_training_part() -> None:
    summary = summarise_training([(ROW, ROW.labels)], 3, n_dates=1)
    assert summary.px_by_class.tolist() == [0, 2, 3]
    assert summary.parcels_by_class.tolist() == [0, 1, 2]
    assert summary.mean[1:, 0] == pytest.approx([0.2, 0.7])  # the invalid pixel is no reflectance of 0
    assert summary.std == pytest.approx([0.1])


def test_the_nearest_mean_wins_and_a_class_never_seen_is_never_given() -> None:
    summary = summarise_training([(ROW, ROW.labels)], 3, n_dates=1)
    model = CentroidPredictor(summary, ("B08",), ("background", "a", "b"))
    image = np.array([0.25, 0.44, 0.46, 0.9], np.float32).reshape(1, 1, 1, 1, 4)
    proba = model.predict_proba(image, np.ones((1, 1, 1, 4), bool), np.zeros((1, 1), np.int32))
    assert proba.argmax(1).ravel().tolist() == [1, 1, 2, 2]
    assert proba[:, 0].max() == 0
    # two normal densities, 2.5 and 2.0 standard deviations away
    assert proba[0, 1, 0, 0] == pytest.approx(1 / (1 + np.exp(-(4.5**2 - 0.5**2) / 2)), rel=1e-5)


def test_majority_gives_the_training_shares_everywhere() -> None:
    model = MajorityPredictor(summarise_training([(ROW, ROW.labels)], 3, n_dates=1), ("B08",), ("background", "a", "b"))
    proba = model.predict_proba(np.zeros((2, 1, 1, 1, 3), np.float32), np.ones((2, 1, 1, 3), bool), np.zeros((2, 1)))
    assert proba.shape == (2, 3, 1, 3)
    assert proba[1, :, 0, 2] == pytest.approx([0, 0.4, 0.6])


def test_a_parcel_gets_one_class_wherever_it_shows_and_land_without_parcels_is_background() -> None:
    ids = np.array([0, 1, 2, 3, 2, 0], np.uint32)
    drawn = draw_parcel_classes(ids, np.array([0, 5, 5]), seed=3)
    assert drawn[[0, 5]].tolist() == [0, 0]
    assert drawn[2] == drawn[4]
    assert drawn[1:4].min() >= 1


def test_classes_are_drawn_as_often_as_training_parcels_have_them() -> None:
    ids = np.arange(1, 40_001, dtype=np.uint32)
    drawn = draw_parcel_classes(ids, np.array([1, 7, 2]), seed=11)
    assert np.bincount(drawn) / len(ids) == pytest.approx([0.1, 0.7, 0.2], abs=0.01)
    assert (drawn != draw_parcel_classes(ids, np.array([1, 7, 2]), seed=12)).any()
    assert abs(np.corrcoef(parcel_uniforms(ids, 1), parcel_uniforms(ids, 2))[0, 1]) < 0.02


def test_nothing_to_learn_from_is_an_error() -> None:
    with pytest.raises(NothingLeft):
        summarise_training([(ROW, np.full_like(ROW.labels, 255))], 3, n_dates=1)


def test_series_of_different_lengths_are_known_by_their_mean_over_the_dates_that_show_a_pixel() -> None:
    second = ROW.image + np.float32(0.2)
    clouded = replace(
        ROW,
        image=np.concatenate([ROW.image, np.where(ROW.labels == 1, second, 0)]),
        valid=np.concatenate([ROW.valid, ROW.labels[None] == 1]),
        days=np.array([0, 9], np.int32),
    )
    summary = summarise_training([(ROW, ROW.labels), (clouded, ROW.labels)], 3, n_dates=None)
    assert summary.mean[1:, 0] == pytest.approx([0.25, 0.7])  # 0.1, 0.3 and 0.2, 0.4; 0.6, 0.8 twice
    model = CentroidPredictor(summary, ("B08",), ("background", "a", "b"))
    assert model.n_dates is None
    one = model.predict_proba(ROW.image[None], ROW.valid[None], np.zeros((1, 1), np.int32))
    assert one.argmax(1)[0, 0, :4].tolist() == [1, 1, 2, 2]
    padded = np.concatenate([ROW.image, np.ones_like(ROW.image)]), np.concatenate([ROW.valid, np.zeros_like(ROW.valid)])
    assert np.array_equal(one, model.predict_proba(padded[0][None], padded[1][None], np.zeros((1, 2), np.int32)))
    with pytest.raises(DataError, match="has 2 dates, the data set says 1"):
        summarise_training([(clouded, ROW.labels)], 3, n_dates=1)

"""Calibration on a few pixels, against scikit-learn, and added up."""

import numpy as np
import pytest

from bocage.metrics.calibration import count_calibration, describe_calibration


def test_four_pixels_by_hand() -> None:
    """Confidences 0.9 0.9 0.6 and one that is ignored; right, wrong, right."""
    probabilities = np.array([[[0.9, 0.9, 0.4, 1.0]], [[0.1, 0.1, 0.6, 0.0]]], np.float32)
    labels = np.array([[0, 1, 1, 255]], np.uint8)
    found = describe_calibration(count_calibration(probabilities, labels, n_bins=10))
    assert found is not None
    assert found["ece"] == pytest.approx((abs(1 - 1.8) + abs(1 - 0.6)) / 3)
    assert found["brier"] == pytest.approx((0.02 + 1.62 + 0.32) / 3)
    assert [(b["n"], b["accuracy"]) for b in found["bins"]] == [(1, 1.0), (2, 0.5)]
    nothing = count_calibration(probabilities, np.full((1, 4), 255, np.uint8))
    assert describe_calibration(nothing) is None


def test_brier_and_reliability_agree_with_scikit_learn_and_add_up() -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    wheat = rng.random((30, 40)).astype(np.float32)
    labels = (rng.random((30, 40)) < wheat**2).astype(np.uint8)
    proba = np.stack([1 - wheat, wheat])
    whole = describe_calibration(count_calibration(proba, labels, n_bins=10))
    halves = count_calibration(proba[:, :9], labels[:9], n_bins=10) + count_calibration(
        proba[:, 9:], labels[9:], n_bins=10
    )
    added = describe_calibration(halves)
    assert whole is not None
    assert added is not None
    assert added["ece"] == pytest.approx(whole["ece"])
    assert whole["brier"] == pytest.approx(2 * metrics.brier_score_loss(labels.ravel(), wheat.ravel()), rel=1e-5)
    right = (proba.argmax(0) == labels).ravel()
    accuracy, confidence = calibration.calibration_curve(right.astype(int), proba.max(0).ravel(), n_bins=10)
    assert [b["accuracy"] for b in whole["bins"]] == pytest.approx(accuracy.tolist())
    assert [b["confidence"] for b in whole["bins"]] == pytest.approx(confidence.tolist(), rel=1e-5)

"""Ten pixels, counted and scored by hand."""

import numpy as np
import pytest

from bocage.core.errors import DataError, GridMismatch
from bocage.metrics.confusion import confusion
from bocage.metrics.protocols import PROTOCOLS, protocol_counts, protocol_losses
from bocage.metrics.scores import scores

NAMES = ("background", "wheat", "maize", "oats")
REFERENCE = np.array([[0, 0, 0, 1, 1], [1, 1, 2, 2, 255]], np.uint8)
PREDICTED = np.array([[0, 0, 1, 1, 1], [1, 0, 2, 3, 2]], np.uint8)
COUNTS = [[2, 1, 0, 0], [1, 3, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]


def test_every_pair_is_counted_and_255_never() -> None:
    assert confusion(REFERENCE, PREDICTED, 4).tolist() == COUNTS


def test_a_class_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(DataError, match=r"class ids \[3\] are outside 0..2"):
        confusion(REFERENCE, PREDICTED, 3)
    with pytest.raises(GridMismatch):
        confusion(REFERENCE, PREDICTED[:1], 4)


def test_scores_by_hand() -> None:
    result = scores(np.array(COUNTS), NAMES, loss_sum=4.5)
    assert result["n_pixels"] == 9
    assert result["classes_absent"] == ["oats"]
    assert result["pixel_accuracy"] == pytest.approx(6 / 9)
    assert result["miou"] == pytest.approx((2 / 4 + 3 / 5 + 1 / 2 + 0) / 4)
    assert result["miou_foreground"] == pytest.approx((3 / 5 + 1 / 2 + 0) / 3)
    assert result["miou_present"] == pytest.approx((2 / 4 + 3 / 5 + 1 / 2) / 3)
    assert result["mean_class_accuracy"] == pytest.approx((2 / 3 + 3 / 4 + 1 / 2) / 3)
    assert result["macro_recall"] == pytest.approx((2 / 3 + 3 / 4 + 1 / 2) / 4)
    assert result["weighted_accuracy"] == pytest.approx((3 * 7 / 9 + 4 * 7 / 9 + 2 * 8 / 9) / 9)
    assert result["mean_loss"] == 0.5
    assert result["per_class"]["wheat"] == {
        "iou": 0.6,
        "accuracy": 0.75,
        "precision": 0.75,
        "recall": 0.75,
        "f1": 0.75,
        "support": 4,
    }
    assert result["confusion"] == COUNTS


def test_crop_pixels_leave_the_background_out_but_predicting_it_is_an_error() -> None:
    counts = protocol_counts(np.array(COUNTS), PROTOCOLS["crop_pixels"])
    assert counts.tolist() == [[0, 0, 0, 0], [1, 3, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]
    result = scores(counts, NAMES)
    assert result["classes_absent"] == ["background", "oats"]
    assert result["miou"] == pytest.approx((0 + 3 / 4 + 1 / 2 + 0) / 4)
    assert result["miou_present"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert result["pixel_accuracy"] == pytest.approx(4 / 6)
    assert protocol_losses(np.array([9.0, 1.0, 2.0, 0.0]), PROTOCOLS["crop_pixels"]) == 3.0


def test_present_classes_divide_by_the_classes_that_are_there() -> None:
    result = scores(np.array(COUNTS), NAMES, present_only=PROTOCOLS["present_classes"].present_only)
    assert result["miou"] == result["miou_present"]
    assert result["macro_recall"] == result["mean_class_accuracy"]


def test_nothing_counted_gives_null_scores_and_no_nan() -> None:
    result = scores(np.zeros((4, 4), int), NAMES)
    assert result["n_pixels"] == 0
    assert result["miou"] is None
    assert result["per_class"]["wheat"]["iou"] == 0.0


def test_table_14_of_the_eurocrops_paper_divides_by_all_eleven_classes() -> None:
    """DACIA5, crop pixels: eight IoUs give mIoU .2383 over 11 classes and .3277 over the 8 present ones."""
    iou = np.array([0.5883, 0.4341, 0.5619, 0.0240, 0.3340, 0.2482, 0.0942, 0.3370])
    counts = np.zeros((11, 11))
    for i, share in enumerate(iou, start=1):  # no false positives: IoU = recall; the rest is predicted as background
        counts[i, i], counts[i, 0] = round(share * 1e4), round((1 - share) * 1e4)
    result = scores(counts, [f"c{i}" for i in range(11)])
    assert result["miou"] == pytest.approx(0.2383, abs=5e-5)
    assert result["miou_present"] == pytest.approx(0.3277, abs=5e-5)

"""Scores against scikit-learn, and against the EuroCrops paper's own Table 10."""

import numpy as np
import pytest

from bocage.evaluation.outcome import loss_by_class
from bocage.metrics.confusion import confusion
from bocage.metrics.scores import scores

K = 5
NAMES = [f"c{i}" for i in range(K)]


@pytest.fixture(scope="module")
def pixels() -> tuple[np.ndarray, np.ndarray]:
    """2,000 pixels; class 4 is never in the reference but sometimes predicted."""
    rng = np.random.default_rng(5)
    reference = rng.choice(4, 2000, p=[0.5, 0.3, 0.15, 0.05]).astype(np.uint8)
    predicted = np.where(rng.random(2000) < 0.7, reference, rng.integers(0, K, 2000)).astype(np.uint8)
    return reference, predicted


def test_scores_agree_with_scikit_learn(pixels: tuple[np.ndarray, np.ndarray]) -> None:
    sk = pytest.importorskip("sklearn.metrics")
    reference, predicted = pixels
    matrix = confusion(reference, predicted, K)
    ours = scores(matrix, NAMES)
    every = {"labels": range(K), "zero_division": 0}
    assert matrix.tolist() == sk.confusion_matrix(reference, predicted, labels=range(K)).tolist()
    expected = {
        "pixel_accuracy": sk.accuracy_score(reference, predicted),
        "kappa": sk.cohen_kappa_score(reference, predicted),
        "miou": sk.jaccard_score(reference, predicted, average="macro", **every),
        "miou_present": sk.jaccard_score(reference, predicted, labels=range(4), average="macro"),
        "miou_foreground": sk.jaccard_score(reference, predicted, labels=range(1, K), average="macro", zero_division=0),
        "mean_class_accuracy": sk.recall_score(reference, predicted, labels=range(4), average="macro"),
        "macro_precision": sk.precision_score(reference, predicted, average="macro", **every),
        "macro_recall": sk.recall_score(reference, predicted, average="macro", **every),
        "macro_f1": sk.f1_score(reference, predicted, average="macro", **every),
        "weighted_precision": sk.precision_score(reference, predicted, average="weighted", **every),
        "weighted_f1": sk.f1_score(reference, predicted, average="weighted", **every),
        "weighted_accuracy": np.average(
            [np.mean((reference == c) == (predicted == c)) for c in range(K)],
            weights=[np.mean(reference == c) for c in range(K)],
        ),
    }
    assert {name: ours[name] for name in expected} == pytest.approx(expected)
    weighted_recall = sk.recall_score(reference, predicted, average="weighted", **every)
    assert weighted_recall == pytest.approx(ours["pixel_accuracy"])  # so it has no name of its own
    for name, sums in (("reference", "true"), ("prediction", "pred")):
        normalised = sk.confusion_matrix(reference, predicted, labels=range(K), normalize=sums)
        np.testing.assert_allclose(ours[f"confusion_by_{name}"], normalised)
    judges = {"f1": sk.f1_score, "iou": sk.jaccard_score, "precision": sk.precision_score, "recall": sk.recall_score}
    for name, judge in judges.items():
        by_class = judge(reference, predicted, average=None, **every)
        assert [row[name] for row in ours["per_class"].values()] == pytest.approx(by_class.tolist())
    assert [row["accuracy"] for row in ours["per_class"].values()] == [
        row["recall"] for row in ours["per_class"].values()
    ]


def test_mean_loss_is_the_log_loss_of_scikit_learn(pixels: tuple[np.ndarray, np.ndarray]) -> None:
    sk = pytest.importorskip("sklearn.metrics")
    labels = pixels[0].reshape(40, 50).copy()
    labels[0] = 255
    given = np.random.default_rng(1).dirichlet(np.ones(K), labels.shape).astype(np.float32)
    sums = loss_by_class(np.moveaxis(given, -1, 0), labels)
    scored = labels != 255
    expected = sk.log_loss(labels[scored], given[scored], labels=range(K), normalize=False)
    assert sums.sum() == pytest.approx(expected, rel=1e-5)
    assert sums[4] == 0  # no pixel of that class


# EuroCrops paper, Table 10: IoU, class accuracy, support in pixels; background, maize, rapeseed, wheat, barley, oats,
# sunflower, sugar beet, soybean, potato, pasture.
TABLE_10 = np.array(
    [
        (0.7352, 0.7647, 136_879_857),
        (0.8334, 0.9404, 47_844_217),
        (0.8161, 0.9317, 26_035_062),
        (0.8075, 0.9225, 102_534_883),
        (0.7045, 0.8457, 37_137_182),
        (0.6583, 0.9042, 5_832_341),
        (0.7887, 0.9476, 9_282_741),
        (0.8553, 0.9507, 18_081_916),
        (0.7700, 0.9352, 10_796_959),
        (0.7599, 0.9364, 9_469_228),
        (0.7021, 0.8990, 32_051_086),
    ]
)


def _matrix_of_table_10() -> np.ndarray:
    """A confusion matrix with the table's diagonal, row sums and column sums; the cells between are free."""
    iou, accuracy, support = TABLE_10.T
    right = accuracy * support
    missed, wrongly_given = support - right, right / iou - support
    cells = np.outer(missed, wrongly_given) * (1 - np.eye(11))
    for _ in range(500):  # iterative proportional fitting
        cells *= (missed / cells.sum(1))[:, None]
        cells *= wrongly_given / cells.sum(0)
    return cells + np.diag(right)


def test_table_10_of_the_eurocrops_paper() -> None:
    result = scores(_matrix_of_table_10(), [f"c{i}" for i in range(11)])
    published = {"miou": 0.7665, "miou_foreground": 0.7696, "mean_class_accuracy": 0.9071, "pixel_accuracy": 0.8693}
    assert {name: result[name] for name in published} == pytest.approx(published, abs=1e-4)

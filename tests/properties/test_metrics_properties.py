"""What must hold for any labels and predictions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.metrics.confusion import confusion
from bocage.metrics.scores import class_scores, score_arrays, scores

K = 4
NAMES = [f"c{i}" for i in range(K)]
PERMUTABLE = ("miou", "miou_present", "pixel_accuracy", "kappa", "macro_f1", "weighted_f1", "weighted_accuracy")
labels = arrays(np.uint8, 24, elements=st.sampled_from([0, 1, 2, 3, 255]))
predictions = arrays(np.uint8, 24, elements=st.integers(0, K - 1))
matrices = arrays(np.int64, (K, K), elements=st.integers(0, 1000))


@given(labels, predictions, st.integers(0, 24))
def test_confusion_adds(reference: np.ndarray, predicted: np.ndarray, cut: int) -> None:
    parts = confusion(reference[:cut], predicted[:cut], K) + confusion(reference[cut:], predicted[cut:], K)
    assert (confusion(reference, predicted, K) == parts).all()


@given(labels, predictions, predictions)
def test_255_never_counts(reference: np.ndarray, predicted: np.ndarray, other: np.ndarray) -> None:
    elsewhere = np.where(reference == 255, other, predicted)
    assert (confusion(reference, predicted, K) == confusion(reference, elsewhere, K)).all()
    assert confusion(reference, predicted, K).sum() == (reference != 255).sum()


@given(matrices)
def test_scores_lie_in_their_range_and_are_never_nan(matrix: np.ndarray) -> None:
    for name, value in score_arrays(matrix).items():
        assert (-1 if name == "kappa" else 0) <= value <= 1 + 1e-12, name


@given(matrices, st.permutations(range(K)))
def test_renaming_classes_changes_no_overall_score(matrix: np.ndarray, order: list[int]) -> None:
    before, after = score_arrays(matrix), score_arrays(matrix[np.ix_(order, order)])
    for name in PERMUTABLE:
        assert np.isclose(before[name], after[name]), name


@given(matrices, st.permutations(range(K)))
def test_renaming_classes_renames_their_scores(matrix: np.ndarray, order: list[int]) -> None:
    before, after = class_scores(matrix), class_scores(matrix[np.ix_(order, order)])
    for name, values in before.items():
        assert np.allclose(values[order], after[name]), name


@given(arrays(np.int64, K, elements=st.integers(1, 1000)))
def test_a_perfect_prediction_scores_one_everywhere(support: np.ndarray) -> None:
    result = scores(np.diag(support), NAMES)
    assert all(
        np.isclose(result[name], 1)
        for name in result
        if name.startswith(("m", "k", "w", "p")) and _scalar(result[name])
    )
    assert all(np.isclose(row[s], 1) for row in result["per_class"].values() for s in row if s != "support")


def _scalar(value: object) -> bool:
    return isinstance(value, float)


@settings(max_examples=30)
@given(arrays(np.int64, (5, K, K), elements=st.integers(0, 50)))
def test_a_stack_is_scored_like_its_matrices(stack: np.ndarray) -> None:
    together = score_arrays(stack)
    for i, matrix in enumerate(stack):
        assert all(np.isclose(together[name][i], value) for name, value in score_arrays(matrix).items())

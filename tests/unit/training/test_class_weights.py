"""How classes are weighed."""

import numpy as np
import pytest

from bocage.core.errors import UnknownName
from bocage.training.class_weights import class_weights

NAMES = ("background", "maize", "oats", "potato")


def test_balanced_is_median_frequency_within_bounds() -> None:
    weights = class_weights("balanced", NAMES, np.array([1000, 200, 100, 0]))
    assert weights.tolist() == [0.25, 1.0, 2.0, 1.0]  # 200/1000 is raised to 1/4; potato has no pixel


def test_rare_classes_weigh_at_most_three() -> None:
    assert class_weights("balanced", NAMES, np.array([100, 100, 100, 1])).tolist() == [1, 1, 1, 3]


def test_none_and_named_weights() -> None:
    counts = np.array([5, 5, 5, 5])
    assert class_weights("none", NAMES, counts).tolist() == [1, 1, 1, 1]
    assert class_weights({"background": 0.25, "oats": 3}, NAMES, counts).tolist() == [0.25, 1, 3, 1]


def test_sen4agrinet_s_formula_leaves_background_out() -> None:
    # 40 crop pixels, three crops: 40 / (3 · 10), 40 / (3 · 30)
    weights = class_weights("sen4agrinet", NAMES, np.array([1000, 10, 30, 0]))
    np.testing.assert_allclose(weights, [1, 40 / 30, 40 / 90, 1], rtol=1e-6)


def test_an_unknown_class_is_named_with_a_hint() -> None:
    with pytest.raises(UnknownName, match=r"class 'oat'\. Did you mean 'oats'\?"):
        class_weights({"oat": 3}, NAMES, np.ones(4, np.int64))


def test_the_paper_s_counts_give_about_the_paper_s_weights() -> None:
    """Supports of its table 10, weights of its table 4: the same order of magnitude class by class."""
    counts = [
        136879857,
        47844217,
        26035062,
        102534883,
        37137182,
        5832341,
        9282741,
        18081916,
        10796959,
        9469228,
        32051086,
    ]
    table_4 = [0.25, 1.0, 1.5, 0.75, 1.0, 3.0, 2.5, 1.5, 2.0, 3.0, 1.0]
    ours = class_weights("balanced", tuple("abcdefghijk"), np.array(counts))
    assert np.corrcoef(ours, table_4)[0, 1] > 0.95

"""Parts of given sizes that keep the share of every label."""

import numpy as np
import pytest

from bocage.core.stratify import deal_stratified


def test_rare_labels_are_shared_out_where_chance_would_miss_them() -> None:
    rng = np.random.default_rng(0)
    holds = rng.random((400, 6)) < [0.9, 0.5, 0.3, 0.1, 0.03, 0.01]
    sizes = (100, 60, 240)
    part = deal_stratified(holds, sizes, np.random.default_rng(1))
    assert np.bincount(part).tolist() == list(sizes)
    for p, size in enumerate(sizes):
        np.testing.assert_allclose(holds[part == p].sum(axis=0), size / 400 * holds.sum(axis=0), atol=2)
    np.testing.assert_array_equal(part, deal_stratified(holds, sizes, np.random.default_rng(1)))


def test_rows_without_a_label_fill_the_parts_and_empty_parts_stay_empty() -> None:
    part = deal_stratified(np.zeros((5, 2), bool), (2, 0, 3), np.random.default_rng(0))
    assert np.bincount(part, minlength=3).tolist() == [2, 0, 3]
    with pytest.raises(ValueError, match="there are 5"):
        deal_stratified(np.zeros((5, 2), bool), (2, 2), np.random.default_rng(0))

"""Counts of folds become counts of one survey."""

import numpy as np

from bocage.evaluation.pool import join_blocks


def test_blocks_of_folds_lie_side_by_side_and_a_block_of_both_adds_up() -> None:
    one, two = np.full((2, 2, 2), 1), np.full((2, 2, 2), 2)
    folds = [
        {"blocks": np.array(["b", "c"]), "m/all_pixels": one},
        {"blocks": np.array(["a", "b"]), "m/all_pixels": two},
    ]
    blocks, counts = join_blocks(folds)
    assert blocks == ["a", "b", "c"]
    assert counts["m"]["all_pixels"][:, 0, 0].tolist() == [2, 3, 1]

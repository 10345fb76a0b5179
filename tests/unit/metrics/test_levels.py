"""A tree of six classes: counts by class become counts by the classes of each level."""

import numpy as np
import pytest

from bocage.core.errors import ConfigError, UnknownName
from bocage.metrics.levels import find_level
from bocage.metrics.protocols import find_protocol, protocol_losses
from bocage.metrics.scores import score_arrays

# cereals is a class of its own: declarations that name no more than the group
PARENTS = {"background": None, "cereals": None, "wheat": "cereals", "barley": "cereals", "grape": None}
COUNTS = np.array(
    [
        [9, 0, 0, 0, 1],
        [0, 1, 3, 0, 0],  # cereals
        [0, 2, 5, 1, 0],  # wheat: twice "cereals", once barley
        [0, 0, 4, 4, 0],
        [1, 0, 0, 0, 7],
    ]
)


def test_at_the_top_cereals_are_cereals() -> None:
    top = find_level(PARENTS, 1)
    assert top.names == ("background", "cereals", "grape")
    assert top.merge(COUNTS).tolist() == [[9, 0, 1], [0, 20, 0], [1, 0, 7]]


def test_below_a_coarse_reference_is_left_out_and_a_coarse_prediction_is_wrong() -> None:
    below = find_level(PARENTS, 2)
    assert below.names == ("background", "cereals", "wheat", "barley", "grape")
    merged = below.merge(COUNTS)
    assert merged[1].tolist() == [0, 0, 0, 0, 0]
    assert merged[2].tolist() == [0, 2, 5, 1, 0]
    assert merged.sum() == COUNTS.sum() - COUNTS[1].sum()
    miou = score_arrays(merged, present_only=find_protocol("hierarchy:2").present_only)["miou"]
    assert miou == pytest.approx((9 / 11 + 5 / 12 + 4 / 9 + 7 / 9) / 4)  # cereals is no class of this level


def test_a_stack_of_blocks_is_merged_like_its_matrices() -> None:
    top = find_level(PARENTS, 1)
    stack = np.stack([COUNTS, 2 * COUNTS])
    assert (top.merge(stack)[1] == 2 * top.merge(COUNTS)).all()


def test_without_a_level_and_without_parents_nothing_changes() -> None:
    assert (find_level(PARENTS, None).merge(COUNTS) == COUNTS).all()
    flat = dict.fromkeys(PARENTS)
    assert (find_level(flat, 1).merge(COUNTS) == COUNTS).all()


def test_a_level_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="asks for level 3; the classes have 1 to 2"):
        find_level(PARENTS, 3)
    with pytest.raises(ConfigError, match="no class of this data set has a parent"):
        find_level(dict.fromkeys(PARENTS), 2)
    with pytest.raises(UnknownName):
        find_protocol("hierarchy:0")
    with pytest.raises(UnknownName):
        find_protocol("hierarchy:top")


def test_merged_classes_have_no_loss() -> None:
    assert protocol_losses(np.ones(5), find_protocol("hierarchy:1")) is None

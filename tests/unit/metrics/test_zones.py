"""Where parcels meet, and how right models are there."""

import numpy as np

from bocage.evaluation.outcome import Outcome
from bocage.metrics.protocols import PROTOCOLS, find_boundary

PARCELS = np.array([[1, 1, 1, 0, 0]] * 3, np.uint32)


def test_the_boundary_is_on_both_sides_and_not_at_the_edge_of_the_patch() -> None:
    assert find_boundary(PARCELS).astype(int).tolist() == [[0, 0, 1, 1, 0]] * 3
    corner = np.zeros((4, 4), np.uint32)
    corner[0, 0] = 7
    assert np.argwhere(find_boundary(corner)).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_interior_and_boundary_add_up_to_all_pixels() -> None:
    labels = np.where(PARCELS == 1, 1, 0).astype(np.uint8)
    labels[0, 0] = 255
    prediction = labels.copy()
    prediction[:, 2] = 0  # every mistake is at the boundary
    prediction[0, 0] = 0
    probabilities = np.where(np.arange(2)[:, None, None] == prediction, 0.9, 0.1).astype(np.float32)
    outcome = Outcome(1, 2)
    outcome.add([0], labels[None], PARCELS[None], prediction[None], probabilities[None])
    counts, losses = {}, {}
    for zone in ("all", "interior", "boundary"):
        counts[zone], losses[zone] = outcome.counts(PROTOCOLS[f"{zone}_pixels"])
    assert counts["boundary"][0].tolist() == [[3, 0], [3, 0]]
    assert counts["interior"][0].tolist() == [[3, 0], [0, 5]]
    assert (counts["interior"] + counts["boundary"] == counts["all"]).all()
    np.testing.assert_allclose(losses["interior"] + losses["boundary"], losses["all"])
    assert outcome.calibration is not None
    assert outcome.calibration.n.sum() == 14
    assert outcome.calibration.right.sum() == 11

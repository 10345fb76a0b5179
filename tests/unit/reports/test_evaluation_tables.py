"""Tables of the evaluation section: boundaries, parcel sizes, what differs from training."""

from types import SimpleNamespace

import numpy as np
import pytest

from bocage.core.page import Table, Text
from bocage.evaluation.evaluate import evaluate
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.outcome import Outcome
from bocage.evaluation.predictions import Predictions
from bocage.reports import results

SHIFT = {
    "kind": "radiometry",
    "cause": "the radiometric offset of 0.1 was left in",
    "size": 0.4,
    "message": "Brighter.",
}


def tables(run):
    return {b.caption: b for b in results.evaluation(run) if isinstance(b, Table)}


@pytest.fixture
def run(tmp_path):
    """Factory: some blocks; in each a field of 80 x 80 m that is right and a strip that is wrong at one end."""
    labels = np.ones((10, 10), np.uint8)
    labels[8:] = 2
    ids = np.where(labels == 1, 1, 2).astype(np.uint32)
    ids[:8, 8:] = 0
    labels[ids == 0] = 0
    prediction = labels.copy()
    prediction[8:, :3] = 1

    def make(n_blocks=12, shift=()):
        outcome = Outcome(n_blocks, 3, has_loss=False)
        for block in range(n_blocks):
            numbered = np.where(ids > 0, ids + np.uint32(2 * block), np.uint32(0))
            outcome.add([block], labels[None], numbered[None], prediction[None])
        parents = dict.fromkeys(("background", "wheat", "maize"))
        blocks = tuple(f"b{i}" for i in range(n_blocks))
        found = Predictions("test", parents, 0.01, ("unet",), blocks, n_blocks, 0, None, shift, {"unet": outcome})
        options = EvaluationOptions(bootstrap=100, protocols=("all_pixels", "parcels_area"))
        record = evaluate(found, options, seed=1, folder=tmp_path)
        return SimpleNamespace(evaluation=record, classes=(), panels=None)

    return make


def test_sizes_and_boundaries_have_units_and_bounds(run):
    shown = tables(run())
    sizes = shown["unet: parcels by size"]
    assert [row.cells[:3] for row in sizes.rows] == [("0 to 0.5", "12", "2.4"), ("0.5 to 1", "12", "7.7")]
    assert sizes.rows[1].cells[3] == "100.0 % (100.0 % to 100.0 %)"
    (boundary,) = shown["Pixel accuracy inside fields and at their boundaries"].rows
    # of the strip 3 wrong pixels lie in the row that meets the field (31 of 34 are right there), 3 below it (63 of 66)
    assert [cell[:6] for cell in boundary.cells[1:3]] == ["95.5 %", "91.2 %"]
    assert boundary.cells[3] == "+4.3"  # points, beside per cent
    by_area = next(t for title, t in shown.items() if title.startswith("Protocol parcels_area"))
    assert ">area accuracy" in by_area.columns
    assert by_area.note.startswith("10.1 ha of parcels in 12 blocks.")
    classes = shown["unet: scores by class (all_pixels)"]
    assert classes.columns[-1] == "interval of the IoU"
    assert " to " in classes.rows[1].cells[-1]


def test_under_ten_blocks_the_reason_is_said(run):
    shown = tables(run(n_blocks=4))
    assert shown["unet: parcels by size"].note.endswith(
        "Without interval: 4 blocks with counted pixels; an interval needs at least 10."
    )
    (boundary,) = shown["Pixel accuracy inside fields and at their boundaries"].rows
    assert boundary.cells[4].startswith("no interval: 4 blocks")


def test_what_differs_from_training_is_a_table_and_nothing_a_sentence(run):
    (row,) = tables(run(shift=(SHIFT,)))["Test part against training data"].rows
    assert row.cells == ("Radiometry", "Brighter.")
    said = [b.text for b in results.evaluation(run()) if isinstance(b, Text)]
    assert any("are those of the training data" in text for text in said)

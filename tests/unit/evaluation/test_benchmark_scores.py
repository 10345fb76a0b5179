"""Models on three patches a fold: rotations, mean over folds, what counts, and what must not leak."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bocage.benchmarks.benchmark import Collection, Entry, View
from bocage.core.errors import ConfigError, NothingLeft
from bocage.core.sample import Origin, Sample
from bocage.core.tally import Tally
from bocage.evaluation.judge import MAJORITY
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.score_benchmark import FOLD_MEAN, evaluate_benchmark, majority_counts
from bocage.evaluation.write import JUDGED

CLASSES = ("background", "wheat", "maize")
OPTIONS = EvaluationOptions(bootstrap=100)


def sample(entry: Entry) -> Sample:
    """Ten pixels: 0 0 1 1 1 1 1 2 2 255; class k reflects 0.1 k."""
    labels = np.array([[0, 0, 1, 1, 1], [1, 1, 2, 2, 255]], np.uint8)
    image = (0.1 * np.where(labels == 255, 0, labels))[None, None].astype(np.float32) + np.float32(entry.key[0])
    valid = np.ones((1, 2, 5), bool)
    origin = Origin(entry.sample_id, "FR", 2020, "", ("",), None)
    return Sample(image, valid, labels, np.zeros((2, 5), np.uint32), np.zeros(1, np.int32), ("B02",), origin)


def collection(
    protocols: tuple[str, ...] = ("crop_pixels",), folds: tuple[str, ...] = ("1", "2"), shift: float = 0
) -> Collection:
    view = View("native", "", CLASSES, ("B02",), protocols, folds)
    entries = [Entry(f"{f}{i}", f, f"{f}{i}", (0.0,)) for f in ("1", "2") for i in range(3)]
    entries[-1] = replace(entries[-1], key=(shift,))
    return Collection(view, tuple(entries), Tally(6), sample)


class Threshold:
    """Class by reflectance; `low` is where wheat begins."""

    bands, class_names, n_dates = ("B02",), CLASSES, None

    def __init__(self, low: float = 0.05) -> None:
        self.low = low

    def predict_proba(self, image: np.ndarray, valid: np.ndarray, days: np.ndarray) -> np.ndarray:
        classes = np.digitize(image[:, 0, 0], [self.low, 0.15])
        return np.where(np.arange(3)[None, :, None, None] == classes[:, None], 0.8, 0.1).astype(np.float32)


def test_one_model_judges_everything_and_255_never_counts() -> None:
    result = evaluate_benchmark({"m": Threshold()}, collection(), OPTIONS, seed=0)
    assert result["protocols"]["crop_pixels"]["n_pixels"] == 6 * 7
    assert result["protocols"]["crop_pixels"]["miou_present"] == 1
    assert result["calibration"]["ece"] == pytest.approx(0.2)  # right everywhere, said with 0.8
    assert result["baselines"]["majority"]["protocols"]["crop_pixels"]["pixel_accuracy"] == pytest.approx(5 / 7)


def test_counts_by_block_are_kept_for_the_model_and_the_baseline(tmp_path: Path) -> None:
    beside = {"blind": Threshold(low=0.14)}
    result = evaluate_benchmark({"m": Threshold()}, collection(), OPTIONS, seed=0, baselines=beside, folder=tmp_path)
    assert result["baselines"]["blind"]["protocols"]["crop_pixels"]["pixel_accuracy"] == pytest.approx(2 / 7)
    judged = {JUDGED: result, **result["baselines"]}
    assert set(judged) == {JUDGED, MAJORITY, "blind"}
    with np.load(tmp_path / "blocks.npz", allow_pickle=False) as blocks:
        assert blocks["blocks"].tolist() == ["10", "11", "12", "20", "21", "22"]
        for name, own in judged.items():
            counts = blocks[f"{name}/crop_pixels"]
            assert counts.sum((1, 2)).tolist() == [7] * 6
            assert counts.sum(0).tolist() == own["protocols"]["crop_pixels"]["confusion"]
        assert blocks[f"{JUDGED}/crop_pixels/loss"].sum() == pytest.approx(-6 * 7 * np.log(0.8))


def test_one_model_a_rotation_and_the_mean_over_folds() -> None:
    """The second rotation's model calls wheat background: 2 of 7 crop pixels right in its fold."""
    models = {"first": Threshold(), "second": Threshold(low=0.14)}
    result = evaluate_benchmark(models, collection(folds=("2", "1")), OPTIONS, seed=0)
    assert result["folds"]["2"]["crop_pixels"]["pixel_accuracy"] == 1
    assert result["folds"]["1"]["crop_pixels"]["pixel_accuracy"] == pytest.approx(2 / 7)
    mean = result["protocols"][FOLD_MEAN]
    assert mean["pixel_accuracy"] == pytest.approx((1 + 2 / 7) / 2)
    assert mean["interval"] is None
    assert "2 folds" in mean["interval_reason"]


def test_s4a_published_forgets_what_was_called_background() -> None:
    """Wheat is called background everywhere: an error for us, gone for them."""
    view = collection(("s4a_published", "crop_pixels"), ())
    result = evaluate_benchmark({"m": Threshold(low=0.14)}, view, OPTIONS, seed=0)["protocols"]
    assert result["s4a_published"]["n_pixels"] == 6 * 2
    assert result["s4a_published"]["pixel_accuracy"] == 1
    assert result["s4a_published"]["mean_loss"] is None
    assert result["crop_pixels"]["pixel_accuracy"] == pytest.approx(2 / 7)


def test_no_sample_changes_what_is_said_about_another() -> None:
    """A patch ten times as bright in fold 2 leaves fold 1 as it was: nothing is normalised with the benchmark."""
    fold: Callable[[float], object] = lambda shift: evaluate_benchmark(
        {"m": Threshold()}, collection(shift=shift), OPTIONS, seed=0
    )["folds"]["1"]
    assert fold(0.0) == fold(1.0)


def test_wrong_number_of_models_and_an_empty_view_are_refused() -> None:
    models = {name: Threshold() for name in "abc"}
    with pytest.raises(ConfigError, match="one for each of its 2 rotations"):
        evaluate_benchmark(models, collection(), OPTIONS, seed=0)
    with pytest.raises(ConfigError, match="it has no rotations"):
        evaluate_benchmark(models, collection(folds=()), OPTIONS, seed=0)
    with pytest.raises(NothingLeft, match="3 out of season"):
        nothing = replace(collection(), entries=(), tally=Tally(0, {"out of season": 3}))
        evaluate_benchmark({"m": Threshold()}, nothing, OPTIONS, seed=0)


def test_majority_is_the_most_frequent_class_of_all_blocks() -> None:
    counts = np.array([[[1, 1], [0, 0]], [[0, 1], [2, 3]]])
    assert majority_counts(counts).tolist() == [[[0, 2], [0, 0]], [[0, 1], [0, 5]]]

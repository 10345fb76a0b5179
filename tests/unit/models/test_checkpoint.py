"""A model to its folder and back; every damaged folder is refused with a reason."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from bocage.core.artifacts import write_json
from bocage.core.errors import CorruptFile, MissingFile, SourceError, UnknownName
from bocage.models.checkpoint import (
    FOREST_FILE,
    NETWORK_FILE,
    RECORD,
    ModelRecord,
    load_predictor,
    save_forest,
    save_tensors,
    write_record,
)
from bocage.models.networks.initialize import initialize
from bocage.models.networks.predictor import NetworkPredictor
from bocage.models.options import ContextForestOptions, ForestOptions, UNet4Options
from bocage.models.trees.features import PixelFeatures
from bocage.models.trees.predictor import ForestPredictor
from bocage.models.wrap import BandStatistics, Standardized
from bocage.models.zoo import MODELS
from bocage.testing.predictors import check_predictor
from tests.contracts.test_predictor_contract import save_small

BANDS, CLASSES = ("B04", "B08"), ("background", "maize", "wheat")


def record(kind: str, options: dict[str, object], statistics: BandStatistics | None = None) -> ModelRecord:
    return ModelRecord(
        name="m",
        kind=kind,
        options=options,
        classes=tuple({"id": i, "name": n, "color": "#000000", "title": n.title()} for i, n in enumerate(CLASSES)),
        bands=BANDS,
        n_dates=2,
        preprocessing={"level": "L2A"},
        statistics=statistics,
        n_parameters=None,
        training={"seed": 1},
    )


def save_network(folder: Path, statistics: BandStatistics | None = None) -> NetworkPredictor:
    options = UNet4Options(base_channels=8, groups=4)
    network = MODELS["unet4_gn"].build(options, 2, 2, 3)
    initialize(network, 3)
    save_tensors(network.state_dict(), folder / NETWORK_FILE)
    write_record(folder, record("unet4_gn", options.model_dump(mode="json"), statistics))
    return NetworkPredictor(network, bands=BANDS, class_names=CLASSES, n_dates=2, size_multiple=16)


def save_small_forest(folder: Path) -> ForestPredictor:
    """Trained on background and wheat only: maize has no pixel."""
    options = ForestOptions(n_trees=5)
    forest = MODELS["random_forest"].build(options, 0, 1)
    rng = np.random.default_rng(0)
    forest.fit(rng.random((60, 4), dtype=np.float32), np.repeat([0, 2], 30).astype(np.uint8))
    save_forest(forest, folder / FOREST_FILE)
    write_record(folder, record("random_forest", options.model_dump(mode="json")))
    return ForestPredictor(forest, PixelFeatures(BANDS), class_names=CLASSES, n_dates=2)


def patches() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return (
        rng.random((2, 2, 2, 20, 17), dtype=np.float32),
        np.ones((2, 2, 20, 17), bool),
        np.zeros((2, 2), np.int32),
    )


def test_a_network_comes_back_equal(tmp_path: Path) -> None:
    before = save_network(tmp_path)
    after = load_predictor(tmp_path)
    assert (after.bands, after.class_names, after.n_dates) == (BANDS, CLASSES, 2)
    assert np.array_equal(after.predict_proba(*patches()), before.predict_proba(*patches()))
    check_predictor(after)


def test_bf16_is_close(tmp_path: Path) -> None:
    full = save_network(tmp_path).predict_proba(*patches())
    assert np.abs(load_predictor(tmp_path, precision="bf16").predict_proba(*patches()) - full).max() < 0.1


def test_a_standardized_network_is_wrapped(tmp_path: Path) -> None:
    statistics = BandStatistics((0.1, 0.3), (0.5, 0.25))
    inner = save_network(tmp_path, statistics)
    after = load_predictor(tmp_path)
    assert isinstance(after, Standardized)
    image, valid, days = patches()
    valid[0, 0, 3, 4] = False
    image[0, 0, :, 3, 4] = 0
    by_hand = (image - np.array([0.1, 0.3], np.float32)[:, None, None]) / np.array([0.5, 0.25], np.float32)[
        :, None, None
    ]
    by_hand[0, 0, :, 3, 4] = 0
    assert np.array_equal(after.predict_proba(image, valid, days), inner.predict_proba(by_hand, valid, days))
    check_predictor(after)


def test_a_forest_comes_back_equal_with_a_column_a_class(tmp_path: Path) -> None:
    before = save_small_forest(tmp_path)
    after = load_predictor(tmp_path)
    result = after.predict_proba(*patches())
    assert np.array_equal(result, before.predict_proba(*patches()))
    assert result[:, 1].max() == 0  # maize was never seen
    check_predictor(after)


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    for save, name in ((save_network, NETWORK_FILE), (save_small_forest, FOREST_FILE)):
        save(tmp_path)
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(CorruptFile, match=rf"{name} has \d+ bytes and is not the \d+ bytes"):
            load_predictor(tmp_path)


def test_missing_pieces_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"has no model\.json"):
        load_predictor(tmp_path)
    save_network(tmp_path)
    (tmp_path / NETWORK_FILE).unlink()
    with pytest.raises(MissingFile, match=r"weights\.safetensors is missing"):
        load_predictor(tmp_path)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"format": "other"}, CorruptFile, "has format"),
        ({"format_version": 99}, CorruptFile, "has format"),
        ({"kind": "unet5"}, UnknownName, "No model kind is called 'unet5'"),
        ({"bands": ["B04"]}, CorruptFile, "does not hold the weights of a 'unet4_gn'"),
        ({"options": {"depth": 4}}, CorruptFile, "depth: Extra inputs .* another version of bocage"),
        ({"options": None}, CorruptFile, "misstates options"),
        ({"kind": None}, CorruptFile, "misstates kind"),
        ({"training": None}, CorruptFile, "misstates training"),
        ({"n_dates": "two"}, CorruptFile, "misstates n_dates"),
        ({"statistics": {"mean": [0.1], "std": [1.0]}}, CorruptFile, "not a mean and a std for each"),
        ({"statistics": {"mean": ["a", "b"], "std": [1.0, 1.0]}}, CorruptFile, "misstates statistics.mean"),
        ({"weights": {}}, CorruptFile, "lacks or misstates 'file'"),
        ({"classes": [{"id": 1, "name": "a"}]}, CorruptFile, "class ids of model 'm'"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, object], error: type[Exception], message: str
) -> None:
    save_network(tmp_path)
    about = json.loads((tmp_path / RECORD).read_text())
    write_json(tmp_path / RECORD, about | change)
    with pytest.raises(error, match=message):
        load_predictor(tmp_path)


def test_a_forest_file_with_anything_else_in_it_is_not_loaded(tmp_path: Path) -> None:
    save_forest(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), tmp_path / FOREST_FILE)
    write_record(tmp_path, record("random_forest", {}))
    with pytest.raises(CorruptFile, match="holds a LogisticRegression, not a forest"):
        load_predictor(tmp_path)
    save_forest(FunctionTransformer(os.getcwd), tmp_path / FOREST_FILE)
    write_record(tmp_path, record("random_forest", {}))
    with pytest.raises(CorruptFile, match=r"getcwd, which no forest of ours holds\. Not loaded"):
        load_predictor(tmp_path)


def test_a_forest_of_other_features_is_refused(tmp_path: Path) -> None:
    save_small_forest(tmp_path)
    options = ContextForestOptions(context_bands=("B08",)).model_dump(mode="json")
    write_record(tmp_path, record("random_forest_context", options))
    with pytest.raises(SourceError, match=r"takes 4 features, model\.json describes 12"):
        load_predictor(tmp_path)


@pytest.mark.parametrize("kind", ["random_forest", "xgboost"])
def test_trees_of_other_classes_are_refused(tmp_path: Path, kind: str) -> None:
    save_small(kind, 1, tmp_path)
    about = json.loads((tmp_path / RECORD).read_text())
    write_json(tmp_path / RECORD, about | {"classes": about["classes"][:-1]})
    with pytest.raises(CorruptFile, match=r"tells other classes apart than the 2 of model\.json"):
        load_predictor(tmp_path)

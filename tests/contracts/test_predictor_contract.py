"""Every kind of the zoo, built small, saved, loaded, and held to the Predictor contract."""

from pathlib import Path

import numpy as np
import pytest

from bocage.core.arrays import Bool, Float32, Int32
from bocage.models.checkpoint import (
    FOREST_FILE,
    NETWORK_FILE,
    ModelRecord,
    load_predictor,
    save_forest,
    save_tensors,
    write_record,
)
from bocage.models.networks.initialize import initialize
from bocage.models.options import OPTIONS_OF_KIND, ModelOptions
from bocage.models.zoo import MODELS, NetworkKind
from bocage.testing.predictors import check_predictor

SMALL: dict[str, dict[str, object]] = {
    "unet4_gn": {"base_channels": 8},
    "random_forest": {"n_trees": 3},
    "random_forest_context": {"n_trees": 3, "context_bands": ("B08",)},
}
BANDS = ("B02", "B04", "B08")


@pytest.mark.parametrize("n_dates", [1, 2])
@pytest.mark.parametrize("name", list(MODELS))
def test_every_kind_keeps_the_contract(name: str, n_dates: int, tmp_path: Path) -> None:
    kind, options = MODELS[name], ModelOptions(name="m", kind=name, options=SMALL[name]).options
    if isinstance(kind, NetworkKind):
        network = kind.build(options, len(BANDS), n_dates, 3)
        initialize(network, 0)
        save_tensors(network.state_dict(), tmp_path / NETWORK_FILE)
    else:
        n_features = kind.features(options, BANDS).count(n_dates)
        features = np.random.default_rng(0).random((90, n_features), dtype=np.float32)
        forest = kind.build(options, 0, 1).fit(features, np.repeat([0, 1, 2], 30))
        save_forest(forest, tmp_path / FOREST_FILE)
    classes = tuple({"id": i, "name": c, "color": "#000000", "title": c} for i, c in enumerate("abc"))
    write_record(
        tmp_path,
        ModelRecord("m", name, options.model_dump(mode="json"), classes, BANDS, n_dates, {}, None, None, {}),
    )
    check_predictor(load_predictor(tmp_path))


def test_every_kind_has_its_options() -> None:
    assert {name: kind.options for name, kind in MODELS.items()} == OPTIONS_OF_KIND


class Even:
    """A right one: all classes alike."""

    bands, class_names, n_dates = ("B04",), ("a", "b"), None

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        from bocage.models.predictor import check_input

        check_input(self, image, valid, days)
        return np.full((len(image), 2, *image.shape[-2:]), 0.5, np.float32)


class Unnormalized(Even):
    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        return super().predict_proba(image, valid, days) * np.float32(1.1)


class Careless(Even):
    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        return np.full((len(image), 2, *image.shape[-2:]), 0.5, np.float32)


class Moody(Even):
    calls = 0

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        self.calls += 1
        share = np.float32(0.1 * (self.calls % 3))
        even = super().predict_proba(image, valid, days)
        return np.stack([even[:, 0] - share, even[:, 1] + share], axis=1)


def test_the_check_lets_a_right_one_pass() -> None:
    check_predictor(Even())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [(Unnormalized, "sum to one"), (Careless, "not refused"), (Moody, "two calls, two answers")],
)
def test_the_check_finds_what_is_wrong(wrong: type[Even], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_predictor(wrong())

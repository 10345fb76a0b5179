"""Every kind of the zoo, built small, saved, loaded, and held to the Predictor contract."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bocage.core.arrays import Bool, Float32, Int32
from bocage.models.checkpoint import (
    BOOSTER_FILE,
    FOREST_FILE,
    NETWORK_FILE,
    ModelRecord,
    load_predictor,
    save_booster,
    save_forest,
    save_tensors,
    write_record,
)
from bocage.models.describe import describe_models
from bocage.models.networks.initialize import initialize
from bocage.models.options import OPTIONS_OF_KIND, ModelOptions
from bocage.models.zoo import MODELS, ForestKind, NetworkKind
from bocage.testing.predictors import check_predictor

SMALL: dict[str, dict[str, object]] = {
    "unet4_gn": {"base_channels": 8},
    "s4a_unet": {"base_channels": 8},
    "convlstm": {"stem_channels": 4, "widths": (8, 8, 16)},
    "convstar": {"n_hidden": 8, "n_layers": 2},
    "conv1d_unet": {"temporal_channels": 8, "base_channels": 8},
    "utae": {"encoder_widths": (8, 8, 8, 16), "decoder_widths": (8, 8, 8, 16), "n_heads": 4, "d_model": 32},
    "tempcnn": {"n_hidden": 8, "kernel_dates": 3},
    "bilstm": {"n_hidden": 8, "n_layers": 2, "n_dense": 16},
    "transformer": {"n_layers": 1, "n_feedforward": 16, "n_dense": 16},
    "xgboost": {"n_rounds": 3},
    "random_forest": {"n_trees": 3},
    "random_forest_context": {"n_trees": 3, "context_bands": ("B08",)},
}
BANDS = ("B02", "B04", "B08")
COUNTS = {  # the papers' numbers, and those worked out from their layouts
    "unet4_gn": 17_660_027,
    "s4a_unet": 1_878_220,
    "convlstm": 9_032_844,
    "convstar": 263_820,
    "conv1d_unet": 17_322_739,
    "utae": 1_087_260,
    "tempcnn": 719_755,
    "bilstm": 60_037_131,
    "transformer": 270_969,
}
NETWORKS = [name for name, kind in MODELS.items() if isinstance(kind, NetworkKind)]


def small_options(name: str) -> Any:
    return ModelOptions(name="m", kind=name, options=SMALL[name]).options


def small_network(name: str, n_dates: int, *, seed: int = 0) -> torch.nn.Module:
    kind = MODELS[name]
    assert isinstance(kind, NetworkKind)
    network = kind.build(small_options(name), len(BANDS), n_dates, 3)
    initialize(network, seed)
    return network


def save_small(name: str, n_dates: int, folder: Path) -> None:
    """A checkpoint of the kind, trees fitted to noise."""
    kind, options = MODELS[name], small_options(name)
    if isinstance(kind, NetworkKind):
        save_tensors(small_network(name, n_dates).state_dict(), folder / NETWORK_FILE)
    else:
        n_features = kind.features(options, BANDS).count(n_dates)
        features = np.random.default_rng(0).random((90, n_features), dtype=np.float32)
        labels = np.repeat([0, 1, 2], 30).astype(np.uint8)
        if isinstance(kind, ForestKind):
            save_forest(kind.build(options, 0, 1).fit(features, labels), folder / FOREST_FILE)
        else:
            save_booster(kind.fit(options, features, labels, 3, 0, 1), folder / BOOSTER_FILE)
    classes = tuple({"id": i, "name": c, "color": "#000000", "title": c} for i, c in enumerate("abc"))
    taken = None if kind.dates == "variable" else n_dates
    write_record(
        folder, ModelRecord("m", name, options.model_dump(mode="json"), classes, BANDS, taken, {}, None, None, {})
    )


@pytest.mark.parametrize("n_dates", [1, 2])
@pytest.mark.parametrize("name", list(MODELS))
def test_every_kind_keeps_the_contract(name: str, n_dates: int, tmp_path: Path) -> None:
    save_small(name, n_dates, tmp_path)
    predictor = load_predictor(tmp_path)
    assert predictor.n_dates == (None if MODELS[name].dates == "variable" else n_dates)
    check_predictor(predictor)


@pytest.mark.parametrize("name", list(MODELS))
def test_every_kind_comes_back_equal(name: str, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save_small(name, 2, tmp_path / folder)
    rng = np.random.default_rng(1)
    image, valid = rng.random((1, 2, 3, 20, 17), dtype=np.float32), np.ones((1, 2, 20, 17), bool)
    days = np.array([[17_700, 17_760]], np.int32)
    a, b = (load_predictor(tmp_path / folder).predict_proba(image, valid, days) for folder in ("a", "b"))
    assert np.array_equal(a, b)


def test_every_network_has_the_parameters_of_its_paper() -> None:
    rows = {row["name"]: row["n_parameters"] for row in describe_models()}
    assert {name: rows[name] for name in NETWORKS} == COUNTS


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    network = small_network(name, 3).train()
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 3, 3, 32, 32, generator=generator)
    days = torch.tensor([[17_700, 17_730, 17_780]] * 2)
    labels = torch.randint(3, (2, 32, 32), generator=generator)
    torch.nn.functional.cross_entropy(network(image, torch.ones(2, 3, 32, 32) > 0, days), labels).backward()
    missing = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert missing == []


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_come_from_the_seed_alone(name: str) -> None:
    states = []
    for global_seed, seed in ((0, 7), (1, 7), (1, 8)):
        torch.manual_seed(global_seed)
        states.append(torch.cat([p.flatten() for p in small_network(name, 2, seed=seed).parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[1], states[2])


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns_which_date_is_green(name: str) -> None:
    """Two crops with one bright date each, early or late, in fields of 4 px: told apart after a few steps."""
    kind = MODELS[name]
    assert isinstance(kind, NetworkKind)
    side = 8 if kind.size_multiple < 16 else 32
    torch.manual_seed(0)
    network = small_network(name, 4)
    rng = np.random.default_rng(0)
    valid, days = torch.ones(4, 4, side, side) > 0, torch.tensor([[17_700, 17_730, 17_760, 17_790]] * 4)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)

    def draw() -> tuple[torch.Tensor, torch.Tensor]:
        labels = rng.integers(2, size=(4, side // 4, side // 4)).repeat(4, axis=1).repeat(4, axis=2)
        image = rng.normal(0, 0.3, (4, 4, 3, side, side)).astype(np.float32)
        image[:, 1] += (labels == 0)[:, None] * 2
        image[:, 3] += (labels == 1)[:, None] * 2
        return torch.from_numpy(image), torch.from_numpy(labels)

    network.train()
    for _ in range(50):
        image, labels = draw()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(image, valid, days), labels).backward()
        optimizer.step()
    image, labels = draw()
    with torch.no_grad():
        predicted = network.eval()(image, valid, days).argmax(1)
    assert float((predicted == labels).float().mean()) > 0.85


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

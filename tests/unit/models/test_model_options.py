"""Entries of `models` in an experiment: the kind decides which options are allowed."""

import pytest
from pydantic import ValidationError

from bocage.models.options import ContextForestOptions, ForestOptions, ModelOptions, UNet4Options


def test_the_kind_chooses_the_options_record() -> None:
    assert ModelOptions(name="a", kind="unet4_gn").options == UNet4Options(base_channels=48)
    forest = ModelOptions.model_validate({"name": "b", "kind": "random_forest", "options": {"n_trees": 7}})
    assert type(forest.options) is ForestOptions
    context = ModelOptions.model_validate({"name": "c", "kind": "random_forest_context"})
    assert type(context.options) is ContextForestOptions


def test_options_survive_json() -> None:
    model = ModelOptions(name="rf", kind="random_forest_context", options={"windows_px": (5, 11)})
    assert ModelOptions.model_validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize(
    ("entry", "where", "hint"),
    [
        ({"kind": "unet4_gm"}, ("kind",), "Did you mean 'unet4_gn'?"),
        ({"kind": "unet4_gn", "options": {"base_chanels": 8}}, ("options", "base_chanels"), "Extra inputs"),
        ({"kind": "unet4_gn", "options": {"n_trees": 8}}, ("options", "n_trees"), "Extra inputs"),
        ({"kind": "unet4_gn", "options": {"base_channels": 12, "groups": 8}}, ("options",), "groups (8) must divide"),
        ({"kind": "random_forest_context", "options": {"windows_px": [4]}}, ("options", "windows_px"), "odd side"),
        ({"kind": "random_forest", "name": "../up"}, ("name",), "pattern"),
    ],
)
def test_a_mistake_is_reported_where_it_stands(entry: dict[str, object], where: tuple[str, ...], hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ModelOptions.model_validate({"name": "m", **entry})
    first = caught.value.errors()[0]
    assert first["loc"] == where
    assert hint in first["msg"]

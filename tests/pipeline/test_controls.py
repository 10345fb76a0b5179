"""The control experiment: with the classes dealt out anew among the training parcels, nothing is left to learn."""

import json

import pytest

from bocage.cli.main import main
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import write_country

PROTOCOL = "all_pixels"


def foreground_miou(evaluation, kind, name):
    return evaluation[kind][name]["protocols"][PROTOCOL]["miou_foreground"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_models_learn_crops_and_not_shapes(seed, experiment_file, cache, tmp_path):
    country = write_country(tmp_path / "country", SyntheticOptions(seed=seed, size_px=768))
    training = {
        "epochs": 40,
        "batch_size": 4,
        "class_weights": "none",
        "pixels_per_class": 2000,
        "precision": "bf16",
        "threads": 1,
    }
    file = experiment_file(
        seed=seed,
        parcels={"path": str(country.eurocrops_path), "year": country.year},
        scenes={"path": str(country.safe_folder)},
        patches={"size_px": 64, "dates": "series"},
        splits={"block_m": 1280},
        models=[
            {"name": "unet", "kind": "unet4_gn", "options": {"base_channels": 8, "groups": 2}},
            {"name": "forest", "kind": "random_forest", "options": {"n_trees": 30}},
            {"name": "forest-context", "kind": "random_forest_context", "options": {"n_trees": 30}},
        ],
        training=training,
    )
    evaluations = {}
    for permuted in (False, True):
        out = tmp_path / f"run-{permuted}"
        override = f"training.permute_parcel_classes={str(permuted).lower()}"
        assert main(["evaluate", str(file), "--out", str(out), "--quiet", "--set", override]) == 0
        evaluations[permuted] = json.loads((out / "evaluation.json").read_text())
    drawn = foreground_miou(evaluations[False], "baselines", "random_parcel_class")
    assert drawn > 0
    for model in ("unet", "forest", "forest-context"):
        assert foreground_miou(evaluations[True], "models", model) <= 1.5 * drawn, model
        assert foreground_miou(evaluations[False], "models", model) >= 3 * drawn, model

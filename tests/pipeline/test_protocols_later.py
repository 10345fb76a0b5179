"""One prediction store a run: protocols and intervals are changed afterwards without a model being asked again."""

import json

import pytest

from bocage.evaluation import judge


@pytest.mark.slow
def test_other_protocols_predict_nothing_again(bocage, experiment_file, cache, tmp_path, monkeypatch):
    forest = [{"name": "forest", "kind": "random_forest", "options": {"n_trees": 5}}]
    file, out = experiment_file(models=forest, taxonomy={"name": "field-crops"}), tmp_path / "run"
    assert bocage("evaluate", file, "--out", out)[0] == 0
    first = json.loads((out / "evaluation.json").read_text())
    assert first["shift"] is not None

    def refuse(*_):
        raise AssertionError("a model was asked again")

    monkeypatch.setattr(judge, "predict", refuse)
    levels = ["hierarchy:1", "hierarchy:2", "hierarchy:3"]
    protocols = f"evaluation.protocols={json.dumps(['boundary_pixels', *levels])}"
    changes = ("--set", protocols, "--set", "evaluation.bootstrap=200")
    code, result = bocage("evaluate", file, "--out", out, *changes)
    assert code == 0
    assert [s["name"] for s in result["stages"] if not s["cached"]] == ["evaluation"]
    again = json.loads((out / "evaluation.json").read_text())
    judged = again["models"]["forest"]["protocols"]
    assert list(judged) == ["boundary_pixels", *levels]
    top, *_, deepest = (judged[level] for level in levels)
    assert len(top["per_class"]) < len(deepest["per_class"])
    assert top["n_pixels"] == sum(map(sum, first["models"]["forest"]["protocols"]["all_pixels"]["confusion"]))
    assert top["pixel_accuracy"] >= deepest["pixel_accuracy"]  # whoever names the crop has named its group
    assert again["models"]["forest"]["calibration"] == first["models"]["forest"]["calibration"]

    code, wrong = bocage("evaluate", file, "--out", out, "--set", "evaluation.protocols=[all_pixels, hierarchy:4]")
    assert code == 2
    assert "the classes have 1 to 3" in json.dumps(wrong)

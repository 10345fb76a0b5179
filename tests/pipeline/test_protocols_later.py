"""One prediction store a run: protocols and intervals are changed afterwards without a model being asked again."""

import json

import pytest

from bocage.evaluation import judge


@pytest.mark.slow
def test_other_protocols_predict_nothing_again(bocage, experiment_file, cache, tmp_path, monkeypatch):
    forest = [{"name": "forest", "kind": "random_forest", "options": {"n_trees": 5}}]
    file, out = experiment_file(models=forest), tmp_path / "run"
    assert bocage("evaluate", file, "--out", out)[0] == 0
    first = json.loads((out / "evaluation.json").read_text())
    assert first["shift"] is not None

    def refuse(*_):
        raise AssertionError("a model was asked again")

    monkeypatch.setattr(judge, "predict", refuse)
    changes = ("--set", "evaluation.protocols=[boundary_pixels, hierarchy:1]", "--set", "evaluation.bootstrap=200")
    code, result = bocage("evaluate", file, "--out", out, *changes)
    assert code == 0
    assert [s["name"] for s in result["stages"] if not s["cached"]] == ["evaluation"]
    again = json.loads((out / "evaluation.json").read_text())
    assert list(again["models"]["forest"]["protocols"]) == ["boundary_pixels", "hierarchy:1"]
    assert again["models"]["forest"]["calibration"] == first["models"]["forest"]["calibration"]

    code, wrong = bocage("evaluate", file, "--out", out, "--set", "evaluation.protocols=[all_pixels, hierarchy:2]")
    assert code == 2
    assert "no class of this data set has a parent" in json.dumps(wrong)

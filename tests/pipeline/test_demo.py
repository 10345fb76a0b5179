"""The demonstration's preparation: a country and an experiment that finds it, wherever the two are moved together."""

import shutil
from pathlib import Path

import pytest

from bocage.experiment.load import load_experiment
from bocage.pipeline.demo import prepare_demo


@pytest.mark.parametrize("template", ["demo", "invented-country"])
def test_the_experiment_finds_its_country_from_a_relative_folder(template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = []
    file = prepare_demo(Path("runs/demo"), seed=5, size_px=96, template=template, say=said.append)
    experiment = load_experiment(file)
    assert Path(experiment.parcels.path).is_file()
    assert len(list(Path(experiment.scenes.path).glob("*.SAFE"))) == 4
    assert "0.96 km" in said[0]
    shutil.move("runs/demo", "elsewhere")
    assert Path(load_experiment(Path("elsewhere/experiment.yaml")).parcels.path).is_file()

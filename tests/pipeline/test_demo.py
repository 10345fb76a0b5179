"""The demonstration's preparation: a country and an experiment that finds it, wherever the two are moved together."""

import shutil
from pathlib import Path

import pytest

from bocage.core.errors import ConfigError
from bocage.experiment.load import load_experiment
from bocage.experiment.templates import list_templates
from bocage.pipeline.demo import prepare_demo, show_template


@pytest.mark.parametrize("template", ["demo", "invented-country"])
def test_the_experiment_finds_its_country_from_a_relative_folder(template, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = []
    file = prepare_demo(Path("runs/demo"), seed=5, size_px=96, template=template, say=said.append)
    experiment = load_experiment(file)
    assert file.read_text() == show_template(template).replace("seed: 1", "seed: 5")
    assert Path(experiment.parcels.path).is_file()
    assert len(list(Path(experiment.scenes.path).glob("*.SAFE"))) == 4
    assert "0.96 km" in said[0]
    shutil.move("runs/demo", "elsewhere")
    assert Path(load_experiment(Path("elsewhere/experiment.yaml")).parcels.path).is_file()


@pytest.mark.parametrize("name", list_templates())
def test_every_template_is_printed_as_a_valid_experiment(name, tmp_path):
    (tmp_path / "my.yaml").write_text(show_template(name))
    assert load_experiment(tmp_path / "my.yaml").models


def test_a_template_for_files_of_your_own_is_no_demonstration(tmp_path):
    with pytest.raises(ConfigError, match="bocage config template start > my"):
        prepare_demo(tmp_path / "demo", seed=1, size_px=96, template="start", say=lambda _: None)
    assert not (tmp_path / "demo").exists()

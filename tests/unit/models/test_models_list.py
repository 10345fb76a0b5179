"""`bocage models list`, and what may be imported without torch."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from bocage.cli import output
from bocage.cli.models import app


def test_json_has_the_promised_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output.settings, "json", True)
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 0
    models = {m["name"]: m for m in json.loads(result.stdout)["models"]}
    assert models["unet4_gn"]["n_parameters"] == 17_660_027
    assert models["utae"]["n_parameters"] == 1_087_260
    assert models["xgboost"]["n_parameters"] is None
    assert set(models["random_forest"]) == {"name", "family", "input", "dates", "n_parameters", "source"}


def test_people_get_a_table() -> None:
    result = CliRunner().invoke(app, ["list"])
    assert "unet4_gn" in result.stdout
    assert "…" not in result.stdout  # a long name goes on below, whatever the width


def test_options_and_commands_need_no_torch() -> None:
    code = (
        "import sys, bocage.models.options, bocage.models.predictor, bocage.training.options, bocage.cli.models;"
        "print(sorted({'torch', 'sklearn', 'skops', 'scipy', 'xgboost'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

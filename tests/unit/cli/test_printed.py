"""What a command prints: one JSON object, text as it is, and no traceback for a value that will not do."""

import json

import numpy as np
import pytest

from bocage.cli.main import main
from bocage.cli.output import emit, settings, table


def test_doctor_prints_one_object_and_exits_with_2_if_something_is_missing(capsys, monkeypatch):
    row = {"name": "GDAL", "ok": False, "needed": True, "found": "none"}
    monkeypatch.setattr("bocage.cli.runs.check_environment", lambda: [row])
    assert main(["doctor", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {"ok": False, "checks": [row]}
    assert main(["doctor"]) == 2
    assert "Something needed is missing" in capsys.readouterr().out


def test_what_is_printed_is_printed_as_it_is(capsys):
    settings.json = False
    crop = "Maize [silage] [/] :key:"
    emit({}, text=["report: runs/my[final]/report.html", table(["crop"], [[crop]])])
    printed = capsys.readouterr().out
    assert "runs/my[final]/report.html" in printed
    assert crop in printed


def test_json_has_no_nan(capsys):
    settings.json = True
    emit({"score": float("nan"), "scores": [np.float32("inf")]})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {"score": None, "scores": [None]}
    settings.json = False


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["demo", "--size-px", "500", "--out", "{out}"], "take 498"),
        (["benchmarks", "check", "pastis", "--demo", "--set", "date=[a"], "the value is not YAML"),
    ],
)
def test_a_value_that_will_not_do_is_no_bug(capsys, tmp_path, line, words):
    assert main([word.replace("{out}", str(tmp_path)) for word in line]) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_a_secret_of_the_environment_is_not_repeated(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MY_PASSWORD", "very-secret")
    (tmp_path / "my.yaml").write_text("name: a\nparcels: {path: p.shp, pasword: '${MY_PASSWORD}'}\n")
    assert main(["run", str(tmp_path / "my.yaml"), "--json"]) == 2
    printed = capsys.readouterr()
    assert "very-secret" not in printed.out + printed.err
    assert "${MY_PASSWORD}" in printed.err

"""The doorman: global options, exit codes, and what must not be imported on the way."""

import json
import subprocess
import sys
import textwrap

import geopandas as gpd
import pytest
from shapely.geometry import box

from bocage.cli.main import main, take_global_options
from bocage.cli.output import settings
from bocage.core.errors import ConfigError


def test_global_options_may_stand_anywhere():
    assert take_global_options(["--json", "run", "x.yaml", "--workers", "3", "--quiet"]) == ["run", "x.yaml"]
    assert (settings.json, settings.quiet, settings.workers) == (True, True, 3)
    assert take_global_options(["run", "--workers=2"]) == ["run"]
    assert (settings.json, settings.workers) == (False, 2)
    with pytest.raises(ConfigError, match="--workers"):
        take_global_options(["run", "--workers", "many"])


def test_json_is_one_object_on_stdout_even_for_an_error(capsys):
    assert main(["models", "list", "--json"]) == 0
    assert {"unet4_gn", "random_forest", "random_forest_context"} <= {
        m["name"] for m in json.loads(capsys.readouterr().out)["models"]
    }
    assert main(["run", "nowhere.yaml", "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "MissingFile"
    assert error["exit_code"] == 3


@pytest.mark.parametrize("line", [["rum"], ["run"], ["run", "x.yaml", "--sett", "a=b"], ["--workers", "0", "doctor"]])
def test_a_wrong_command_line_exits_with_2(line, capsys):
    assert main(line) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_version_and_every_help_page_teach_without_a_model_library():
    script = """
        import sys
        from bocage.cli.main import main
        for line in (["--version"], ["--help"], ["run", "--help"], ["parcels", "--help"], ["config", "schema"]):
            assert main(line) == 0, line
        heavy = {"torch", "sklearn", "xgboost", "numba", "rasterio", "geopandas", "zarr"} & set(sys.modules)
        assert not heavy, heavy
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Exit codes" in done.stdout


def test_doctor_finds_what_is_needed_and_shows_no_secret(capsys, monkeypatch):
    monkeypatch.setenv("CDSE_S3_ACCESS_KEY", "very-secret-value")
    assert main(["doctor", "--json"]) == 0
    printed = capsys.readouterr().out
    checks = {c["name"]: c for c in json.loads(printed)["checks"]}
    assert checks["CDSE_S3_ACCESS_KEY"]["found"] == "set"
    assert "very-secret-value" not in printed


def test_templates_schema_and_show(capsys, tmp_path):
    assert main(["config", "template"]) == 0
    (tmp_path / "my.yaml").write_text(capsys.readouterr().out)
    assert main(["config", "check", str(tmp_path / "my.yaml")]) == 0
    capsys.readouterr()
    assert main(["config", "show", str(tmp_path / "my.yaml"), "--set", "training.epochs=7", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["training"]["epochs"] == 7
    assert main(["config", "schema", "--json"]) == 0
    assert "training" in json.loads(capsys.readouterr().out)["properties"]


def test_a_run_that_was_killed_at_once_has_no_status(tmp_path, capsys):
    (tmp_path / "events.jsonl").write_text('{"time": "2026-01-01", "eve')
    assert main(["status", str(tmp_path)]) == 3
    assert "events.jsonl is not there, or empty" in " ".join(capsys.readouterr().err.split())


def test_ctrl_c_inside_a_string_that_is_run_still_ends_with_130(tmp_path):
    (tmp_path / "interrupted.py").write_text(
        textwrap.dedent("""
        import signal
        from bocage.cli import main

        @main.app.command()
        def wait():
            exec("signal.raise_signal(signal.SIGINT)")

        signal.signal(signal.SIGINT, signal.default_int_handler)
        main.run()
        """)
    )
    done = subprocess.run(
        [sys.executable, "-m", "interrupted", "wait"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert "same command again" in done.stderr


LOST = {
    "in a destructor": "type('Held', (), {'__del__': stop})()\n    interrupt.check()",
    "as an error of its own": "with suppress(KeyboardInterrupt):\n        stop()\n    raise ValueError('bounds')",
}


@pytest.mark.parametrize("way", LOST)
def test_ctrl_c_that_gets_lost_is_found_again(way, tmp_path):
    (tmp_path / "lost.py").write_text(
        f"""
import signal
from contextlib import suppress
from bocage.cli import main
from bocage.core import interrupt

def stop(*_):
    signal.raise_signal(signal.SIGINT)

@main.app.command()
def wait():
    {LOST[way]}

signal.signal(signal.SIGINT, signal.default_int_handler)
main.run()
"""
    )
    done = subprocess.run([sys.executable, "-m", "lost", "wait"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    assert "same command again" in done.stderr


def test_a_process_that_ignores_ctrl_c_goes_on_ignoring_it(tmp_path):
    script = """
        import signal
        from bocage.core import interrupt
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        interrupt.listen()
        signal.raise_signal(signal.SIGINT)
        interrupt.check()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


def test_a_reader_that_has_gone_gets_no_traceback(monkeypatch, capsys):
    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", gone)
    assert main(["dataset", "inspect", "nowhere", "--json"]) == 3
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "said"), [("folder", "is a folder"), ("file/page.html", "is a file, where a folder")]
)
def test_a_path_that_cannot_be_written_is_the_users_and_no_bug(tmp_path, capsys, place, said):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    squares = gpd.GeoDataFrame({"EC_hcat_n": ["rye"]}, geometry=[box(4e6, 3e6, 4e6 + 100, 3e6 + 100)], crs=3035)
    squares.to_file(tmp_path / "fields.gpkg")
    table = str(tmp_path / "fields.parquet")
    assert main(["parcels", "read", str(tmp_path / "fields.gpkg"), "--source", "eurocrops", "--out", table]) == 0
    assert main(["taxonomy", "audit", table, "--html", str(tmp_path / place), "--json"]) == 3
    out, err = capsys.readouterr()
    assert said in " ".join(err.split())
    assert "Traceback" not in err
    assert '"CannotWrite"' in out
    assert not list(tmp_path.glob(".*.tmp"))

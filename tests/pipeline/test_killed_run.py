"""A run that is killed goes on where it was and ends with what an uninterrupted run gives."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

BOCAGE = [sys.executable, "-m", "bocage"]


def start(arguments, environment):
    return subprocess.Popen(
        [*BOCAGE, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def wait_for_event(run, word, process, *, limit_s=120):
    """Until the run's log names `word` (or the run is over)."""
    log, until = run / "events.jsonl", time.monotonic() + limit_s
    while time.monotonic() < until and process.poll() is None:
        if log.is_file() and word in log.read_text():
            return
        time.sleep(0.02)
    assert process.poll() is None, f"the run ended before '{word}'"
    raise AssertionError(f"'{word}' did not come within {limit_s} s")


def finish(process):
    out, _ = process.communicate(timeout=300)
    return process.returncode, json.loads(out)


@pytest.mark.slow
def test_a_run_killed_in_every_long_stage_ends_as_if_nothing_had_happened(experiment_file, environment, tmp_path):
    whole = {**environment, "BOCAGE_CACHE": str(tmp_path / "cache-whole")}
    code, expected = finish(start(["run", experiment_file(), "--out", tmp_path / "whole", "--json"], whole))
    assert code == 0

    command = ["run", experiment_file(), "--out", tmp_path / "run", "--json"]
    for stage in ("cubes", "datasets", "train/unet", "train/forest", "evaluation", "mapping"):
        process = start(command, environment)
        wait_for_event(tmp_path / "run", f'"stage started", "stage": "{stage}"', process)
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL
    code, result = finish(start(command, environment))
    assert code == 0
    assert result["metrics"] == expected["metrics"]
    digests = {s["name"]: s["digest"] for s in expected["stages"]}
    for stage in result["stages"]:
        if not stage["name"].startswith(("train", "mapping", "reports")):  # these hold the seconds they took
            assert stage["digest"] == digests[stage["name"]], stage["name"]
    assert {s["name"] for s in result["stages"] if s["cached"]} >= {
        "parcels",
        "taxonomy",
        "scenes",
        "cubes",
        "datasets",
    }


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(experiment_file, environment, tmp_path):
    process = subprocess.Popen(
        [*BOCAGE, "run", str(experiment_file()), "--out", str(tmp_path / "run")],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # started in the background, it is ignored
    )
    wait_for_event(tmp_path / "run", '"stage started", "stage": "train/unet"', process)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "same command again" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_two_runs_at_once_share_the_work(experiment_file, environment, tmp_path):
    file = experiment_file()
    both = [start(["build", file, "--out", tmp_path / f"run{i}", "--json"], environment) for i in range(2)]
    (code_a, a), (code_b, b) = [finish(p) for p in both]
    assert (code_a, code_b) == (0, 0)
    assert [s["digest"] for s in a["stages"]] == [s["digest"] for s in b["stages"]]
    made = [{s["name"] for s in r["stages"] if not s["cached"]} for r in (a, b)]
    assert not made[0] & made[1]  # nothing was made twice

"""Benchmarks as a section of an experiment: every model judged on every copy, one piece each, and on the page."""

import json

import pytest

from bocage.benchmarks.registry import BENCHMARKS

FOREST = {"name": "forest", "kind": "random_forest", "options": {"n_trees": 5}}
SHALLOW = {"name": "shallow", "kind": "random_forest", "options": {"n_trees": 3, "max_depth": 4}}


@pytest.fixture
def copies(tmp_path):
    return {name: str(BENCHMARKS[name].write_miniature(tmp_path / name)) for name in ("pastis", "dacia5")}


@pytest.mark.slow
def test_every_model_is_judged_on_every_benchmark(bocage, cache, copies, experiment_file, tmp_path):
    tests = [{"name": "pastis", "path": copies["pastis"], "options": {"date": "middle"}}]
    tests.append({"name": "dacia5", "path": copies["dacia5"], "view": "eurocrops-10"})
    common = {"patches": {"size_px": 32, "dates": "single"}, "benchmarks": tests, "reports": {"title": "Far away"}}
    out = tmp_path / "run"
    code, _ = bocage("run", experiment_file(models=[FOREST], **common), "--out", out)
    assert code == 0
    for place in ("pastis/forest", "dacia5-eurocrops-10/forest"):
        scores = json.loads((out / "benchmarks" / place / "evaluation.json").read_text())["protocols"]
        assert 0 <= scores["crop_pixels"]["pixel_accuracy"] <= 1
    page = (out / "report.html").read_text()
    assert "<h1>Far away</h1>" in page
    assert all(BENCHMARKS[name].title in page for name in copies)
    both = experiment_file(models=[FOREST, SHALLOW], **common)
    assert bocage("run", both, "--out", out)[0] == 0
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    done = [(e["name"], e["cached"]) for e in events if e["event"] == "piece done" and e["stage"] == "benchmark"]
    assert done[-4:] == [
        *(("pastis/forest", True), ("pastis/shallow", False)),
        *(("dacia5-eurocrops-10/forest", True), ("dacia5-eurocrops-10/shallow", False)),
    ]


def test_a_copy_that_is_not_there_and_keys_that_do_not_exist(bocage, cache, experiment_file, tmp_path):
    def fail(**section):
        code, said = bocage("run", experiment_file(models=[FOREST], **section), "--out", tmp_path / "run")
        return code, said["error"]["message"]

    code, message = fail(benchmarks=[{"name": "pasits", "path": "here"}])
    assert code == 2
    assert "pasits" in message
    assert "pastis" in message
    code, message = fail(benchmarks=[{"name": "pastis", "path": "here", "options": {"dat": "middle"}}])
    assert code == 2
    assert "'dat'" in message
    assert "date" in message
    code, message = fail(benchmarks=[{"name": "pastis", "path": "here", "view": "europe"}])
    assert code == 2
    assert "eurocrops-10" in message
    code, message = fail(benchmarks=[{"name": "pastis", "path": "x"}, {"name": "pastis", "path": "y"}])
    assert code == 2
    assert "comes twice" in message
    code, message = fail(
        benchmarks=[{"name": "pastis", "path": str(tmp_path / "none")}], patches={"size_px": 32, "dates": "single"}
    )
    assert code == 3
    assert "No copy of pastis" in message
    assert not (tmp_path / "run").exists()  # said before anything is built

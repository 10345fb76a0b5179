"""A build killed with SIGKILL at many moments of every stage ends, byte for byte, with what an uninterrupted one gives.

Each try is a process of its own, forked from one that has imported everything, so that it is at work at once. It is
killed at a moment of a stage that is drawn at random, or as soon as a file is seen that is not whole yet.
"""

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from bocage.core.artifacts import RECORD, ArtifactStore
from bocage.core.digest import digest_file
from bocage.datasets.read import open_dataset
from bocage.experiment.load import load_experiment
from bocage.pipeline.run import needed_stages, run_stages
from bocage.pipeline.stages import plan_stages

STAGES = ("parcels", "taxonomy", "scenes", "cubes", "labels", "patches", "datasets", "splits")
SHAPES = {
    "single dates": {"patches": {"size_px": 32, "dates": "single"}},
    "composites": {
        "cubes": {"composite": "monthly_median", "fill": "neighbours"},
        "patches": {"size_px": 32, "dates": "series"},
        "datasets": {"store": "npy"},
    },
}
TRIES = 3  # a stage
LEAST_IN_A_FILE, MORE_TRIES = 3, 12  # kills while a file is half written, of each shape
MORE_AGAIN, PIECES = 3, {"cubes": "cube", "labels": "label", "patches": "candidates"}
IN_A_FILE = {"taxonomy": 1, "cubes": 5, "labels": 1, "patches": 1}  # more tries, when a file is half written


def build(file, cache, out):
    experiment = load_experiment(file)
    stages = needed_stages(plan_stages(experiment), "splits")
    run_stages(stages, experiment, out=out, store=ArtifactStore(cache), workers=1)


@pytest.fixture(scope="module")
def forks():
    """Where processes come from that have this module imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "bocage.pipeline.stages"])
    return context


@pytest.fixture
def regions(country, tmp_path):
    """Two regions that overlap: the left and the right two thirds of the country."""
    left, bottom, right, top = country.record["bbox"]
    third = (right - left) / 3
    boxes = {"west": (left, left + 2 * third), "east": (left + third, right)}
    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[a, bottom], [b, bottom], [b, top], [a, top], [a, bottom]]],
            },
        }
        for name, (a, b) in boxes.items()
    ]
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return {"kind": "zones", "path": str(path)}


def contents(cache):
    """Every file of every artifact, without the records, which hold the seconds that it took."""
    return {
        str(p.relative_to(cache)): digest_file(p)
        for p in sorted(cache.rglob("*"))
        if p.is_file() and p.name != RECORD and p.suffix != ".lock"
    }


def unfinished_files(cache):
    found = [Path(folder) / name for folder, _, names in os.walk(cache) for name in names]
    return {p for p in found if p.suffix in (".tmp", ".partial", ".part")}


def events(out):
    log = out / "events.jsonl"
    lines = log.read_text().splitlines() if log.is_file() else []
    return [json.loads(line) for line in lines]


def stage_at_work(out):
    """The stage that had started, but was not done, when the newest process ended; "between" if there was none."""
    open_stage = "between"
    for event in events(out):
        if event["event"] == "stage started":
            open_stage = event["stage"]
        elif event["event"] != "piece done":
            open_stage = "between"
    return open_stage


class Victim:
    """One process that builds."""

    def __init__(self, forks, arguments):
        self.cache, self.out = arguments[1], arguments[2]
        self.log = self.out / "events.jsonl"
        self.before = self.log.stat().st_size if self.log.is_file() else 0
        self.process = forks.Process(target=build, args=arguments)
        self.process.start()

    def wait_for(self, stage):
        """Until this process is at a stage (or just behind it, if it was done before), or is over."""
        while self.process.is_alive():
            if self.has_logged(f'"stage": "{stage}"') or self.has_logged(f'"name": "{stage}"'):
                return

    def has_logged(self, text):
        return self.log.is_file() and text.encode() in self.log.read_bytes()[self.before :]

    def kill_while_writing(self, stage):
        """Stop it whenever a file is seen that is not whole; kill it if that is so. False if the stage ended before."""
        left_by_others = unfinished_files(self.cache)
        while self.process.is_alive() and not self.has_logged(f'"stage done", "name": "{stage}"'):
            if unfinished_files(self.cache) - left_by_others:
                os.kill(self.process.pid, signal.SIGSTOP)
                if unfinished_files(self.cache) - left_by_others:
                    return self.kill()
                os.kill(self.process.pid, signal.SIGCONT)
        self.kill()
        return False

    def kill(self):
        self.process.kill()
        self.process.join()
        return self.process.exitcode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_killed_at_random_moments_of_all_stages(shape, experiment_file, regions, forks, tmp_path):
    file = experiment_file(regions=regions, models=[], **SHAPES[shape])
    whole = forks.Process(target=build, args=(file, tmp_path / "cache-whole", tmp_path / "whole"))
    whole.start()
    whole.join()
    assert whole.exitcode == 0
    expected = contents(tmp_path / "cache-whole")
    seconds = {e["name"]: e["seconds"] for e in events(tmp_path / "whole") if e["event"] == "stage done"}

    draw, killed, in_a_file = random.Random(shape), Counter(), 0
    cache, out = tmp_path / "cache", tmp_path / "run"
    for stage in STAGES:
        for k in range(TRIES):
            victim = Victim(forks, (file, cache, out))
            victim.wait_for(stage)
            time.sleep(draw.uniform(0, 0.8) * seconds[stage] * k / TRIES)
            killed.update([stage_at_work(out)] * victim.kill())
        for k in range(IN_A_FILE.get(stage, 0)):
            victim = Victim(forks, (file, cache, out))
            victim.wait_for(stage)
            time.sleep(draw.uniform(0, 0.3) * seconds[stage] * (k > 1))
            hit = victim.kill_while_writing(stage)
            killed.update([stage_at_work(out)] * hit)
            in_a_file += hit
    for _ in range(MORE_TRIES):  # on a busy machine writing is over before it is seen: cubes are built anew
        if in_a_file >= LEAST_IN_A_FILE:
            break
        for built in ("cubes", "cube"):
            shutil.rmtree(cache / built, ignore_errors=True)
        victim = Victim(forks, (file, cache, out))
        victim.wait_for("cubes")
        in_a_file += victim.kill_while_writing("cubes")
    for stage in STAGES * MORE_AGAIN:  # the same of the shortest stages: those that got away are made anew
        if stage not in killed:
            for built in (stage, PIECES.get(stage, stage)):
                shutil.rmtree(cache / built, ignore_errors=True)
            victim = Victim(forks, (file, cache, out))
            victim.wait_for(stage)
            killed.update([stage_at_work(out)] * victim.kill())
    last = forks.Process(target=build, args=(file, cache, out))
    last.start()
    last.join()
    assert last.exitcode == 0

    assert contents(cache) == expected
    digests = [open_dataset(folder / "dataset").info.digest for folder in (out, tmp_path / "whole")]
    assert digests[0] == digests[1]
    assert killed.total() >= 15, killed
    assert len({*STAGES} & {*killed}) >= 6, killed  # on a busy machine the shortest stages may get away
    assert in_a_file >= LEAST_IN_A_FILE, killed

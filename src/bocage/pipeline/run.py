"""Runs the stale stages of an experiment and lays out the run folder. IO.

A stage is run when no finished artifact stands under its key; the key is the digest of the stage's name, version and
options and of the keys of its inputs. So a second run does no work, and a changed option redoes only what follows it.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bocage.core import interrupt
from bocage.core.artifacts import (
    Artifact,
    ArtifactStore,
    Draft,
    link_file,
    write_json,
    write_text,
    writing_below,
)
from bocage.core.errors import ConfigError
from bocage.experiment.crossvalidation import CrossValidation
from bocage.experiment.load import dump_experiment
from bocage.experiment.schema import Experiment
from bocage.experiment.workers import ThreadWorkers
from bocage.pipeline.provenance import describe_software


@dataclass(frozen=True)
class Stage:
    """One step of the flow.

    Attributes:
        name: stage name; `train/<model>` for models.
        version: raise it when the stage's code changes what it makes.
        inputs: names of the stages whose artifacts it reads.
        options: the part of the experiment that decides its result.
        run: does the work, writing below `draft.path`.
        external: digests of files outside the store that it reads.
        resume: True if a killed run's half is picked up.
        place: country and year whose stage it is, with which its name and those of its inputs end. The store leaves it
            out: an experiment that gets one more country or year finds what was built of the first.
    """

    name: str
    version: int
    inputs: tuple[str, ...]
    options: Callable[[Experiment], Any]
    run: Callable[[Context, Draft], None]
    external: Callable[[Experiment], Mapping[str, str]] = lambda _: {}
    resume: bool = False
    place: str = ""

    @property
    def stored_as(self) -> str:
        return self._without_place(self.name)

    def key(self, experiment: Experiment, artifacts: Mapping[str, Artifact]) -> tuple[str, dict[str, str]]:
        """The key of its artifact, and the inputs that are part of it."""
        read = {self._without_place(name): artifacts[name].key for name in self.inputs}
        inputs = read | dict(self.external(experiment))
        return ArtifactStore.key(self.stored_as, self.version, self.options(experiment), inputs), inputs

    def _without_place(self, name: str) -> str:
        return name.removesuffix(f"/{self.place}") if self.place else name


@dataclass
class Context:
    """What a running stage sees: the experiment, the store, the artifacts of the stages before it, and the threads it
    may use."""

    experiment: Experiment
    workers: int
    store: ArtifactStore
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    event: Callable[..., None] = lambda *_, **__: None

    def path(self, stage: str) -> Path:
        return self.artifacts[stage].path


@dataclass(frozen=True)
class StageResult:
    """One line of a run: what the stage did."""

    name: str
    cached: bool
    seconds: float
    artifact: Artifact

    def to_json(self) -> dict[str, Any]:
        tally = self.artifact.tally
        return {
            "name": self.name,
            "cached": self.cached,
            "seconds": round(self.seconds, 3),
            "tally": tally.to_json() if tally else None,
            "key": self.artifact.key,
            "digest": self.artifact.digest,
        }


def needed_stages(stages: Sequence[Stage], target: str | None) -> list[Stage]:
    """The stages that `target` (a name, or a prefix such as `train`) rests on, itself included; all for None."""
    if target is None:
        return list(stages)
    wanted = {s.name for s in stages if s.name == target or s.name.startswith(f"{target}/")}
    for stage in reversed(stages):
        if stage.name in wanted:
            wanted.update(stage.inputs)
    return [s for s in stages if s.name in wanted]


def run_stages(
    stages: Sequence[Stage],
    experiment: Experiment,
    *,
    out: Path,
    store: ArtifactStore,
    workers: int,
    say: Callable[[str], None] = lambda _: None,
) -> list[StageResult]:
    """Run what is stale, in order. Every stage leaves an event and, when done, its files in the run folder `out`.

    Raises:
        CannotWrite: if the disk of the store or of `out` is full or read-only; what was finished stands.
        ConfigError: if `out` is no run folder, but has files that a run would replace.
    """
    check_out(out, experiment, REPLACED)
    with writing_below(out.absolute()):
        return _run_stages(stages, experiment, out, store, workers, say)


def _run_stages(
    stages: Sequence[Stage],
    experiment: Experiment,
    out: Path,
    store: ArtifactStore,
    workers: int,
    say: Callable[[str], None],
) -> list[StageResult]:
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "experiment.yaml", dump_experiment(experiment))
    most = experiment.workers.n if isinstance(experiment.workers, ThreadWorkers) else None
    threads = min(workers, most or workers)
    context = Context(experiment, threads, store, event=lambda kind, **more: _append_event(out, kind, **more))
    context.event("run started", experiment=experiment.name, stages=[s.name for s in stages])
    results: list[StageResult] = []
    for number, stage in enumerate(stages, 1):
        interrupt.check()
        key, inputs = stage.key(experiment, context.artifacts)
        start = time.perf_counter()
        with store.lock(stage.stored_as, key):
            found = store.find(stage.stored_as, key)
            if found is None:
                say(f"[{number}/{len(stages)}] {stage.name} …")
                context.event("stage started", stage=stage.name, key=key)
                about = {"version": stage.version, "inputs": inputs, "software": describe_software()}
                with store.write(stage.stored_as, key, about=about, resume=stage.resume) as draft:
                    stage.run(context, draft)
        artifact = found or store.find(stage.stored_as, key)
        assert artifact is not None
        context.artifacts[stage.name] = artifact
        seconds = time.perf_counter() - start
        results.append(StageResult(stage.name, found is not None, seconds, artifact))
        tally = f": {artifact.tally}" if artifact.tally else ""
        state = "cached" if found else f"{seconds:.1f} s"
        say(f"[{number}/{len(stages)}] {stage.name} ({state}){tally}")
        context.event("stage done", **results[-1].to_json())
        place_files(artifact, stage.name, out)
        write_manifest(out, experiment, results)
    return results


def write_manifest(out: Path, experiment: Experiment | CrossValidation, results: Sequence[StageResult]) -> None:
    """`manifest.json`: what this run is made of, by key and digest."""
    manifest = {
        "name": experiment.name,
        "seed": experiment.seed,
        "software": describe_software(),
        "stages": [r.to_json() for r in results],
    }
    write_json(out / "manifest.json", manifest)


# where a stage's files appear in the run folder; "" = their names at the top
PLACES = {
    "train": "checkpoint",
    "datasets": "dataset",
    "splits": "",
    "evaluation": "",
    "benchmarks": "benchmarks",
    "mapping": "map",
    "reports": "",
}


REPLACED = tuple(sorted({*filter(None, PLACES.values()), "figures", "model_cards"}))  # folders of a run, made anew


def check_out(out: Path, experiment: Experiment | CrossValidation, replaced: Sequence[str]) -> None:
    """Refuse a folder of somebody else's: a run replaces folders, and the experiment file in it.

    Args:
        replaced: names, or patterns, of those folders.

    Raises:
        ConfigError: if `out` is no run folder, but has one of them, or another experiment.yaml.
    """
    if any((out / name).is_file() for name in ("events.jsonl", "manifest.json")):
        return
    taken = sorted(path.name + "/" for name in replaced for path in out.glob(name))
    own = out / "experiment.yaml"
    if own.is_file() and own.read_text(encoding="utf-8", errors="replace") != dump_experiment(experiment):
        taken.append(own.name)
    if taken:
        raise ConfigError(
            f"{out} is not the folder of a run, but has {', '.join(taken)}, which a run would replace. Name another "
            "folder with --out."
        )


def place_files(artifact: Artifact, stage: str, out: Path) -> None:
    """Show an artifact's files at their place in the run folder."""
    kind, _, name = stage.partition("/")
    place = f"{PLACES[kind]}/{name}" if name and kind in ("train", "mapping") else PLACES.get(stage)
    if place is None:
        return
    target = out / place
    if place:
        shutil.rmtree(target, ignore_errors=True)
    else:
        for folder in {name.partition("/")[0] for name in artifact.record["files"] if "/" in name}:
            shutil.rmtree(target / folder, ignore_errors=True)
    link_files(artifact, target)


def link_files(artifact: Artifact, target: Path) -> None:
    """Show an artifact's files in a folder: hard links where the disk allows it, else copies."""
    for name in artifact.record["files"]:
        link_file(artifact.path / name, target / name)


def _append_event(out: Path, kind: str, **more: Any) -> None:
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": kind, **more}
    with (out / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")

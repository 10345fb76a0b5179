"""Parcels with series, models, folds → one pooled evaluation. IO.

The data set, every fold's split, models and scores, and the pooled scores are artifacts like those of a run: a second
cross-validation does no work, a new model is trained alone, and a killed training goes on after its last epoch.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bocage.core.artifacts import Artifact, ArtifactStore, read_json, write_text
from bocage.core.digest import fingerprint_tree
from bocage.core.tally import Tally
from bocage.datasets.card import write_card
from bocage.datasets.lock import digest_inputs, write_lock
from bocage.datasets.read import open_dataset
from bocage.datasets.series import build_series_dataset
from bocage.experiment.crossvalidation import CrossValidation
from bocage.experiment.load import dump_experiment
from bocage.models.options import ModelOptions
from bocage.pipeline.pieces import Piece, make_piece
from bocage.pipeline.provenance import describe_software
from bocage.pipeline.run import StageResult, check_out, link_files, write_manifest
from bocage.pipeline.stages import describe_training
from bocage.splits.make import make_split
from bocage.splits.options import SplitOptions
from bocage.splits.store import SPLIT, read_split, write_split


class Maker:
    """Makes what is not in the store yet, and shows it in the folder `out`."""

    def __init__(self, out: Path, store: ArtifactStore, workers: int, say: Callable[[str], None]) -> None:
        self.out, self.store, self.workers, self.say = out, store, workers, say
        self.results: list[StageResult] = []

    def make(self, piece: Piece, place: str) -> Artifact:
        """The artifact of a piece; its files appear in the folder `place` of `out`."""
        start = time.perf_counter()
        cached = make_piece(self.store.root, piece, self.workers)
        seconds = time.perf_counter() - start
        artifact = self.store.find(piece.stage, piece.key)
        assert artifact is not None
        self.results.append(StageResult(piece.name, cached, seconds, artifact))
        link_files(artifact, self.out / place)
        tally = f": {artifact.tally}" if artifact.tally else ""
        self.say(f"{piece.name} ({'cached' if cached else f'{seconds:.1f} s'}){tally}")
        return artifact


def run_crossvalidation(
    plan: CrossValidation, *, out: Path, store: ArtifactStore, workers: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Build the data set, train and judge every model in every fold, pool the test parts; only what is not there yet.

    Args:
        out: shows `dataset`, `fold-<i>` (split.parquet, checkpoints, evaluation.json), evaluation.json and blocks.npz.

    Raises:
        ConfigError: if `out` has another's files that would be replaced.

    Returns:
        The pooled evaluation, see `pool_folds`; `tally`, `run`, and `made`: the names of what was not in the store.
    """
    check_out(out, plan, ("dataset", "fold-*"))
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "experiment.yaml", dump_experiment(plan))
    write_manifest(out, plan, [])
    folds = [f"fold-{fold}" for fold in range(plan.splits.n_folds)]
    for stale in (out / "dataset", *out.glob("fold-*")):
        shutil.rmtree(stale, ignore_errors=True)
    maker = Maker(out, store, workers, say)
    dataset = maker.make(plan_dataset(plan), "dataset")
    judged = [make_fold(maker, plan, dataset, fold, name) for fold, name in enumerate(folds)]
    inputs = {name: artifact.key for name, artifact in zip(folds, judged, strict=True)}
    build = partial(_build_pooled, plan, [artifact.path for artifact in judged])
    pooled = maker.make(Piece("pooled", "evaluation/pooled", 2, [plan.evaluation, plan.seed], build, inputs), "")
    write_manifest(out, plan, maker.results)
    made = [result.name for result in maker.results if not result.cached]
    tally = dataset.tally.to_json() if dataset.tally else None
    return {**read_json(pooled.path / "evaluation.json"), "tally": tally, "made": made, "run": str(out)}


def plan_dataset(plan: CrossValidation) -> Piece:
    """The data set of all parcels."""
    inputs = {"series": fingerprint_tree(Path(plan.series.path))}
    return Piece("dataset", "datasets", 1, [plan.series, plan.name], partial(_build_dataset, plan), inputs)


def make_fold(maker: Maker, plan: CrossValidation, dataset: Artifact, fold: int, name: str) -> Artifact:
    """The evaluation of one fold, and before it the fold's split and models."""
    options = plan.splits.model_copy(update={"fold": fold})
    inputs = {"dataset": dataset.key}
    build = partial(_build_split, dataset.path, options, plan.seed)
    split = maker.make(Piece(f"{name}/split", "splits", 1, [options, plan.seed], build, inputs), name)
    inputs |= {"split": split.key}
    models = {}
    for model in plan.models:
        decided = describe_training(model, plan.training, plan.seed)
        train = partial(_build_model, plan, dataset.path, split.path / SPLIT, model)
        piece = Piece(f"{name}/{model.name}", f"train/{model.name}", 1, decided, train, inputs, resume=True)
        models[model.name] = maker.make(piece, f"{name}/{model.name}")
    judge = partial(_build_evaluation, plan, dataset.path, split.path / SPLIT, {k: a.path for k, a in models.items()})
    judged = inputs | {f"train/{k}": a.key for k, a in models.items()}
    options_of_it = [plan.evaluation, plan.seed, list(models)]
    return maker.make(Piece(f"{name}/evaluation", "evaluation", 1, options_of_it, judge, judged), name)


def _build_dataset(plan: CrossValidation, folder: Path, threads: int) -> Tally:
    _, tally = build_series_dataset(folder, plan.series)
    inputs = digest_inputs("series", [Path(plan.series.path)], threads=threads)
    write_lock(folder, inputs, [], describe_software())
    write_card(open_dataset(folder), name=plan.name, sources=[])
    return tally


def _build_split(dataset: Path, options: SplitOptions, seed: int, folder: Path, _: int) -> Tally:
    opened = open_dataset(dataset)
    split = make_split(opened.manifest, options, seed=seed, parcels=opened.parcels())
    write_split(split, folder / SPLIT)
    return split.tally


def _build_model(
    plan: CrossValidation, dataset: Path, split: Path, model: ModelOptions, folder: Path, threads: int
) -> None:
    from bocage.training.train import train_model

    training = plan.training.model_copy(update={"threads": plan.training.threads or threads})
    train_model(open_dataset(dataset), read_split(split), model, training, seed=plan.seed, folder=folder)


def _build_evaluation(
    plan: CrossValidation, dataset: Path, split: Path, models: Mapping[str, Path], folder: Path, _: int
) -> None:
    from bocage.evaluation.evaluate import evaluate
    from bocage.evaluation.judge import judge
    from bocage.models.checkpoint import load_predictor

    predictors = {name: load_predictor(path) for name, path in models.items()}
    opened, parts = open_dataset(dataset), read_split(split)
    found = judge(predictors, opened, parts, plan.evaluation, seed=plan.seed, folder=folder)
    evaluate(found, plan.evaluation, seed=plan.seed, folder=folder)


def _build_pooled(plan: CrossValidation, folds: list[Path], folder: Path, _: int) -> None:
    from bocage.evaluation.pool import pool_folds

    pool_folds(folds, plan.evaluation, seed=plan.seed, folder=folder)

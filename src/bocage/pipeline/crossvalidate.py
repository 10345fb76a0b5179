"""Parcels with series, models, folds → one pooled evaluation. IO."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bocage.datasets.card import write_card
from bocage.datasets.lock import digest_inputs, write_lock
from bocage.datasets.read import open_dataset
from bocage.datasets.series import build_series_dataset
from bocage.experiment.crossvalidation import CrossValidation
from bocage.pipeline.provenance import describe_software
from bocage.splits.make import make_split
from bocage.splits.store import write_split


def run_crossvalidation(
    plan: CrossValidation, *, out: Path, workers: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Build the data set, train and judge every model in every fold, pool the test parts.

    Args:
        out: gets `dataset`, `fold-<i>` (split.parquet, checkpoints, evaluation.json), evaluation.json and blocks.npz.

    Returns:
        The pooled evaluation, see `pool_folds`; and `run`, `tally`.
    """
    from bocage.evaluation.evaluate import evaluate
    from bocage.evaluation.pool import pool_folds
    from bocage.models.checkpoint import load_predictor
    from bocage.training.train import train_model

    _, tally = build_series_dataset(out / "dataset", plan.series)
    write_lock(out / "dataset", digest_inputs("series", [Path(plan.series.path)]), [], describe_software())
    dataset = open_dataset(out / "dataset")
    write_card(dataset, name=plan.name, sources=[])
    say(f"{len(dataset)} parcels; {tally}")
    training = plan.training.model_copy(update={"threads": plan.training.threads or workers})
    folders = [out / f"fold-{fold}" for fold in range(plan.splits.n_folds)]
    for fold, folder in enumerate(folders):
        folder.mkdir(parents=True, exist_ok=True)
        options = plan.splits.model_copy(update={"fold": fold})
        split = make_split(dataset.manifest, options, seed=plan.seed, parcels=dataset.parcels())
        write_split(split, folder / "split.parquet")
        for model in plan.models:
            say(f"fold {fold + 1} of {len(folders)}: {model.name}")
            train_model(dataset, split, model, training, seed=plan.seed, folder=folder / model.name)
        predictors = {m.name: load_predictor(folder / m.name) for m in plan.models}
        evaluate(predictors, dataset, split, plan.evaluation, seed=plan.seed, folder=folder)
    result = pool_folds(folders, plan.evaluation, seed=plan.seed, folder=out)
    return {**result, "tally": tally.to_json(), "run": str(out)}

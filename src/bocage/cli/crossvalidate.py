"""`bocage crossvalidate`: models on parcels with series, judged in folds of ground."""

from __future__ import annotations

from pathlib import Path

import typer

from bocage.cli.arguments import SET
from bocage.cli.output import emit, say, settings, table
from bocage.models.libraries import check_libraries


def crossvalidate(
    file: Path = typer.Argument(help="What is compared (YAML): series, splits, models.", metavar="FILE.yaml"),
    overrides: list[str] = SET,
    out: Path | None = typer.Option(None, "--out", help="Folder; default runs/<name>."),
) -> None:
    """Models on parcels whose series stand in a Parquet table: every fold of ground is the test part once.

    bocage crossvalidate experiments/parcels/corsica-2022.yaml
    """
    from bocage.core.artifacts import ArtifactStore
    from bocage.experiment.crossvalidation import CrossValidation
    from bocage.experiment.load import load_options
    from bocage.pipeline.crossvalidate import run_crossvalidation

    check_libraries()
    plan = load_options(file, overrides, CrossValidation)
    folder = out or Path("runs") / plan.name
    result = run_crossvalidation(plan, out=folder, store=ArtifactStore(), workers=settings.workers, say=say)
    rows = []
    for kind in ("models", "baselines"):
        for name, record in result[kind].items():
            scores = next(iter(record["protocols"].values()))
            bounds = (scores["interval"] or {}).get("pixel_accuracy", {"low": None, "high": None})
            ece = (record["calibration"] or {}).get("ece")
            shown = (*(scores[k] for k in ("miou_foreground", "kappa", "mean_loss")), ece)
            rows.append((name, kind.removesuffix("s"), scores["pixel_accuracy"], bounds["low"], bounds["high"], *shown))
    emit(
        result,
        text=table(["name", "", "accuracy", "low", "high", "foreground mIoU", "kappa", "mean loss", "ECE"], rows),
    )

"""`bocage matrix`: an experiment's models × seeds × scenarios, and their leaderboard."""

from __future__ import annotations

from pathlib import Path

import typer

from bocage.cli.arguments import SET
from bocage.cli.output import emit, say, settings, table
from bocage.models.libraries import check_libraries


def matrix(
    file: Path = typer.Argument(help="Experiment file (YAML) with a `matrix` section.", metavar="EXPERIMENT.yaml"),
    overrides: list[str] = SET,
    out: Path | None = typer.Option(None, "--out", help="Folder; default runs/<experiment name>-matrix."),
    small: bool = typer.Option(
        False, "--small", help="At small scale, on invented countries in place of the experiment's."
    ),
) -> None:
    """Models x seeds x scenarios with one budget, and a leaderboard. Killed, it goes on with the cell it was in.

    bocage matrix experiments/s4a-pad-tables.yaml --small
    """
    from bocage.core.artifacts import ArtifactStore
    from bocage.experiment.load import load_experiment
    from bocage.pipeline.demo import SMALL_PX, shrink_experiment
    from bocage.pipeline.matrix import run_matrix

    check_libraries()
    folder = out or Path("runs") / f"{file.stem}-matrix"
    if small:
        overrides = [*shrink_experiment(file, folder / "countries", seed=1, size_px=SMALL_PX, say=say), *overrides]
    experiment = load_experiment(file, overrides)
    result = run_matrix(experiment, out=folder, store=ArtifactStore(), workers=settings.workers, say=say)
    columns = ("scenario", "model", "miou_foreground", "low", "high", "gain", "drop", "training_s")
    rows = [[row[c] for c in columns] for row in result["leaderboard"]]
    emit(result, text=[table(list(columns), rows), f"report: {result['report']}"])

"""`bocage regions`: where an experiment looks."""

from __future__ import annotations

from pathlib import Path

import typer

from bocage.cli.arguments import EXPERIMENT, RUN, SET
from bocage.cli.output import emit, say, settings, table

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _regions() -> None:
    """Where to look."""


@app.command()
def plan(
    file: Path = EXPERIMENT,
    picture: Path | None = typer.Option(None, help="Draw the regions over the parcels (PNG)."),
    overrides: list[str] = SET,
    run: Path | None = RUN,
) -> None:
    """The regions of an experiment, with their parcels.

    bocage regions plan my.yaml --picture regions.png
    """
    from bocage.core.artifacts import ArtifactStore
    from bocage.experiment.load import load_experiment
    from bocage.pipeline.places import describe_regions

    experiment = load_experiment(file, overrides)
    folder = run or Path("runs") / experiment.name
    rows = describe_regions(
        experiment, picture=picture, out=folder, store=ArtifactStore(), workers=settings.workers, say=say
    )
    columns = ("name", "area_ha", "n_parcels", "parcels_ha", "mean_ha", "target_ha")
    text = table(
        ["region", "ha", "parcels", "parcels ha", "mean ha", "target ha"], [[r[c] for c in columns] for r in rows]
    )
    emit({"regions": rows, "picture": str(picture) if picture else None}, text=text)

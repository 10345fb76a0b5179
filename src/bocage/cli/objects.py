"""`bocage objects`: the parcel table of an experiment."""

from __future__ import annotations

from pathlib import Path

import typer

from bocage.cli.arguments import EXPERIMENT, RUN, SET
from bocage.cli.output import emit, say, settings
from bocage.core.tally import Tally


def objects(
    file: Path = EXPERIMENT,
    out: Path = typer.Option(help="The table: .parquet, or .csv / .csv.gz in the layout of Sen4AgriNet."),
    overrides: list[str] = SET,
    run: Path | None = RUN,
) -> None:
    """One row a parcel: mean, standard deviation and more of each band and date (options: patches.objects).

    bocage objects my.yaml --out parcels.csv.gz \\
      --set patches.objects.periods=month
    """
    from bocage.core.artifacts import ArtifactStore
    from bocage.experiment.load import load_experiment
    from bocage.pipeline.objects import write_objects

    experiment = load_experiment(file, overrides)
    folder = run or Path("runs") / experiment.name
    result = write_objects(experiment, out, out=folder, store=ArtifactStore(), workers=settings.workers, say=say)
    tally = Tally.from_json(result["tally"])
    emit(result, text=f"{out}: {len(result['columns'])} columns; parcels: {tally}")

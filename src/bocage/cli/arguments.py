"""Arguments and options that several commands share, so that each is explained in the same words everywhere."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

EXPERIMENT = typer.Argument(help="Experiment file (YAML).", metavar="EXPERIMENT.yaml")
SET = typer.Option([], "--set", help="Override a value: KEY=VALUE, e.g. training.epochs=3. Repeatable.", metavar="K=V")
RUN = typer.Option(None, "--run", help="Run folder; default runs/<experiment name>.")

PathOption = Annotated[str | None, typer.Option(help="Where a catalog given by name lies: folder, file or address.")]
RegionOption = Annotated[str | None, typer.Option(metavar="FILE_OR_BBOX", help="A vector file, or L,B,R,T in degrees.")]
SeasonOption = Annotated[
    str | None, typer.Option(metavar="A/B", help="First and last day, e.g. 2018-04-01/2018-09-30.")
]
CloudOption = Annotated[float | None, typer.Option(help="Drop cloudier products (0-1).", min=0, max=1)]
LevelOption = Annotated[Literal["L2A", "L1C"], typer.Option(help="Surface (L2A) or top of atmosphere.")]

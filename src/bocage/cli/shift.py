"""`bocage shift`: what differs between a data set and what a model was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bocage.cli.output import emit, table


def shift(
    folder: Annotated[Path, typer.Argument(help="Folder of the data set.", metavar="DIR")],
    against: Annotated[Path, typer.Option(help="Checkpoint folder; it knows what it was trained on.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the pixels that are drawn.")] = 0,
) -> None:
    """Compare a data set with what a model was trained on - radiometry, labels, season - and name likely causes.

    Run it before you judge a model on foreign data: an offset left in, a missing
    division by 10,000, bands in another order or level 1C instead of 2A are named.
    Seasons and countries differ by nature: a finding is a reason to look.

    bocage shift other/dataset --against runs/my-experiment/checkpoint/unet
    """
    from bocage.datasets.read import open_dataset
    from bocage.evaluation.read_shift import compare_with_training
    from bocage.models.checkpoint import read_record

    findings = compare_with_training(open_dataset(folder), read_record(against), seed=seed)
    rows = [(f["kind"], f["message"]) for f in findings]
    emit({"findings": findings}, text=table(["", "finding"], rows) if rows else "Nothing differs.")

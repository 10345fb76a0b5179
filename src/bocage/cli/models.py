"""`bocage models …`: the zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bocage.cli.output import emit, table

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """Print every kind of model, with its parameters at the setting of its paper (see docs/models.md)."""
    from bocage.models.describe import describe_models

    rows = describe_models()
    columns = ("name", "family", "input", "dates", "n_parameters", "source")
    cells = [[f"{r[c]:,}" if c == "n_parameters" and r[c] else r[c] for c in columns] for r in rows]
    emit({"models": rows}, text=table(columns, cells))


@app.command("export")
def export_model(
    checkpoint: Annotated[Path, typer.Argument(help="Folder of one trained network.")],
    onnx: Annotated[Path, typer.Option("--onnx", help="The file to write.")],
    dates: Annotated[int | None, typer.Option(min=1, help="Dates that the file takes, for a model of any.")] = None,
) -> None:
    """Write a trained network as an ONNX file: reflectance in, class probabilities out, any height and width.

    bocage models export runs/a/checkpoint/star --onnx star.onnx --dates 12
    """
    from bocage.models.export import export_onnx

    result = export_onnx(checkpoint, onnx, n_dates=dates)
    text = (
        f"{onnx} takes {result['n_dates']} date(s) of {' '.join(result['bands'])}; its probabilities differ from the "
        f"network's by at most {result['largest_difference']:.1g}."
    )
    emit(result, text=text)

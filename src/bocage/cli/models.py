"""`bocage models …`: the zoo."""

from __future__ import annotations

import typer

from bocage.cli.output import emit, table

app = typer.Typer(help="The models that can be trained.", no_args_is_help=True)


@app.callback()
def models() -> None:
    """The models that can be trained."""


@app.command("list")
def list_models() -> None:
    """Print every kind of model, with its parameters at the setting of its paper (see docs/models.md)."""
    from bocage.models.describe import describe_models

    rows = describe_models()
    columns = ("name", "family", "input", "dates", "n_parameters", "source")
    cells = [[f"{r[c]:,}" if c == "n_parameters" and r[c] else r[c] for c in columns] for r in rows]
    emit({"models": rows}, text=table(columns, cells))

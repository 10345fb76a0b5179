"""`bocage config`: template, check, show, schema."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from bocage.cli.arguments import EXPERIMENT, SET
from bocage.cli.output import emit
from bocage.experiment.load import dump_experiment, load_any
from bocage.experiment.schema import Experiment
from bocage.experiment.templates import list_templates

app = typer.Typer(no_args_is_help=True)


@app.command()
def template(
    name: str = typer.Argument("start", help="Name of a template; --list shows them."),
    list_: bool = typer.Option(False, "--list", help="List the templates."),
) -> None:
    """Print an experiment to start from; redirect it into a file and edit it.

    bocage config template > my.yaml
    """
    if list_:
        emit({"templates": list_templates()}, text="\n".join(list_templates()))
    else:
        from bocage.pipeline.demo import show_template

        text = show_template(name)
        emit({"name": name, "template": text}, text=text.rstrip())


@app.command()
def check(file: Path = EXPERIMENT, overrides: list[str] = SET) -> None:
    """Validate an experiment file: unknown keys, wrong values, missing variables.

    bocage config check my.yaml --set training.epochs=80
    """
    experiment = load_any(file, overrides)
    emit({"ok": True, "name": experiment.name}, text=f"{file}: OK ({experiment.name})")


@app.command()
def show(file: Path = EXPERIMENT, overrides: list[str] = SET) -> None:
    """Print the experiment with all defaults, variables and paths filled in.

    bocage config show my.yaml
    """
    experiment = load_any(file, overrides)
    emit(experiment.model_dump(mode="json"), text=dump_experiment(experiment).rstrip())


@app.command()
def schema() -> None:
    """Print the JSON Schema of experiment files, for editors and other tools.

    bocage config schema > experiment.schema.json
    """
    document = Experiment.model_json_schema()
    emit(document, text=json.dumps(document, indent=1))

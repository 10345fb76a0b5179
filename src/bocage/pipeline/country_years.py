"""Stages of one country and year → the same stages for each of several, each on its own part of an experiment. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bocage.core.artifacts import Draft
from bocage.experiment.schema import Experiment
from bocage.pipeline.run import Context, Stage


def place_stages(stages: Sequence[Stage], name: str, own: Experiment) -> list[Stage]:
    """The stages under the names `<stage>/<name>`, reading one another and working on the experiment `own`.

    The models, which all country-years share, keep their names.
    """
    return [_place(stage, name, own) for stage in stages]


def _place(stage: Stage, name: str, own: Experiment) -> Stage:
    def run(context: Context, draft: Draft) -> None:
        stage.run(look_from(context, name, own), draft)

    return replace(
        stage,
        name=f"{stage.name}/{name}",
        place=name,
        inputs=tuple(i if i.startswith("train/") else f"{i}/{name}" for i in stage.inputs),
        options=lambda _: stage.options(own),
        external=lambda _: stage.external(own),
        run=run,
    )


def look_from(context: Context, name: str, own: Experiment) -> Context:
    """What a stage of one country-year sees: its own artifacts under their plain names, and the models."""
    ending = f"/{name}"
    shared = {n: a for n, a in context.artifacts.items() if n.startswith("train/")}
    placed = {n.removesuffix(ending): a for n, a in context.artifacts.items() if n.endswith(ending)}
    return replace(context, experiment=own, artifacts=shared | placed)

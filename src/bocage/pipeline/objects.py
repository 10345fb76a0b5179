"""The parcel table as a stage of its own: it rests on taxonomy, cubes and labels, and is made when asked for. IO."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from bocage.core.artifacts import ArtifactStore
from bocage.core.errors import ConfigError
from bocage.experiment.schema import Experiment
from bocage.patches.objects import columns_of, to_csv_layout
from bocage.pipeline.run import Stage, needed_stages, run_stages
from bocage.pipeline.stages import OBJECTS, plan_building


def plan_objects(experiment: Experiment) -> list[Stage]:
    """The stages that the parcel table needs, and its own.

    Raises:
        ConfigError: if the experiment has several countries and years.
    """
    if experiment.also:
        raise ConfigError(
            f"A parcel table is of one country and year; '{experiment.name}' has {', '.join(experiment.split_up())}. "
            "Take one with --set 'also=[]', or set datasets.samples: objects to have all of them in one data set."
        )
    datasets = experiment.datasets.model_copy(update={"samples": "objects"})
    return needed_stages(plan_building(experiment.model_copy(update={"datasets": datasets})), "objects")


def write_objects(
    experiment: Experiment, target: Path, *, out: Path, store: ArtifactStore, workers: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Make the parcel table if it is not there yet, and write it to `target`.

    Args:
        target: .parquet (all columns), .csv or .csv.gz (the layout of Sen4AgriNet's object files).
        out: run folder.

    Returns:
        objects (the path), n_parcels, n_dropped, columns, tally, run.

    Raises:
        ConfigError: if the name says neither, or the experiment has several countries and years.
    """
    kinds = (".parquet", ".csv", ".csv.gz")
    if not target.name.endswith(kinds):
        raise ConfigError(f"--out is '{target}', but a parcel table is written as {', '.join(kinds)}.")
    results = run_stages(plan_objects(experiment), experiment, out=out, store=store, workers=workers, say=say)
    made = results[-1].artifact
    table = pd.read_parquet(made.path / OBJECTS)
    written = table if target.suffix == ".parquet" else to_csv_layout(table)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".part-{target.name}")  # keeps the ending, by which pandas compresses
    if target.suffix == ".parquet":
        written.to_parquet(part, index=False)
    else:
        written.to_csv(part, index=False)
    part.replace(target)
    tally = made.tally
    assert tally is not None
    return {
        "objects": str(target),
        "n_parcels": tally.kept,
        "n_dropped": tally.n_dropped,
        "columns": columns_of(written),
        "tally": tally.to_json(),
        "run": str(out),
    }

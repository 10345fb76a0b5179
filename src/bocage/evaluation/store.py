"""Predictions -> predictions.json and predictions.npz, and back. IO."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from bocage.core.artifacts import read_json, write_json
from bocage.evaluation.outcome import Outcome
from bocage.evaluation.predictions import Predictions
from bocage.evaluation.write import write_arrays

RECORD, ARRAYS = "predictions.json", "predictions.npz"


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """`predictions.json`: everything but the counts; `predictions.npz`: `<name>/<array>`, see `Outcome.to_arrays`."""
    about = {f.name: getattr(predictions, f.name) for f in fields(predictions) if f.name != "outcomes"}
    write_json(folder / RECORD, about | {"names": list(predictions.outcomes)})
    arrays = {
        f"{name}/{key}": array
        for name, outcome in predictions.outcomes.items()
        for key, array in outcome.to_arrays().items()
    }
    write_arrays(folder / ARRAYS, arrays)


def read_predictions(folder: Path) -> Predictions:
    """What `write_predictions` wrote."""
    about = read_json(folder / RECORD)
    names = about.pop("names")
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        own = {n: {k.removeprefix(f"{n}/"): arrays[k] for k in arrays.files if k.startswith(f"{n}/")} for n in names}
    lists = {key: tuple(about[key]) for key in ("models", "blocks")}
    shift = None if about["shift"] is None else tuple(about["shift"])
    outcomes = {name: Outcome.from_arrays(found) for name, found in own.items()}
    return Predictions(**{**about, **lists, "shift": shift, "outcomes": outcomes})

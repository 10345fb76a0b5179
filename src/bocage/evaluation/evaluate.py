"""What was predicted -> every score of it: evaluation.json and blocks.npz. Writes two files; predicts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bocage.evaluation.compare import compare_models
from bocage.evaluation.describe import describe_counts, describe_sizes, describe_zones
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.predictions import LAST_YEAR, Predictions
from bocage.evaluation.write import Counts, write_blocks, write_evaluation
from bocage.metrics.calibration import describe_calibration
from bocage.metrics.levels import Level, find_level
from bocage.metrics.protocols import find_protocol


def find_levels(options: EvaluationOptions, parents: Mapping[str, str | None]) -> dict[str, Level]:
    """The classes that each protocol tells apart.

    Raises:
        ConfigError: if the hierarchy has no such level.
    """
    return {name: find_level(parents, find_protocol(name).level) for name in options.protocols}


def evaluate(predictions: Predictions, options: EvaluationOptions, *, seed: int, folder: Path) -> dict[str, Any]:
    """Every model's scores under every protocol, beside the baselines; nothing is predicted.

    Args:
        seed: of the bootstrap.
        folder: gets evaluation.json and blocks.npz.

    Returns:
        The content of evaluation.json.
    """
    protocols = {name: find_protocol(name) for name in options.protocols}
    levels = find_levels(options, predictions.parents)
    counts: dict[str, dict[str, Counts]] = {}
    records: dict[str, dict[str, Any]] = {}
    for name, outcome in predictions.outcomes.items():
        plain = {p: outcome.counts(protocol) for p, protocol in protocols.items()}
        counts[name] = {p: (levels[p].merge(c), losses) for p, (c, losses) in plain.items()}
        records[name] = {
            "protocols": {
                p: describe_counts(*c, protocols[p], levels[p].names, options, seed) for p, c in counts[name].items()
            },
            "calibration": describe_calibration(outcome.calibration),
            "zones": describe_zones(outcome, options, seed=seed),
            "parcel_sizes": describe_sizes(outcome, options, px_ha=predictions.px_ha, seed=seed),
        }
        for p, record in records[name]["protocols"].items():
            if protocols[p].unit == "parcel_area":
                record["area_ha"] = record["n_pixels"] * predictions.px_ha
    if LAST_YEAR in records:
        records[LAST_YEAR]["known_fraction"] = predictions.known_fraction
    first, models = options.protocols[0], predictions.models
    result = {
        "part": predictions.part,
        "classes": list(predictions.parents),
        "n_samples": predictions.n_samples,
        "n_unseen_px": predictions.n_unseen_px,
        "shift": None if predictions.shift is None else list(predictions.shift),
        "protocols": records[models[0]]["protocols"] if models else {},
        "models": {name: records[name] for name in models},
        "baselines": {name: record for name, record in records.items() if name not in models},
        "compare": compare_models({m: counts[m][first][0] for m in models}, protocols[first], options, seed=seed),
    }
    write_blocks(folder, predictions.blocks, counts)
    write_evaluation(folder, result)
    return result

"""Evaluations of several folds → one evaluation of all of them. Reads blocks.npz of each fold, writes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from bocage.core.artifacts import read_json
from bocage.evaluation.compare import compare_models
from bocage.evaluation.describe import describe_counts
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.write import LOSS, Counts, write_blocks, write_evaluation
from bocage.metrics.calibration import describe_calibration, read_calibration
from bocage.metrics.protocols import find_protocol


def pool_folds(folds: Sequence[Path], options: EvaluationOptions, *, seed: int, folder: Path) -> dict[str, Any]:
    """Count what every fold's models said of its own test part as one survey.

    Each fold judged other blocks of ground, so the pooled counts hold each block once and intervals resample all of
    them. They say how well models *of this kind* do; the spread between folds is no interval and is not given.

    Args:
        folds: folders that `evaluate` has written, with the same models, classes and protocols.
        folder: gets evaluation.json and blocks.npz.

    Returns:
        The content of evaluation.json.
    """
    records = [read_json(fold / "evaluation.json") for fold in folds]
    class_names, n_folds = records[0]["classes"], len(folds)
    blocks, counts = join_blocks([dict(np.load(fold / "blocks.npz")) for fold in folds])
    described: dict[str, dict[str, Any]] = {}
    for name, by_protocol in counts.items():
        known = records[0]["models"].get(name) or records[0]["baselines"][name]
        protocols = {
            p: describe_counts(*c, find_protocol(p), _told_apart(known, p, class_names), options, seed)
            for p, c in by_protocol.items()
        }
        calibration = pool_calibration([{**r["models"], **r["baselines"]}[name] for r in records])
        described[name] = {"protocols": protocols, "calibration": calibration}
    models, first = list(records[0]["models"]), options.protocols[0]
    result = {
        "part": f"the test parts of {n_folds} folds",
        "classes": class_names,
        "n_samples": sum(r["n_samples"] for r in records),
        "n_unseen_px": sum(r["n_unseen_px"] for r in records),
        "protocols": described[models[0]]["protocols"],
        "models": {name: described[name] for name in models},
        "baselines": {name: record for name, record in described.items() if name not in models},
        "compare": compare_models({m: counts[m][first][0] for m in models}, find_protocol(first), options, seed=seed),
    }
    write_blocks(folder, blocks, counts)
    write_evaluation(folder, result)
    return result


def _told_apart(record: Mapping[str, Any], protocol: str, class_names: Sequence[str]) -> Sequence[str]:
    """The classes under a protocol: at a level of a hierarchy they are not those of the data set."""
    return list(record["protocols"][protocol]["per_class"]) if find_protocol(protocol).level else class_names


def join_blocks(folds: Sequence[Mapping[str, Any]]) -> tuple[list[str], dict[str, dict[str, Counts]]]:
    """Block ids, and name → protocol → counts (n_blocks, K, K) and losses (n_blocks,), of what is in each of several
    blocks.npz."""
    blocks, index = np.unique(np.concatenate([fold["blocks"] for fold in folds]), return_inverse=True)

    def pool(key: str) -> Any:
        together = np.concatenate([fold[key] for fold in folds])
        pooled = np.zeros((len(blocks), *together.shape[1:]), together.dtype)
        np.add.at(pooled, index, together)
        return pooled

    counts: dict[str, dict[str, Counts]] = {}
    for key in folds[0]:
        name, _, protocol = key.partition("/")
        if protocol and not protocol.endswith(LOSS) and all(key in fold for fold in folds):
            losses = pool(key + LOSS) if key + LOSS in folds[0] else None
            counts.setdefault(name, {})[protocol] = (pool(key), losses)
    return blocks.tolist(), counts


def pool_calibration(records: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The calibration over all folds of one model or baseline; None if it gives no probabilities."""
    counted = [read_calibration(r["calibration"]) for r in records if r["calibration"]]
    return describe_calibration(reduce(add, counted)) if counted else None

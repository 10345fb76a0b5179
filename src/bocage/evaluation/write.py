"""evaluation.json, blocks.npz and panels.npz. Writes files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bocage.core.arrays import AnyArray, Float64, Int64, UInt8
from bocage.core.artifacts import replacing, write_json

LOSS = "/loss"  # ending of the names of loss sums in blocks.npz
JUDGED = "model"  # in the files of a benchmark: what is judged, one model or one a rotation
Counts = tuple[Int64, Float64 | None]  # of one model under one protocol, by block: pixels, sums of the loss


def write_evaluation(folder: Path, result: Mapping[str, Any]) -> None:
    """`evaluation.json`."""
    write_json(folder / "evaluation.json", result)


def write_blocks(folder: Path, blocks: Sequence[str], counts: Mapping[str, Mapping[str, Counts]]) -> None:
    """`blocks.npz`: `blocks` (n_blocks,) ids; a model or baseline `<name>/<protocol>` counts (n_blocks, K, K), and
    where it has any `<name>/<protocol>/loss` sums of the cross-entropy (n_blocks,)."""
    arrays: dict[str, AnyArray] = {}
    for name, by_protocol in counts.items():
        for protocol, (counted, losses) in by_protocol.items():
            arrays |= {f"{name}/{protocol}": counted} | (
                {f"{name}/{protocol}{LOSS}": losses} if losses is not None else {}
            )
    write_arrays(folder / "blocks.npz", {"blocks": np.array(blocks, dtype=str), **arrays})


def write_panels(
    folder: Path, sample_ids: Sequence[str], rgb: UInt8, labels: UInt8, predictions: Mapping[str, UInt8]
) -> None:
    """`panels.npz`: `sample_ids` (N,), `rgb` (N, H, W, 3), `labels` and each `prediction_<model>` (N, H, W)."""
    shown = {"sample_ids": np.array(sample_ids, dtype=str), "rgb": rgb, "labels": labels}
    write_arrays(folder / "panels.npz", shown | {f"prediction_{name}": p for name, p in predictions.items()})


def write_arrays(path: Path, arrays: Mapping[str, AnyArray]) -> None:
    """Write named arrays whole or not at all. An older file gives way: in a run folder it is a link into the store."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)

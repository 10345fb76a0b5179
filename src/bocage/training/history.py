"""The record of a training, epoch by epoch, and what follows from it. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One epoch. Losses are per labelled pixel, see `losses`; scores are fractions 0..1 on the val part."""

    epoch: int  # from 1
    train_loss: float
    val_loss: float
    val_miou: float
    val_foreground_miou: float
    val_pixel_accuracy: float
    learning_rate: float
    seconds: float
    samples_per_s: float
    data_wait_fraction: float  # share of the seconds in which training waited for samples


def best_epoch(history: Sequence[Epoch]) -> int:
    """The epoch of lowest validation loss (the earliest on a tie): the one whose weights are kept."""
    return min(history, key=lambda e: (e.val_loss, e.epoch)).epoch


def best_miou_epoch(history: Sequence[Epoch]) -> int:
    """The epoch of highest validation mIoU (the earliest on a tie): recorded beside, as in the EuroCrops paper."""
    return max(history, key=lambda e: (e.val_miou, -e.epoch)).epoch


def is_finished(history: Sequence[Epoch], *, epochs: int, patience: int | None) -> bool:
    """True after the last epoch, or `patience` epochs after the best one."""
    if len(history) >= epochs:
        return True
    return patience is not None and bool(history) and len(history) - best_epoch(history) >= patience


def to_lines(history: Sequence[Epoch]) -> str:
    """`history.jsonl`: one line an epoch."""
    return "".join(json.dumps(asdict(e)) + "\n" for e in history)


def to_json(history: Sequence[Epoch]) -> dict[str, Any]:
    """`history.json`."""
    return {
        "epochs": [asdict(e) for e in history],
        "best_epoch": best_epoch(history) if history else None,
        "best_miou_epoch": best_miou_epoch(history) if history else None,
    }

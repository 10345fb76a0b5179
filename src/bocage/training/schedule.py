"""The learning rate of the next epoch, from the options and the validation losses so far. Pure.

It is worked out anew from the whole history, so a training that goes on has nothing to restore.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bocage.training.options import TrainingOptions

THRESHOLD = 1e-4  # a loss counts as lower if it is by this share, as in torch's ReduceLROnPlateau


def learning_rate(options: TrainingOptions, val_losses: Sequence[float]) -> float:
    """The rate of epoch len(val_losses) + 1.

    During the warm-up it grows evenly to `learning_rate`; the schedule begins behind it.
    """
    done = len(val_losses) - options.warmup_epochs
    if done < 0:
        return options.learning_rate * (len(val_losses) + 1) / (options.warmup_epochs + 1)
    return options.learning_rate * _share(options, done, val_losses[options.warmup_epochs :])


def _share(options: TrainingOptions, done: int, val_losses: Sequence[float]) -> float:
    if options.schedule == "cosine":
        n_epochs = max(options.epochs - options.warmup_epochs, 1)
        return (1 + math.cos(math.pi * done / n_epochs)) / 2
    if options.schedule == "step":
        return float(options.lr_factor ** (done // options.step_epochs))
    return float(options.lr_factor ** _count_plateaus(val_losses, options.lr_patience))


def _count_plateaus(val_losses: Sequence[float], patience: int) -> int:
    """How often the loss stood still for more than `patience` epochs."""
    best, still, plateaus = math.inf, 0, 0
    for loss in val_losses:
        if loss < best * (1 - THRESHOLD):
            best, still = loss, 0
        else:
            still += 1
        if still > patience:
            still, plateaus = 0, plateaus + 1
    return plateaus

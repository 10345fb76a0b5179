"""Epochs -> TensorBoard, if it is installed. IO: event files in `tensorboard/` of the checkpoint folder."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bocage.training.history import Epoch

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"


@contextmanager
def board(folder: Path, *, writes: bool) -> Iterator[Callable[[Epoch], None]]:
    """What draws one epoch; nothing where TensorBoard is not installed, or this process does not write."""
    if not writes or importlib.util.find_spec("tensorboard") is None:
        yield lambda epoch: None
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(folder / FOLDER) as writer:
        yield lambda epoch: _draw(writer, epoch)


def _draw(writer: SummaryWriter, epoch: Epoch) -> None:
    for name, value in asdict(epoch).items():
        if name != "epoch":
            writer.add_scalar(name, value, epoch.epoch)
    writer.flush()

"""Two ConvLSTM cells over a series, fp32: ours beside the textbook loop.

As in `convstar`.
"""

from __future__ import annotations

from pathlib import Path

from torch import nn

from bocage.models.networks.convlstm import ConvLstmCell
from perf.convstar import N_BANDS, SIZE_PX, beside_loop
from perf.frame import Entry
from perf.reference_temporal import lstm_loop

N_HIDDEN = 32


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    cells = nn.ModuleList(ConvLstmCell(n, N_HIDDEN) for n in (N_BANDS, N_HIDDEN))
    return beside_loop("convlstm", cells, lstm_loop, size_px)

"""The Sen4AgriNet paper's ConvLSTM: a series of images -> class logits. Pure; torch.

    dates ── 16 ── cell 64 ─────────────── state ─────────────── cell 64 ─ 3×3 16 ─ 1×1 ─ logits
                    └ stride 2 ─ cell 96 ─ state ─ cell 96 ─ up ──┘
                                 └ stride 2 ─ cell 96 ─ state ─ cell 96 ─ up ┘ (into the cell above)

The encoder's cells (Shi et al. 2015) go through the dates; the decoder takes one step, each of its cells starting from
the state that the encoder's cell of its level ended with. Gates are 5×5 convolutions with GroupNorm, 32 channels a
group. With 4 bands and 12 outputs: 9,032,844 parameters. The published code has the decoder's two transposed
convolutions but does not use what they give; here they feed the cell above, which leaves the count as it is.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bocage.models.networks.dates import seen_dates
from bocage.models.options import ConvLstmOptions
from bocage.models.registry import MODELS, NetworkKind, PaperSetting

SLOPE = 0.2  # of the leaky ReLU between the cells
CHANNELS_PER_GROUP = 32
State = tuple[Tensor, Tensor]  # hidden and memory, each (B, F, H, W)


class ConvLstmCell(nn.Module):
    """A convolutional LSTM over all dates.

    The part of the gates that comes from the input does not wait for the date before: it is one convolution over all
    dates; only the part that comes from the hidden state goes date by date.
    """

    def __init__(self, n_in: int, n_hidden: int, *, kernel_px: int = 5) -> None:
        super().__init__()
        self.n_in, self.n_hidden = n_in, n_hidden
        self.gates = nn.Conv2d(n_in + n_hidden, 4 * n_hidden, kernel_px, padding=kernel_px // 2)
        self.norm = nn.GroupNorm(4 * n_hidden // CHANNELS_PER_GROUP, 4 * n_hidden)

    def forward(self, x: Tensor, seen: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Hidden states (B, T, F, H, W) of x (B, T, C, H, W), and the last state; dates not `seen` change nothing."""
        b, t, _, h, w = x.shape
        padding, weight = self.gates.padding, self.gates.weight
        from_input = F.conv2d(x.flatten(0, 1), weight[:, : self.n_in], self.gates.bias, padding=padding)
        from_input = from_input.view(b, t, -1, h, w)
        hidden, memory = state or (x.new_zeros(b, self.n_hidden, h, w),) * 2
        steps = []
        for date in range(t):
            gates = from_input[:, date]
            if date or state:  # before the first date the hidden state is zero, and so is what comes from it
                gates = gates + F.conv2d(hidden, weight[:, self.n_in :], padding=padding)
            i, f, g, o = self.norm(gates).chunk(4, dim=1)
            kept = seen[:, date, None, None, None]
            memory = torch.where(kept, f.sigmoid() * memory + i.sigmoid() * g.tanh(), memory)
            hidden = torch.where(kept, o.sigmoid() * memory.tanh(), hidden)
            steps.append(hidden)
        return torch.stack(steps, dim=1), (hidden, memory)


class ConvLstm(nn.Module):
    """(B, T, C, H, W) -> (B, K, H, W), for any T."""

    def __init__(self, n_bands: int, n_classes: int, *, stem_channels: int, widths: tuple[int, int, int]) -> None:
        super().__init__()
        top, middle, bottom = widths
        self.entries = nn.ModuleList(
            [
                nn.Conv2d(n_bands, stem_channels, 3, padding=1),
                nn.Conv2d(top, top, 3, stride=2, padding=1),
                nn.Conv2d(middle, middle, 3, stride=2, padding=1),
            ]
        )
        self.encoder = nn.ModuleList(
            [ConvLstmCell(stem_channels, top), ConvLstmCell(top, middle), ConvLstmCell(middle, bottom)]
        )
        self.decoder = nn.ModuleList(
            [ConvLstmCell(bottom, bottom), ConvLstmCell(bottom, middle), ConvLstmCell(middle, top)]
        )
        self.exits = nn.ModuleList(
            [
                nn.ConvTranspose2d(bottom, bottom, 4, stride=2, padding=1),
                nn.ConvTranspose2d(middle, middle, 4, stride=2, padding=1),
                nn.Conv2d(top, stem_channels, 3, padding=1),
            ]
        )
        self.head = nn.Conv2d(stem_channels, n_classes, 1)

    def forward(self, image: Tensor, valid: Tensor, days: Tensor) -> Tensor:
        """Logits (B, K, H, W); H and W multiples of 4. `days` are not looked at: only the order of the dates counts."""
        seen = seen_dates(valid)
        x, states = image, []
        for entry, cell in zip(self.entries, self.encoder, strict=True):
            x = F.leaky_relu(entry(x.flatten(0, 1)), SLOPE).unflatten(0, seen.shape)  # type: ignore[no-untyped-call]
            x, state = cell(x, seen)
            states.append(state)
        one_step = torch.ones_like(seen[:, :1])
        y = states[-1][0]
        for cell, exit_ in zip(self.decoder, self.exits, strict=True):
            hidden, _ = cell(y[:, None], one_step, states.pop())
            y = F.leaky_relu(exit_(hidden[:, 0]), SLOPE)
        logits: Tensor = self.head(y)
        return logits


def build_convlstm(options: ConvLstmOptions, n_bands: int, n_dates: int, n_classes: int) -> ConvLstm:
    return ConvLstm(n_bands, n_classes, stem_channels=options.stem_channels, widths=options.widths)


MODELS.register("convlstm")(
    NetworkKind(
        name="convlstm",
        family="time series",
        input="all bands, date after date",
        dates="variable",
        source="Shi et al. 2015; Sen4AgriNet paper, section V-A, decoder connected",
        options=ConvLstmOptions,
        paper=PaperSetting(n_bands=4, n_dates=6, n_classes=12),
        size_multiple=4,
        build=build_convlstm,
    )
)

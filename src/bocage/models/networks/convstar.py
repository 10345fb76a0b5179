"""ConvSTAR: a series of images -> class logits through stacked convolutional STAR cells. Pure; torch.

A STAR cell (Turkoglu et al. 2021, "Gating revisited") has one gate and no separate memory:

    k = σ(conv(x, h)),   z = tanh(conv(x)),   h' = tanh((1 − k)·h + k·z)

Three cells of 64 channels, then a 1×1 convolution of the top cell's last hidden state: 263,820 parameters with 4 bands
and 12 outputs (Sen4AgriNet).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bocage.models.networks.dates import seen_dates
from bocage.models.options import ConvStarOptions
from bocage.models.registry import MODELS, NetworkKind, PaperSetting


class ConvStarCell(nn.Module):
    """One cell over all dates; all that does not wait for the date before is computed for all dates at once."""

    def __init__(self, n_in: int, n_hidden: int, *, kernel_px: int = 3) -> None:
        super().__init__()
        self.n_in = n_in
        self.gate = nn.Conv2d(n_in + n_hidden, n_hidden, kernel_px, padding=kernel_px // 2)
        self.candidate = nn.Conv2d(n_in, n_hidden, kernel_px, padding=kernel_px // 2)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """Hidden states (B, T, F, H, W) of x (B, T, C, H, W); dates not `seen` (B, T) change nothing."""
        b, t, _, h, w = x.shape
        padding, weight = self.gate.padding, self.gate.weight
        dates_first = x.transpose(0, 1).flatten(0, 1)
        candidate = self.candidate(dates_first).tanh().view(t, b, -1, h, w)
        from_input = F.conv2d(dates_first, weight[:, : self.n_in], self.gate.bias, padding=padding).view(t, b, -1, h, w)
        hidden = torch.zeros_like(candidate[0])
        steps = []
        for date in range(t):
            gate = from_input[date]
            if date:  # before the first date the hidden state is zero, and so is what comes from it
                gate = gate + F.conv2d(hidden, weight[:, self.n_in :], padding=padding)
            new = torch.lerp(hidden, candidate[date], gate.sigmoid()).tanh()
            hidden = torch.where(seen[:, date, None, None, None], new, hidden)
            steps.append(hidden)
        return torch.cat(steps).view(t, b, -1, h, w).transpose(0, 1)


class ConvStar(nn.Module):
    """(B, T, C, H, W) -> (B, K, H, W), for any T, H and W."""

    def __init__(self, n_bands: int, n_classes: int, *, n_layers: int, n_hidden: int) -> None:
        super().__init__()
        self.cells = nn.ModuleList(ConvStarCell(n_hidden if i else n_bands, n_hidden) for i in range(n_layers))
        self.head = nn.Conv2d(n_hidden, n_classes, 1)

    def forward(self, image: Tensor, valid: Tensor, days: Tensor) -> Tensor:
        """Logits. `days` are not looked at: only the order of the dates counts."""
        seen = seen_dates(valid)
        x = image
        for cell in self.cells:
            x = cell(x, seen)
        logits: Tensor = self.head(x[:, -1])
        return logits


def build_convstar(options: ConvStarOptions, n_bands: int, n_dates: int, n_classes: int) -> ConvStar:
    return ConvStar(n_bands, n_classes, n_layers=options.n_layers, n_hidden=options.n_hidden)


MODELS.register("convstar")(
    NetworkKind(
        name="convstar",
        family="time series",
        input="all bands, date after date",
        dates="variable",
        source="Turkoglu et al. 2021; Sen4AgriNet paper, section V-A",
        options=ConvStarOptions,
        paper=PaperSetting(n_bands=4, n_dates=6, n_classes=12),
        size_multiple=1,
        build=build_convstar,
    )
)

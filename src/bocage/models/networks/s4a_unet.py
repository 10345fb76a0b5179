"""The Sen4AgriNet paper's U-Net: stacked dates -> class logits. Pure; torch.

    x ── 64 ───────────────────────── cat ─ 64 ─ 1×1 ─ logits
          └ pool ─ 128 ───── cat ─ 128 ┘
                   └ pool ─ 256 ┘

Each number is a block of two 3×3 convolutions with bias, each followed by BatchNorm and ReLU; up-sampling is a 2×2
transposed convolution with stride 2. With 6 dates of 4 bands and 12 outputs: 1,878,220 parameters.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bocage.models.networks.unet_blocks import DoubleConv
from bocage.models.options import S4aUNetOptions
from bocage.models.registry import MODELS, NetworkKind, PaperSetting


class S4aUNet(nn.Module):
    """Dates are stacked into channels: T × C in, K out."""

    def __init__(self, n_in: int, n_classes: int, *, base_channels: int) -> None:
        super().__init__()
        top, middle, bottom = (base_channels * n for n in (1, 2, 4))
        self.encoder = nn.ModuleList([DoubleConv(n_in, top), DoubleConv(top, middle)])
        self.bottom = DoubleConv(middle, bottom)
        self.up = nn.ModuleList([nn.ConvTranspose2d(bottom, middle, 2, 2), nn.ConvTranspose2d(middle, top, 2, 2)])
        self.decoder = nn.ModuleList([DoubleConv(bottom, middle), DoubleConv(middle, top)])
        self.head = nn.Conv2d(top, n_classes, 1)

    def forward(self, image: Tensor, valid: Tensor, days: Tensor) -> Tensor:
        """(B, T, C, H, W) -> logits (B, K, H, W); H and W multiples of 4. `valid` and `days` are not looked at."""
        x = image.flatten(1, 2)
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, block in zip(self.up, self.decoder, strict=True):
            x = block(torch.cat([up(x), skips.pop()], dim=1))
        logits: Tensor = self.head(x)
        return logits


def build_s4a_unet(options: S4aUNetOptions, n_bands: int, n_dates: int, n_classes: int) -> S4aUNet:
    return S4aUNet(n_bands * n_dates, n_classes, base_channels=options.base_channels)


MODELS.register("s4a_unet")(
    NetworkKind(
        name="s4a_unet",
        family="time series",
        input="all bands of all dates, stacked into channels",
        dates="fixed",
        source="Sen4AgriNet paper, section V-A (layout of its published code)",
        options=S4aUNetOptions,
        paper=PaperSetting(n_bands=4, n_dates=6, n_classes=12),
        size_multiple=4,
        build=build_s4a_unet,
    )
)

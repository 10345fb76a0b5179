"""The EuroCrops paper's U-Net, `UNet4LevelsGN`: reflectance -> class logits. Pure; torch.

    x ── 48 ────────────────────────────────────── cat ─ 48 ─ 1×1 ─ logits
          └ pool ─ 96 ──────────────────── cat ─ 96 ┘
                   └ pool ─ 192 ──── cat ─ 192 ┘
                            └ pool ─ 384 ─ cat ─ 384 ┘
                                     └ pool ─ 768 ─┘

Each number is a block of two 3×3 convolutions without bias, each followed by GroupNorm and ReLU. Up-sampling is
bilinear without a convolution. The paper's 17,660,027 parameters fix this layout; they do not fix the number of
groups, nor the place of the dropout, which stands behind the bottleneck block here.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bocage.models.options import UNet4Options
from bocage.models.registry import MODELS, NetworkKind, PaperSetting

N_LEVELS = 4  # halvings between the input and the bottleneck


class Block(nn.Sequential):
    """Twice: 3×3 convolution, GroupNorm, ReLU."""

    def __init__(self, n_in: int, n_out: int, *, groups: int) -> None:
        super().__init__(
            nn.Conv2d(n_in, n_out, 3, padding=1, bias=False),
            nn.GroupNorm(groups, n_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(n_out, n_out, 3, padding=1, bias=False),
            nn.GroupNorm(groups, n_out),
            nn.ReLU(inplace=True),
        )


class UNet4(nn.Module):
    """Dates are stacked into channels: T × C in, K out."""

    def __init__(self, n_in: int, n_classes: int, *, base_channels: int, groups: int, dropout: float) -> None:
        super().__init__()
        widths = [base_channels * 2**level for level in range(N_LEVELS + 1)]
        self.encoder = nn.ModuleList(
            Block(a, b, groups=groups) for a, b in zip([n_in, *widths[:-2]], widths[:-1], strict=True)
        )
        self.bottleneck = Block(widths[-2], widths[-1], groups=groups)
        self.dropout = nn.Dropout(dropout)
        self.decoder = nn.ModuleList(
            Block(below + skip, skip, groups=groups) for below, skip in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], n_classes, 1)

    def forward(self, image: Tensor, valid: Tensor, days: Tensor) -> Tensor:
        """(B, T, C, H, W) -> logits (B, K, H, W); H and W multiples of 16. `valid` and `days` are not looked at."""
        x = image.flatten(1, 2)
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.dropout(self.bottleneck(x))
        for block in self.decoder:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([x, skips.pop()], dim=1))
        logits: Tensor = self.head(x)
        return logits


def build_unet4(options: UNet4Options, n_bands: int, n_dates: int, n_classes: int) -> UNet4:
    return UNet4(
        n_bands * n_dates,
        n_classes,
        base_channels=options.base_channels,
        groups=options.count_groups(),
        dropout=options.dropout,
    )


MODELS.register("unet4_gn")(
    NetworkKind(
        name="unet4_gn",
        family="single date",
        input="all bands; several dates are stacked into channels",
        dates="fixed",
        source="EuroCrops paper, section 3.1 and table 5",
        options=UNet4Options,
        paper=PaperSetting(n_bands=10, n_dates=1, n_classes=11),
        size_multiple=2**N_LEVELS,
        build=build_unet4,
    )
)

"""The RPG project's hybrid: a 1-D network over each pixel's dates, then a U-Net over what it gives. Pure; torch.

Over time: convolution over 3 dates, ReLU, dropout, convolution over 5 dates, ReLU, dropout, maximum over the dates.
Over space: a U-Net 64-128-256-512-512 with BatchNorm and bilinear up-sampling. The project prints no number of
parameters; with its 4 bands and 51 outputs this layout has 17,322,739.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bocage.models.networks.dates import seen_dates, seen_first
from bocage.models.networks.per_pixel import in_chunks, to_rows
from bocage.models.networks.unet_blocks import DoubleConv
from bocage.models.options import Conv1dUNetOptions
from bocage.models.registry import MODELS, NetworkKind, PaperSetting

CHUNK_PX = 1 << 14  # bounds memory: 12 dates × 64 channels of float32 are 50 MB a layer


class OverTime(nn.Module):
    """(N, T, C) -> (N, D): the strongest answer to any stretch of the season."""

    def __init__(self, n_bands: int, n_channels: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv1d(n_bands, n_channels, 3, padding=1)
        self.second = nn.Conv1d(n_channels, n_channels, 5, padding=2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """Dates not `seen` (N, T) count as zeros, which are never above what a ReLU lets through."""
        mask = seen[:, None]
        x = self.dropout(self.first(x.transpose(1, 2) * mask).relu()) * mask
        x = self.dropout(self.second(x).relu()) * mask
        return x.amax(2)


class Conv1dUNet(nn.Module):
    """(B, T, C, H, W) -> (B, K, H, W), for any T."""

    def __init__(
        self, n_bands: int, n_classes: int, *, temporal_channels: int, base_channels: int, dropout: float
    ) -> None:
        super().__init__()
        self.over_time = OverTime(n_bands, temporal_channels, dropout)
        widths = [base_channels * n for n in (1, 2, 4, 8, 8)]
        above = [temporal_channels, *widths[:-1]]
        self.encoder = nn.ModuleList(DoubleConv(a, b, bias=False) for a, b in zip(above, widths, strict=True))
        targets = [*widths[-3::-1], widths[0]]  # 256, 128, 64, 64: what each level hands up
        self.decoder = nn.ModuleList(
            DoubleConv(2 * skip, target, n_between=skip, bias=False)
            for skip, target in zip(widths[-2::-1], targets, strict=True)
        )
        self.head = nn.Conv2d(widths[0], n_classes, 1)

    def forward(self, image: Tensor, valid: Tensor, days: Tensor) -> Tensor:
        """Logits (B, K, H, W); H and W multiples of 16. `days` are not looked at."""
        b, _, _, h, w = image.shape
        seen = seen_dates(valid)
        image, valid = seen_first(image, seen), seen_first(valid, seen)  # a cloudy day leaves no gap between two others
        rows = in_chunks(self.over_time, *to_rows(image, valid), size=CHUNK_PX)
        x = rows.view(b, h, w, -1).permute(0, 3, 1, 2)
        skips = []
        for level, block in enumerate(self.encoder):
            x = block(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        x = skips.pop()
        for block in self.decoder:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([skips.pop(), x], dim=1))
        logits: Tensor = self.head(x)
        return logits


def build_conv1d_unet(options: Conv1dUNetOptions, n_bands: int, n_dates: int, n_classes: int) -> Conv1dUNet:
    return Conv1dUNet(
        n_bands,
        n_classes,
        temporal_channels=options.temporal_channels,
        base_channels=options.base_channels,
        dropout=options.dropout,
    )


MODELS.register("conv1d_unet")(
    NetworkKind(
        name="conv1d_unet",
        family="time series",
        input="all bands; each pixel's dates, then its surroundings",
        dates="variable",
        source="RPG project (widths of its published code)",
        options=Conv1dUNetOptions,
        paper=PaperSetting(n_bands=4, n_dates=12, n_classes=51),
        size_multiple=16,
        build=build_conv1d_unet,
    )
)

"""What the U-Nets with batch normalisation share. Pure; torch."""

from __future__ import annotations

from torch import nn


class DoubleConv(nn.Sequential):
    """Twice: 3×3 convolution, BatchNorm, ReLU; `n_between` channels after the first, as many as after the second."""

    def __init__(self, n_in: int, n_out: int, *, n_between: int | None = None, bias: bool = True) -> None:
        middle = n_between or n_out
        super().__init__(
            nn.Conv2d(n_in, middle, 3, padding=1, bias=bias),
            nn.BatchNorm2d(middle),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, n_out, 3, padding=1, bias=bias),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
        )

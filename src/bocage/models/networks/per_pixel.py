"""Series of single pixels: patches <-> rows, and networks on rows as networks on patches. Pure; torch.

A network on rows takes `(x (N, T, F), seen (N, T), days (N, T))` and gives `(N, K)`. A row is a pixel or a parcel.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

# Rows at once where nothing is learnt. 4,096 rows of the widest LSTM take about 0.5 GB; on a CPU, 512 rows of the
# transformer stay in the cache and take half the time.
CHUNK_ROWS, CHUNK_ROWS_CPU = 1 << 12, 1 << 9


class PixelSeries(nn.Module):
    """A network on rows, applied to each pixel of a patch."""

    def __init__(self, rows: nn.Module) -> None:
        super().__init__()
        self.rows = rows

    def forward(self, image: Tensor, valid: Tensor, days: Tensor) -> Tensor:
        """(B, T, C, H, W) -> logits (B, K, H, W).

        In training all pixels go through at once, since batch normalisation must see them together: give it few.
        """
        b, _, _, h, w = image.shape
        x, seen = to_rows(image, valid)
        row_days = for_each_pixel(days, h * w)
        chunk = CHUNK_ROWS_CPU if x.device.type == "cpu" else CHUNK_ROWS
        size = len(x) if self.training else chunk
        result = torch.cat([self.rows(x[s], seen[s], row_days[s]) for s in slices(len(x), size)])
        return result.view(b, h, w, -1).permute(0, 3, 1, 2)


def to_rows(image: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """(B, T, C, H, W) and (B, T, H, W) -> (B·H·W, T, C) and (B·H·W, T); pixel by pixel, y before x."""
    return image.permute(0, 3, 4, 1, 2).flatten(0, 2), valid.permute(0, 2, 3, 1).flatten(0, 2)


def for_each_pixel(per_sample: Tensor, n_px: int) -> Tensor:
    """(B, …) -> (B·n_px, …): what belongs to a sample, beside each row of its pixels."""
    return per_sample[:, None].expand(-1, n_px, *per_sample.shape[1:]).flatten(0, 1)


def in_chunks(module: nn.Module, *rows: Tensor, size: int) -> Tensor:
    """`module(*rows)`, `size` rows at a time; for modules that treat each row by itself.

    Where a gradient is wanted, the chunks are computed again on the way back, so that memory stays bounded.
    """
    parts = []
    for chunk in slices(len(rows[0]), size):
        some = [r[chunk] for r in rows]
        again = torch.is_grad_enabled() and len(some[0]) < len(rows[0])
        parts.append(checkpoint(module, *some, use_reentrant=False) if again else module(*some))
    return torch.cat(parts)


def slices(n: int, size: int) -> Iterator[slice]:
    """Chunks of `n` things, `size` at a time."""
    if torch.compiler.is_exporting():  # a file for any number of rows holds no loop over chunks
        return iter((slice(None),))
    return (slice(start, start + size) for start in range(0, n, size))

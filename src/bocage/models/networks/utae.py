"""U-TAE: a U-Net whose bottleneck attends over time, and whose skips use the same attention. Pure; torch.

Garnot and Landrieu 2021, "Panoptic segmentation of satellite image time series with convolutional temporal attention
networks". Every date goes through the encoder by itself; at the lowest level an L-TAE (Garnot and Landrieu 2020) weighs
the dates of each pixel, head by head; up-sampled, the same weights average the encoder's maps on the way up, each head
its own group of channels. With the PASTIS setting (10 bands, 20 outputs): 1,087,260 parameters.

As in the published network the last convolution is followed by BatchNorm (part of the count); the ReLU that follows
there is left out, since logits may be negative.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bocage.models.networks.dates import season_position, seen_dates, sinusoids
from bocage.models.networks.per_pixel import for_each_pixel, slices
from bocage.models.options import UtaeOptions
from bocage.models.registry import MODELS, NetworkKind, PaperSetting

LONGEST_DAYS = 1000.0  # wavelength of the date encoding
ENCODER_GROUPS = 4
CHUNK_PX_CPU = 1 << 16  # pixels of dates encoded at once on a CPU where nothing is learnt: they stay in the cache
REFUSED = -1e4  # score of a date that is not seen: no weight after the softmax, also in half precision


def convolution(n_in: int, n_out: int, norm: nn.Module, *, stride: int = 1) -> nn.Sequential:
    """3×3, or 4×4 for stride 2, with mirrored edges; norm; ReLU."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 4 if stride == 2 else 3, stride=stride, padding=1, padding_mode="reflect"),
        norm,
        nn.ReLU(),
    )


def grouped(n: int) -> nn.GroupNorm:
    return nn.GroupNorm(ENCODER_GROUPS, n)


class Down(nn.Module):
    """Half the size, then two convolutions, the second beside a short cut."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.shrink = convolution(n_in, n_in, grouped(n_in), stride=2)
        self.first = convolution(n_in, n_out, grouped(n_out))
        self.second = convolution(n_out, n_out, grouped(n_out))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(self.shrink(x))
        result: Tensor = x + self.second(x)
        return result


class Up(nn.Module):
    """Twice the size, beside the skip; two convolutions, the second beside a short cut."""

    def __init__(self, n_in: int, n_skip: int, n_out: int) -> None:
        super().__init__()
        self.skip = nn.Sequential(nn.Conv2d(n_skip, n_skip, 1), nn.BatchNorm2d(n_skip), nn.ReLU())
        self.grow = nn.Sequential(
            nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1), nn.BatchNorm2d(n_out), nn.ReLU()
        )
        self.first = convolution(n_out + n_skip, n_out, nn.BatchNorm2d(n_out))
        self.second = convolution(n_out, n_out, nn.BatchNorm2d(n_out))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.first(torch.cat([self.grow(x), self.skip(skip)], dim=1))
        result: Tensor = x + self.second(x)
        return result


class SeriesGroupNorm(nn.Module):
    """GroupNorm of series (N, T, C) over the dates that are seen only, so that padding changes nothing."""

    def __init__(self, n_groups: int, n_channels: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.n_groups, self.eps = n_groups, eps
        self.weight, self.bias = nn.Parameter(torch.ones(n_channels)), nn.Parameter(torch.zeros(n_channels))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        x = x.unflatten(2, (self.n_groups, -1))  # type: ignore[no-untyped-call]
        weight = seen[:, :, None, None].to(x.dtype)
        n = weight.sum((1, 3), keepdim=True) * x.shape[3]
        mean = (x * weight).sum((1, 3), keepdim=True) / n
        variance = ((x - mean).square() * weight).sum((1, 3), keepdim=True) / n
        return ((x - mean) * (variance + self.eps).rsqrt()).flatten(2) * self.weight + self.bias


class TemporalAttention(nn.Module):
    """L-TAE: one learnt query a head weighs the dates of each pixel by their keys."""

    def __init__(self, n_in: int, *, d_model: int, n_heads: int, d_k: int, dropout: float) -> None:
        super().__init__()
        self.n_heads, self.d_k = n_heads, d_k
        self.norm_in = SeriesGroupNorm(n_heads, n_in)
        self.widen = nn.Linear(n_in, d_model)
        self.key = nn.Linear(d_model, n_heads * d_k)
        self.query = nn.Parameter(torch.empty(n_heads, d_k))
        self.narrow = nn.Sequential(nn.Linear(d_model, n_in), nn.BatchNorm1d(n_in), nn.ReLU(), nn.Dropout(dropout))
        self.norm_out = nn.GroupNorm(n_heads, n_in)

    def initialize(self, generator: torch.Generator) -> None:
        nn.init.normal_(self.query, std=(2 / self.d_k) ** 0.5, generator=generator)

    def forward(self, x: Tensor, seen: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """Feature map (B, C, h, w) and weights of the dates (B, heads, T, h, w), of x (B, T, C, h, w)."""
        b, t, _, h, w = x.shape
        rows = x.permute(0, 3, 4, 1, 2).flatten(0, 2)
        seen_rows = for_each_pixel(seen, h * w)
        rows = self.widen(self.norm_in(rows, seen_rows))
        per_head = sinusoids(position, rows.shape[2] // self.n_heads, longest=LONGEST_DAYS)
        rows = rows + for_each_pixel(per_head.repeat(1, 1, self.n_heads), h * w)
        keys = self.key(rows).unflatten(2, (self.n_heads, self.d_k))
        score = torch.einsum("nthk,hk->nht", keys, self.query.to(keys.dtype)) / self.d_k**0.5
        weights = score.float().masked_fill(~seen_rows[:, None], REFUSED).softmax(2)
        values = rows.unflatten(2, (self.n_heads, -1))
        result = torch.einsum("nht,nthd->nhd", weights.to(values.dtype), values).flatten(1)
        result = self.norm_out(self.narrow(result)).view(b, h, w, -1).permute(0, 3, 1, 2)
        return result, weights.view(b, h, w, self.n_heads, t).permute(0, 3, 4, 1, 2)


def average_dates(x: Tensor, weights: Tensor) -> Tensor:
    """(B, T, C, H, W) -> (B, C, H, W): each head's up-sampled weights (B, heads, T, h, w) for its group of channels.

    Date by date into one float32 sum: no array of all products, which takes six times as long on a CPU.
    """
    per_head = x.shape[2] // weights.shape[1]
    total = torch.zeros((), device=x.device)
    for date in range(x.shape[1]):
        wide = weights[:, :, date].repeat_interleave(per_head, dim=1).contiguous(memory_format=torch.channels_last)
        full = F.interpolate(wide, size=x.shape[-2:], mode="bilinear", align_corners=False)
        total = torch.addcmul(total, x[:, date], full)
    return total.to(x.dtype)


class Utae(nn.Module):
    """(B, T, C, H, W) -> (B, K, H, W), for any T."""

    def __init__(self, n_bands: int, n_classes: int, options: UtaeOptions) -> None:
        super().__init__()
        encoder, decoder = options.encoder_widths, options.decoder_widths
        self.date_encoding = options.date_encoding
        self.entry = nn.Sequential(
            convolution(n_bands, encoder[0], grouped(encoder[0])),
            convolution(encoder[0], encoder[0], grouped(encoder[0])),
        )
        self.down = nn.ModuleList(Down(a, b) for a, b in pairwise(encoder))
        self.attention = TemporalAttention(
            encoder[-1], d_model=options.d_model, n_heads=options.n_heads, d_k=options.d_k, dropout=options.dropout
        )
        self.up = nn.ModuleList(
            Up(below, skip, above)
            for (below, above), skip in zip(pairwise(decoder[::-1]), encoder[-2::-1], strict=True)
        )
        self.head = nn.Sequential(
            convolution(decoder[0], decoder[0], nn.BatchNorm2d(decoder[0])),
            nn.Conv2d(decoder[0], n_classes, 3, padding=1, padding_mode="reflect"),
            nn.BatchNorm2d(n_classes),
        )

    def forward(self, image: Tensor, valid: Tensor, days: Tensor) -> Tensor:
        """Logits (B, K, H, W); H and W multiples of 16, the least that mirrored edges allow three levels down."""
        seen = seen_dates(valid)
        dates = image.flatten(0, 1)
        parts = [self._encode(dates[chunk]) for chunk in slices(len(dates), _dates_at_once(dates))]
        series = [torch.cat(level).unflatten(0, seen.shape) for level in zip(*parts, strict=True)]  # type: ignore[no-untyped-call]
        position = season_position(days, seen, encoding=self.date_encoding)
        x, weights = self.attention(series.pop(), seen, position)
        for up in self.up:
            x = up(x, average_dates(series.pop(), weights))
        logits: Tensor = self.head(x)
        return logits

    def _encode(self, dates: Tensor) -> list[Tensor]:
        maps = [self.entry(dates)]
        for down in self.down:
            maps.append(down(maps[-1]))
        return maps


def _dates_at_once(dates: Tensor) -> int:
    if torch.is_grad_enabled() or dates.device.type != "cpu":
        return len(dates)
    return max(1, CHUNK_PX_CPU // (dates.shape[-2] * dates.shape[-1]))


def build_utae(options: UtaeOptions, n_bands: int, n_dates: int, n_classes: int) -> Utae:
    return Utae(n_bands, n_classes, options)


MODELS.register("utae")(
    NetworkKind(
        name="utae",
        family="time series",
        input="all bands of all dates, and the dates themselves",
        dates="variable",
        source="Garnot and Landrieu 2021, PASTIS setting",
        options=UtaeOptions,
        paper=PaperSetting(n_bands=10, n_dates=43, n_classes=20),
        size_multiple=16,
        build=build_utae,
    )
)

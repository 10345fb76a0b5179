"""A transformer's encoder over the dates of one pixel or parcel, two linear layers. Pure; torch.

Sen4AgriNet: the features themselves, plus sine and cosine of the place in the series, are the tokens; three layers, two
heads, 1024 between. With 26 features, 7 dates and 11 outputs, two linear layers on the flattened tokens give the
270,969 parameters that fit the paper's "~ 270 k"; its published code averages over time and has 171,927.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bocage.models.networks.dates import sinusoids
from bocage.models.networks.per_pixel import PixelSeries
from bocage.models.options import TransformerOptions
from bocage.models.registry import MODELS, NetworkKind, PaperSetting

LONGEST = 10_000.0  # wavelength in dates (Vaswani et al. 2017)


class SeriesTransformer(nn.Module):
    """(N, T, F) -> (N, K) for one T; `seen` and `days` are not looked at.

    Features are filled up with zeros to a multiple of the heads.
    """

    def __init__(
        self,
        n_features: int,
        n_dates: int,
        n_classes: int,
        *,
        n_layers: int,
        n_heads: int,
        n_feedforward: int,
        n_dense: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.n_filled = -n_features % n_heads
        width = n_features + self.n_filled
        layer = nn.TransformerEncoderLayer(width, n_heads, n_feedforward, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, n_layers, enable_nested_tensor=False)
        self.dense = nn.Linear(width * n_dates, n_dense)
        self.head = nn.Linear(n_dense, n_classes)

    def forward(self, x: Tensor, seen: Tensor, days: Tensor) -> Tensor:
        x = F.pad(x, (0, self.n_filled))
        place = torch.arange(x.shape[1], device=x.device, dtype=torch.float32)
        x = self.encoder(x + sinusoids(place, x.shape[2], longest=LONGEST))
        logits: Tensor = self.head(self.dense(x.flatten(1)).relu())
        return logits


def build_transformer(options: TransformerOptions, n_bands: int, n_dates: int, n_classes: int) -> PixelSeries:
    network = SeriesTransformer(
        n_bands,
        n_dates,
        n_classes,
        n_layers=options.n_layers,
        n_heads=options.n_heads,
        n_feedforward=options.n_feedforward,
        n_dense=options.n_dense,
        dropout=options.dropout,
    )
    return PixelSeries(network)


MODELS.register("transformer")(
    NetworkKind(
        name="transformer",
        family="object and pixel",
        input="bands × dates of one pixel, or features × dates of one parcel",
        dates="fixed",
        source="Sen4AgriNet paper, section V-B, two linear layers as in its text",
        options=TransformerOptions,
        paper=PaperSetting(n_bands=26, n_dates=7, n_classes=11),
        size_multiple=1,
        build=build_transformer,
        learns_from="pixels",
    )
)

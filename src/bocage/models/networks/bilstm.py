"""LSTM in both directions of time, a dense layer, the classes. Pure; torch.

Sen4AgriNet: three layers of 1024 in each direction, a linear layer on the last hidden state, ReLU, a linear layer. With
26 features and 11 outputs: 60,037,131 parameters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from bocage.models.networks.per_pixel import PixelSeries
from bocage.models.options import BiLstmOptions
from bocage.models.registry import MODELS, NetworkKind, PaperSetting


class BiLstm(nn.Module):
    """(N, T, F) -> (N, K) for any T; a row is read without its dates that are not seen. `days` are not looked at."""

    def __init__(self, n_features: int, n_classes: int, *, n_layers: int, n_hidden: int, n_dense: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_features, n_hidden, n_layers, batch_first=True, bidirectional=True)
        self.dense = nn.Linear(2 * n_hidden, n_dense)
        self.head = nn.Linear(n_dense, n_classes)

    def forward(self, x: Tensor, seen: Tensor, days: Tensor) -> Tensor:
        order = torch.argsort(~seen, dim=1, stable=True)  # seen dates first, in order
        x = x.gather(1, order[..., None].expand_as(x))
        n_seen = seen.sum(1).clamp(min=1).cpu()
        _, (hidden, _) = self.lstm(pack_padded_sequence(x, n_seen, batch_first=True, enforce_sorted=False))
        last = torch.cat([hidden[-2], hidden[-1]], dim=1)  # of the top layer: forwards, backwards
        logits: Tensor = self.head(self.dense(last).relu())
        return logits


def build_bilstm(options: BiLstmOptions, n_bands: int, n_dates: int, n_classes: int) -> PixelSeries:
    network = BiLstm(n_bands, n_classes, n_layers=options.n_layers, n_hidden=options.n_hidden, n_dense=options.n_dense)
    return PixelSeries(network)


MODELS.register("bilstm")(
    NetworkKind(
        name="bilstm",
        family="object and pixel",
        input="bands of one pixel, or features of one parcel, date after date",
        dates="variable",
        source="Sen4AgriNet paper, section V-B",
        options=BiLstmOptions,
        paper=PaperSetting(n_bands=26, n_dates=7, n_classes=11),
        size_multiple=1,
        build=build_bilstm,
        learns_from="pixels",
    )
)

"""LSTM in both directions of time, a dense layer, the classes. Pure; torch.

Sen4AgriNet: three layers of 1024 in each direction, a linear layer on the last hidden state, ReLU, a linear layer. With
26 features and 11 outputs: 60,037,131 parameters.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from bocage.models.networks.dates import seen_first
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
        last_states = date_by_date if torch.compiler.is_exporting() else packed
        last = torch.cat(last_states(self.lstm, x, seen), dim=1)
        logits: Tensor = self.head(self.dense(last).relu())
        return logits


def packed(lstm: nn.LSTM, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Last hidden states (N, F) of the top layer, forwards and backwards, of x (N, T, C) over its seen dates (N, T)."""
    n_seen = seen.sum(1).clamp(min=1).cpu()
    _, (hidden, _) = lstm(pack_padded_sequence(seen_first(x, seen), n_seen, batch_first=True, enforce_sorted=False))
    return hidden[-2], hidden[-1]


def date_by_date(lstm: nn.LSTM, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """The same by the cell's equations: packed series cannot be exported."""
    n_dates = x.shape[1]
    first = torch.arange(n_dates, device=x.device) == 0
    seen = seen | (first & ~seen.any(1, keepdim=True))
    forwards = backwards = x[:, 0]
    for layer in range(lstm.num_layers):
        steps = {}
        for direction, dates in (("", range(n_dates)), ("_reverse", range(n_dates - 1, -1, -1))):
            names = (f"{part}_l{layer}{direction}" for part in ("weight_ih", "bias_ih", "weight_hh", "bias_hh"))
            w_in, b_in, w_hidden, b_hidden = (getattr(lstm, name) for name in names)
            from_input = F.linear(x, w_in, b_in)
            hidden = memory = torch.zeros_like(from_input[:, 0, : lstm.hidden_size])
            steps[direction] = [hidden] * n_dates
            for date in dates:
                i, f, g, o = (from_input[:, date] + F.linear(hidden, w_hidden, b_hidden)).chunk(4, dim=1)
                kept = seen[:, date, None]
                memory = torch.where(kept, f.sigmoid() * memory + i.sigmoid() * g.tanh(), memory)
                hidden = torch.where(kept, o.sigmoid() * memory.tanh(), hidden)
                steps[direction][date] = hidden
        forwards, backwards = steps[""][-1], steps["_reverse"][0]
        x = torch.cat([torch.stack(steps[""], dim=1), torch.stack(steps["_reverse"], dim=1)], dim=2)
    return forwards, backwards


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

"""TempCNN: three convolutions over time, a dense layer, the classes. Pure; torch.

Pelletier, Webb and Petitjean 2019. Each convolution and the dense layer is followed by BatchNorm, ReLU and dropout.
With 26 features, 7 dates, 11 outputs and kernels over 7 dates (Sen4AgriNet): 719,755 parameters.
"""

from __future__ import annotations

from torch import Tensor, nn

from bocage.models.networks.per_pixel import PixelSeries
from bocage.models.options import TempCnnOptions
from bocage.models.registry import MODELS, NetworkKind, PaperSetting


class TempCnn(nn.Module):
    """(N, T, F) -> (N, K) for one T; `seen` and `days` are not looked at."""

    def __init__(
        self, n_features: int, n_dates: int, n_classes: int, *, n_hidden: int, kernel_dates: int, dropout: float
    ) -> None:
        super().__init__()

        def convolution(n_in: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv1d(n_in, n_hidden, kernel_dates, padding=kernel_dates // 2),
                nn.BatchNorm1d(n_hidden),
                nn.ReLU(),
                nn.Dropout(dropout),
            )

        self.convolutions = nn.Sequential(convolution(n_features), convolution(n_hidden), convolution(n_hidden))
        self.dense = nn.Sequential(
            nn.Linear(n_hidden * n_dates, 4 * n_hidden), nn.BatchNorm1d(4 * n_hidden), nn.ReLU(), nn.Dropout(dropout)
        )
        self.head = nn.Linear(4 * n_hidden, n_classes)

    def forward(self, x: Tensor, seen: Tensor, days: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dense(self.convolutions(x.transpose(1, 2)).flatten(1)))
        return logits


def build_tempcnn(options: TempCnnOptions, n_bands: int, n_dates: int, n_classes: int) -> PixelSeries:
    network = TempCnn(
        n_bands,
        n_dates,
        n_classes,
        n_hidden=options.n_hidden,
        kernel_dates=options.kernel_dates,
        dropout=options.dropout,
    )
    return PixelSeries(network)


MODELS.register("tempcnn")(
    NetworkKind(
        name="tempcnn",
        family="object and pixel",
        input="bands × dates of one pixel, or features × dates of one parcel",
        dates="fixed",
        source="Pelletier et al. 2019; Sen4AgriNet paper, section V-B",
        options=TempCnnOptions,
        paper=PaperSetting(n_bands=26, n_dates=7, n_classes=11),
        size_multiple=1,
        build=build_tempcnn,
        learns_from="pixels",
    )
)

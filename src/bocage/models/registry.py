"""What the zoo knows about each kind of model, and the registry of kinds. Pure; needs no torch.

Import `MODELS` from `bocage.models.zoo`, which fills it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bocage.core.options import Options
from bocage.core.registry import Registry

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier
    from torch import nn

    from bocage.models.trees.features import PixelFeatures


@dataclass(frozen=True)
class ModelKind:
    """One kind of model.

    Attributes:
        family: "single date", "time series", "pixel" or "object": what one decision is made from.
        input: what goes in, in words.
        dates: "single" takes one date; "fixed" the number of dates it was trained with; "variable" any.
        source: where the layout comes from.
        options: its options record.
    """

    name: str
    family: str
    input: str
    dates: Literal["single", "fixed", "variable"]
    source: str
    options: type[Options]


@dataclass(frozen=True)
class NetworkKind(ModelKind):
    """A torch network `(image (B,T,C,H,W), valid (B,T,H,W), days (B,T)) -> logits (B,K,H,W)`.

    `build(options, n_bands, n_dates, n_classes)` leaves the weights to the caller (`networks.initialize`).
    `size_multiple`: H and W must be multiples of it; `networks.predictor.logits` pads.
    """

    size_multiple: int
    build: Callable[[Any, int, int, int], nn.Module]


@dataclass(frozen=True)
class ForestKind(ModelKind):
    """A forest on features of single pixels.

    `features(options, bands)` plans the features, `build(options, seed, threads)` makes the unfitted forest.
    """

    features: Callable[[Any, tuple[str, ...]], PixelFeatures]
    build: Callable[[Any, int, int | None], RandomForestClassifier]


MODELS: Registry[NetworkKind | ForestKind] = Registry("model kind")

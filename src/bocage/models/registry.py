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
    from xgboost import Booster

    from bocage.core.arrays import Float32, UInt8
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
class PaperSetting:
    """What the source of a layout feeds it with: bands (or features), dates, and classes with the background."""

    n_bands: int
    n_dates: int
    n_classes: int


@dataclass(frozen=True)
class NetworkKind(ModelKind):
    """A torch network `(image (B,T,C,H,W), valid (B,T,H,W), days (B,T)) -> logits (B,K,H,W)`.

    `build(options, n_bands, n_dates, n_classes)` leaves the weights to the caller (`networks.initialize`); a kind of
    `variable` dates does not look at `n_dates`, and takes dates without a usable pixel as padding.
    `size_multiple`: H and W must be multiples of it; `networks.predictor.logits` pads.
    `paper`: the setting at which parameters are counted.
    `learns_from`: "patches", or "pixels": it sees each pixel by itself, and learns from some of each patch.
    """

    size_multiple: int
    build: Callable[[Any, int, int, int], nn.Module]
    paper: PaperSetting
    learns_from: Literal["patches", "pixels"] = "patches"


@dataclass(frozen=True)
class ForestKind(ModelKind):
    """A forest on features of single pixels.

    `features(options, bands)` plans the features, `build(options, seed, threads)` makes the unfitted forest.
    """

    features: Callable[[Any, tuple[str, ...]], PixelFeatures]
    build: Callable[[Any, int, int | None], RandomForestClassifier]


@dataclass(frozen=True)
class BoosterKind(ModelKind):
    """Boosted trees on features of single pixels.

    `features(options, bands)` plans the features; `fit(options, features, labels, n_classes, seed, threads)` gives the
    fitted trees, with features (N, F) and labels (N,).
    """

    features: Callable[[Any, tuple[str, ...]], PixelFeatures]
    fit: Callable[[Any, Float32, UInt8, int, int, int | None], Booster]


TREE_KINDS = (ForestKind, BoosterKind)

MODELS: Registry[NetworkKind | ForestKind | BoosterKind] = Registry("model kind")

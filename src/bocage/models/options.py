"""What can be set about a model: one options record a kind. Pure; needs neither torch nor scikit-learn.

The EuroCrops paper is "A Modelling and Evaluation Framework for EuroCrops-Driven Sentinel-2 Crop
Segmentation", section 3; where it does not say a number, the description here says so. The Sen4AgriNet paper is "A
Sentinel-2 Multiyear, Multicountry Benchmark Dataset for Crop Classification and Segmentation With Deep Learning",
section V; the RPG project is "Crop type segmentation from the French RPG".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bocage.core.errors import UnknownName
from bocage.core.options import Options
from bocage.core.registry import nearest


class NetworkOptions(Options):
    """What every network has."""

    standardize: Literal["none", "train"] = Field(
        "train",
        description="train: each band minus its mean, divided by its standard deviation, over the valid pixels of the "
        "training part only; it reached the same validation loss in half the epochs. none: raw reflectance, as in the "
        "paper.",
    )


class UNet4Options(NetworkOptions):
    """`unet4_gn`: the EuroCrops paper's four-level U-Net with group normalisation."""

    base_channels: int = Field(
        48, ge=4, le=256, description="Channels of the first level; each level below doubles them. The paper: 48."
    )
    groups: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Groups of each GroupNorm; divides base_channels. The paper does not say. null: 8, or fewer in a "
        "narrower network, so that each has at least 6 channels of the first level, as 8 have of 48.",
    )
    dropout: float = Field(
        0.1, ge=0, lt=1, description="Share of activations dropped after the bottleneck while training. The paper: 0.1."
    )

    @model_validator(mode="after")
    def _groups_divide_channels(self) -> Self:
        if self.groups and self.base_channels % self.groups:
            raise ValueError(f"groups ({self.groups}) must divide base_channels ({self.base_channels})")
        return self

    def count_groups(self) -> int:
        """`groups`, or what null stands for. With one channel a group, a patch would lose how bright it is."""
        fitting = (n for n in range(1, 9) if self.base_channels % n == 0 and self.base_channels // n >= 6)
        return self.groups or max(fitting, default=1)


class S4aUNetOptions(NetworkOptions):
    """`s4a_unet`: the Sen4AgriNet paper's three-level U-Net over stacked dates."""

    base_channels: int = Field(
        64, ge=4, le=512, description="Channels of the first level; each level below doubles them. The paper: 64."
    )


class ConvLstmOptions(NetworkOptions):
    """`convlstm`: the Sen4AgriNet paper's encoder and decoder of convolutional LSTM cells."""

    stem_channels: int = Field(16, ge=1, le=256, description="Channels of the first and the last convolution: 16.")
    widths: tuple[int, int, int] = Field(
        (64, 96, 96), description="Hidden channels of the three cells, multiples of 8. The paper: 64, 96, 96."
    )

    @field_validator("widths")
    @classmethod
    def _multiples_of_8(cls, widths: tuple[int, int, int]) -> tuple[int, int, int]:
        if wrong := [w for w in widths if w < 8 or w % 8]:
            raise ValueError(f"a width is a positive multiple of 8 (groups of 32 gate channels), got {wrong}")
        return widths


class ConvStarOptions(NetworkOptions):
    """`convstar`: stacked convolutional STAR cells."""

    n_layers: int = Field(3, ge=1, le=12, description="Cells on top of each other. Sen4AgriNet: 3; ZueriCrop: 6.")
    n_hidden: int = Field(64, ge=1, le=512, description="Hidden channels of each cell. The papers: 64.")


class Conv1dUNetOptions(NetworkOptions):
    """`conv1d_unet`: the RPG project's hybrid of a 1-D network over time and a U-Net."""

    temporal_channels: int = Field(64, ge=1, le=512, description="Channels of the network over time. The project: 64.")
    base_channels: int = Field(
        64, ge=4, le=256, description="Channels of the U-Net's first level; the project has 64-128-256-512-512."
    )
    dropout: float = Field(0.3, ge=0, lt=1, description="Dropout in the network over time. The project: 0.3.")


class UtaeOptions(NetworkOptions):
    """`utae`: U-Net with temporal attention at the bottleneck; defaults are the PASTIS setting."""

    encoder_widths: tuple[int, int, int, int] = Field(
        (64, 64, 64, 128), description="Channels of the encoder, from the top; multiples of 4 and of n_heads."
    )
    decoder_widths: tuple[int, int, int, int] = Field(
        (32, 32, 64, 128), description="Channels of the decoder, from the top; the last is the encoder's last."
    )
    n_heads: int = Field(16, ge=1, le=64, description="Attention heads; divides d_model and the encoder's widths.")
    d_model: int = Field(256, ge=4, le=1024, description="Width of the temporal encoder; d_model / n_heads is even.")
    d_k: int = Field(4, ge=1, le=64, description="Width of keys and queries.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Dropout behind the temporal encoder.")
    date_encoding: Literal["day_of_year", "days_since_start"] = Field(
        "day_of_year",
        description="day_of_year: days since 1 January of the year of the last usable date (earlier dates are "
        "negative); days_since_start: days since the first usable date.",
    )

    @model_validator(mode="after")
    def _widths_fit(self) -> Self:
        if wrong := [w for w in self.encoder_widths if w % self.n_heads or w % 4]:
            raise ValueError(f"encoder_widths {wrong} are not multiples of 4 and of n_heads ({self.n_heads})")
        if self.d_model % (2 * self.n_heads):
            raise ValueError(f"d_model ({self.d_model}) must be a multiple of twice n_heads ({self.n_heads})")
        if self.encoder_widths[-1] != self.decoder_widths[-1]:
            raise ValueError(f"the last widths differ: {self.encoder_widths[-1]} and {self.decoder_widths[-1]}")
        return self


class TempCnnOptions(NetworkOptions):
    """`tempcnn`: three convolutions over time."""

    n_hidden: int = Field(128, ge=1, le=1024, description="Channels of the convolutions; the dense layer has 4 times.")
    kernel_dates: int = Field(7, ge=1, le=31, description="Dates that a convolution sees, odd. Sen4AgriNet: 7.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Dropout behind each layer. Pelletier et al. 2019: 0.5.")

    @field_validator("kernel_dates")
    @classmethod
    def _odd_kernel(cls, kernel_dates: int) -> int:
        if kernel_dates % 2 == 0:
            raise ValueError(f"kernel_dates is odd, got {kernel_dates}")
        return kernel_dates


class BiLstmOptions(NetworkOptions):
    """`bilstm`: LSTM layers in both directions of time."""

    n_layers: int = Field(3, ge=1, le=8, description="Layers. The paper: 3.")
    n_hidden: int = Field(1024, ge=1, le=4096, description="Hidden size of a direction. The paper: 1024.")
    n_dense: int = Field(512, ge=1, le=4096, description="Width of the dense layer behind them: 512.")


class TransformerOptions(NetworkOptions):
    """`transformer`: attention between the dates of one pixel or parcel."""

    n_layers: int = Field(3, ge=1, le=12, description="Encoder layers. The paper: 3.")
    n_heads: int = Field(2, ge=1, le=16, description="Attention heads. The paper: 2.")
    n_feedforward: int = Field(1024, ge=1, le=4096, description="Width of the layers between them. The paper: 1024.")
    n_dense: int = Field(512, ge=1, le=4096, description="Width of the first of two final layers: 512.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout in the encoder. Not in the paper's text.")


class XGBoostOptions(Options):
    """`xgboost`: boosted trees on bands × dates of one pixel."""

    n_rounds: int = Field(100, ge=1, le=10_000, description="Boosting rounds; each grows one tree a class.")
    max_depth: int = Field(6, ge=1, le=32, description="Deepest level of a tree.")
    learning_rate: float = Field(0.3, gt=0, le=1, description="Share of each tree that is added.")
    subsample: float = Field(
        0.8, gt=0, le=1, description="Share of the sampled pixels drawn, without replacement, for each round."
    )


class ForestOptions(Options):
    """`random_forest`: every pixel by its own spectrum."""

    n_trees: int = Field(100, ge=1, le=10_000, description="Trees in the forest.")
    max_samples: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Share of the sampled pixels drawn, with replacement, for each tree. The paper: 0.8.",
    )
    max_depth: int | None = Field(None, ge=1, description="Deepest level of a tree; null: until leaves are pure.")
    min_samples_leaf: int = Field(1, ge=1, description="Fewest sampled pixels in a leaf.")


class ContextForestOptions(ForestOptions):
    """`random_forest_context`: the spectrum, and mean and standard deviation of some bands around the pixel."""

    context_bands: tuple[str, ...] = Field(
        ("B04", "B08", "B11", "B12"), min_length=1, description="Bands with local statistics. The paper's four."
    )
    windows_px: tuple[int, ...] = Field(
        (3, 7),
        min_length=1,
        description="Sides of the square windows, odd, in pixels. The paper has two; their sizes are not in its text.",
    )

    @field_validator("windows_px")
    @classmethod
    def _odd(cls, windows_px: tuple[int, ...]) -> tuple[int, ...]:
        wrong = [w for w in windows_px if w < 3 or w % 2 == 0]
        if wrong:
            raise ValueError(f"a window has an odd side of at least 3 px, got {wrong}")
        return windows_px


OPTIONS_OF_KIND: dict[str, type[Options]] = {
    "unet4_gn": UNet4Options,
    "s4a_unet": S4aUNetOptions,
    "convlstm": ConvLstmOptions,
    "convstar": ConvStarOptions,
    "conv1d_unet": Conv1dUNetOptions,
    "utae": UtaeOptions,
    "tempcnn": TempCnnOptions,
    "bilstm": BiLstmOptions,
    "transformer": TransformerOptions,
    "xgboost": XGBoostOptions,
    "random_forest": ForestOptions,
    "random_forest_context": ContextForestOptions,
}


class ModelOptions(Options):
    """One entry of an experiment's `models`."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="What this model is called in results; also the name of its checkpoint folder.",
    )
    kind: str = Field(description="Which model: a name that `bocage models list` prints.")
    options: (
        UNet4Options
        | S4aUNetOptions
        | ConvLstmOptions
        | ConvStarOptions
        | Conv1dUNetOptions
        | UtaeOptions
        | TempCnnOptions
        | BiLstmOptions
        | TransformerOptions
        | XGBoostOptions
        | ContextForestOptions
        | ForestOptions
    ) = Field(
        default_factory=dict,  # becomes the kind's own record below
        validate_default=True,
        description="Settings of that kind.",
    )

    @classmethod
    def record_of(cls, field: str, values: Mapping[str, Any]) -> type[Options] | None:
        return OPTIONS_OF_KIND.get(str(values.get("kind"))) if field == "options" else None

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in OPTIONS_OF_KIND:
            hint = nearest(kind, list(OPTIONS_OF_KIND))
            raise UnknownName(f"No model kind is called '{kind}'.{hint} Known: {', '.join(OPTIONS_OF_KIND)}.")
        return kind

    @field_validator("options", mode="before")
    @classmethod
    def _of_kind(cls, options: Any, info: ValidationInfo) -> Any:
        record = OPTIONS_OF_KIND.get(info.data.get("kind", ""))
        if record is None or type(options) is record:
            return options
        return record.model_validate(options)

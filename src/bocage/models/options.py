"""What can be set about a model: one options record a kind. Pure; needs neither torch nor scikit-learn.

The EuroCrops paper is "A Modelling and Evaluation Framework for EuroCrops-Driven Sentinel-2 Crop
Segmentation", section 3; where it does not say a number, the description here says so.
"""

from __future__ import annotations

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
    groups: int = Field(
        8, ge=1, le=64, description="Groups of each GroupNorm; divides base_channels. The paper does not say."
    )
    dropout: float = Field(
        0.1, ge=0, lt=1, description="Share of activations dropped after the bottleneck while training. The paper: 0.1."
    )

    @model_validator(mode="after")
    def _groups_divide_channels(self) -> Self:
        if self.base_channels % self.groups:
            raise ValueError(f"groups ({self.groups}) must divide base_channels ({self.base_channels})")
        return self


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
    options: UNet4Options | ContextForestOptions | ForestOptions = Field(
        default_factory=dict,  # becomes the kind's own record below
        validate_default=True,
        description="Settings of that kind.",
    )

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

"""Options of the room `patches`. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bocage.core.options import Options


class FilterOptions(Options):
    """What a candidate must be like. Fractions are shares of the window's pixels, 0 … 1."""

    max_nodata_fraction: float = Field(0.2, ge=0, le=1, description="a date with more pixels without data is unusable")
    max_unclear_fraction: float = Field(
        0.2, ge=0, le=1, description="a date with more cloudy, shadowed, snowy or saturated pixels is unusable"
    )
    max_bright_fraction: float = Field(
        0.05, ge=0, le=1, description="a date with more unusually bright pixels (cubes.bright_reflectance) is unusable"
    )
    min_clear_dates: int = Field(
        1, ge=1, description="dates: series only; fewer usable dates, and the window is dropped"
    )
    min_foreground_fraction: float = Field(
        0.01, ge=0, le=1, description="a window with fewer pixels of target classes (neither 0 nor 255) is dropped"
    )
    target_classes: tuple[str, ...] = Field((), description="if given, only windows that hold these classes (names)")
    min_target_fraction: float = Field(
        0.01, ge=0, le=1, description="least share of `target_classes`, taken together, where they are given"
    )


class SelectionOptions(Options):
    """How many of the candidates that passed are taken; those with the rarest classes go first. None: no limit."""

    max_per_region: int | None = Field(None, ge=1, description="patches from one region")
    max_per_scene: int | None = Field(None, ge=1, description="dates: single only; patches from one product")
    max_total: int | None = Field(None, ge=1, description="patches in all")


class PatchOptions(Options):
    """How cubes are cut into patches."""

    size_px: int = Field(256, ge=1, description="side of a patch in pixels")
    stride_px: int | None = Field(None, ge=1, description="pixels from one patch to the next; default: size_px")
    border: bool = Field(
        True, description="where patches leave a remainder, add windows that end at the image's lower and right border"
    )
    dates: Literal["single", "series"] = Field(
        "single", description="single: one sample a date and window; series: one sample a window, with all dates"
    )
    filters: FilterOptions = FilterOptions()
    selection: SelectionOptions = SelectionOptions()

    @model_validator(mode="after")
    def _scenes_have_single_dates(self) -> PatchOptions:
        if self.dates == "series" and self.selection.max_per_scene is not None:
            raise ValueError("selection.max_per_scene belongs to dates: single; a series has many scenes")
        return self

"""Options of the cubes room. Pure."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Literal

from pydantic import Field, field_validator, model_validator

from bocage.core.bands import CLEAR_SCL, DEFAULT_BANDS, SCL_CLASSES, check_bands
from bocage.core.options import Options


class CubeOptions(Options):
    """How scenes become a cube."""

    bands: tuple[str, ...] = Field(DEFAULT_BANDS, min_length=1, description="band names, in the order of the cube")
    resolution_m: int = Field(10, ge=10, description="pixel size in metres; must be that of the products' B02")
    resampling: Literal["nearest", "bilinear", "cubic"] = Field(
        "nearest",
        description="how coarser bands come to the grid: nearest repeats each pixel and keeps every number as it is",
    )
    clear_scl: tuple[int, ...] = Field(
        CLEAR_SCL, description="scene classes (SCL, 0-11) that count as clear; empty: SCL is not read, all is clear"
    )
    dilate_m: float = Field(
        0.0, ge=0, le=2000, description="pixels within this many metres of an unclear one are unclear too"
    )
    max_nodata_fraction: float = Field(
        0.99, ge=0, le=1, description="a date with a larger share of no-data pixels (0-1) is left out"
    )
    bright_reflectance: float = Field(
        0.35, gt=0, description="a pixel whose B02, B03 and B04 all exceed this reflectance is marked bright"
    )
    dark_check: Literal["refuse", "warn", "off"] = Field(
        "refuse", description="what to do with a product whose dark pixels contradict its radiometric offset"
    )

    composite: Literal["none", "monthly_median", "period_median"] = Field(
        "none",
        description="none: one image a date; else the median of the valid dates of each month of the season (without a "
        "season: of the year), or of each of `periods`",
    )
    periods: tuple[tuple[date, date], ...] = Field(
        (), description="period_median only: first and last day of each period, both included, in order, apart"
    )
    fill: Literal["none", "neighbours", "linear", "nearest"] = Field(
        "none",
        description="how a pixel's gaps in time are filled from its valid dates before and after: their mean, on the "
        "line between them, or the nearer of the two; at the ends the only one",
    )

    memory_gb: float = Field(
        8.0,
        ge=1,
        exclude=True,  # of digests and records: the result does not depend on it
        description="memory, in gigabytes, that building one cube may take; what does not fit is read in strips",
    )

    @field_validator("bands")
    @classmethod
    def _known_bands(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        check_bands(bands)
        return bands

    @field_validator("clear_scl")
    @classmethod
    def _known_classes(cls, classes: tuple[int, ...]) -> tuple[int, ...]:
        if unknown := [c for c in classes if c not in SCL_CLASSES]:
            raise ValueError(f"SCL has the classes 0 to 11, not {unknown}")
        return classes

    @model_validator(mode="after")
    def _periods_in_order(self) -> CubeOptions:
        if bool(self.periods) != (self.composite == "period_median"):
            raise ValueError("periods and composite: period_median belong together; give both or neither")
        days = [day for period in self.periods for day in period]
        apart = all(last < first for (_, last), (first, _) in pairwise(self.periods))
        if days != sorted(days) or not apart:
            raise ValueError("the periods must be in order of time and may not share a day")
        return self

"""Options of the cubes room. Pure."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Literal, cast

from pydantic import Field, field_validator, model_validator

from bocage.core.bands import CLEAR_SCL, DEFAULT_BANDS, SCL_CLASSES, check_bands
from bocage.core.options import Options

Statistic = Literal["median", "mean", "first"]
Composite = Literal[
    "none",
    "monthly_median",
    "monthly_mean",
    "monthly_first",
    "days_median",
    "days_mean",
    "days_first",
    "period_median",
    "period_mean",
    "period_first",
]


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

    composite: Composite = Field(
        "none",
        description="none: one image a date; else the median, the mean or the first of a pixel's valid dates of each "
        "month of the season (without a season: of the year), of every `every_days` days of it, or of `periods`",
    )
    periods: tuple[tuple[date, date], ...] = Field(
        (), description="period_… only: first and last day of each period, both included, in order, apart"
    )
    every_days: int | None = Field(
        None, ge=1, le=366, description="days_… only: days of a period, from the first of the season on"
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

    @property
    def over(self) -> str:
        """What one composite is of: "none", "monthly", "days" or "period"."""
        return self.composite.split("_")[0]

    @property
    def statistic(self) -> Statistic:
        """How a composite's dates become one image."""
        return cast(Statistic, self.composite.split("_")[-1])

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
        for given, over in ((self.periods, "period"), (self.every_days, "days")):
            if bool(given) != (self.over == over):
                option = "periods" if over == "period" else "every_days"
                raise ValueError(f"{option} and composite: {over}_… belong together; give both or neither")
        days = [day for period in self.periods for day in period]
        apart = all(last < first for (_, last), (first, _) in pairwise(self.periods))
        if days != sorted(days) or not apart:
            raise ValueError("the periods must be in order of time and may not share a day")
        return self

"""Options of the room `patches`. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

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
    """Which of the candidates that passed are taken. The objective stands in `patches/choose.py`. None: no limit."""

    max_per_region: int | None = Field(None, ge=1, description="patches from one region")
    max_per_scene: int | None = Field(None, ge=1, description="dates: single only; patches from one product")
    max_total: int | None = Field(None, ge=1, description="patches in all")
    method: Literal["objective", "stratified"] = Field(
        "objective",
        description="objective: the most useful ones; stratified: `max_total` drawn so that the share of patches with "
        "each class stays, by iterative stratification",
    )
    draw_block_px: int | None = Field(
        None,
        ge=1,
        description="stratified: side in pixels of the squares of a cube that are drawn whole, with all of their "
        "patches; without it every patch is drawn by itself",
    )
    draw_seed: int = Field(0, ge=0, description="stratified: another number draws others")
    unit: Literal["pixels", "patches"] = Field(
        "pixels", description="what targets and caps count: pixels of the class, or patches that hold any"
    )
    targets: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {}, description="class → wanted amount; more of it is worth nothing. Empty: all there is of every class"
    )
    caps: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {}, description="class (background too) → largest amount; a patch that would exceed it is not taken"
    )
    rare_classes: tuple[str, ...] = Field(
        (), description="patches that hold one of these classes go before all others; only limits and caps stop them"
    )
    ground_weight: float = Field(
        0.5,
        ge=0,
        description="worth of covering all ground, where a class at its target is worth 1; disfavours overlaps",
    )
    spread_weight: float = Field(
        0.5, ge=0, description="worth of the most even spread over blocks of 4 x 4 windows, on the same scale"
    )
    until: Literal["limits", "targets"] = Field(
        "limits",
        description="limits: take whatever fits under limits and caps, the best first; targets: leave patches that "
        "bring no class closer to its target",
    )

    @model_validator(mode="after")
    def _drawing_knows_a_number_only(self) -> SelectionOptions:
        drawing = {"max_total", "method", "draw_block_px", "draw_seed"}
        if self.method == "objective":
            if self.draw_block_px is not None:
                raise ValueError("draw_block_px belongs to method: stratified")
        elif self.max_total is None or (others := sorted(self.model_fields_set - drawing)):
            more = "" if self.max_total is None else f", and {', '.join(others)} belong to method: objective"
            raise ValueError(f"method: stratified draws max_total patches{more}")
        return self


class ObjectOptions(Options):
    """The parcel table: one row a parcel (`bocage objects`)."""

    statistics: tuple[
        Literal["mean", "std", "median", "min", "max", "p05", "p25", "p75", "p95", "skewness", "count"], ...
    ] = Field(
        ("mean", "std"),
        description="what is computed of each band and period over the valid pixels of a parcel; std divides by n, "
        "pNN is a percentile; all but mean, std and count keep the parcels' pixels of a cube in memory",
    )
    coverage: Literal["centre", "exact"] = Field(
        "centre",
        description="centre: pixels whose centre lies in the parcel; exact: every pixel by the share of it that the "
        "parcel covers (needs exactextract; many times slower; mean, std and count only)",
    )
    periods: Literal["date", "month"] = Field(
        "date",
        description="date: columns for each date (YYYYMMDD); month: all dates of a month together, 00 = January",
    )
    inner_buffer_m: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="metres; pixels nearer than this to a pixel outside their parcel, centre to centre, do not count "
        "(with exact coverage the outline is drawn in by as much)",
    )
    min_pixels: int = Field(1, ge=1, description="a parcel with fewer pixels that may count is dropped")

    @model_validator(mode="after")
    def _exact_coverage_is_of_sums(self) -> ObjectOptions:
        sorted_ones = [s for s in self.statistics if s not in ("mean", "std", "count")]
        if self.coverage == "exact" and sorted_ones:
            raise ValueError(f"coverage: exact gives mean, std and count, not {', '.join(sorted_ones)}")
        return self


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
    objects: ObjectOptions = Field(ObjectOptions(), description="the parcel table of `bocage objects`")

    @model_validator(mode="after")
    def _scenes_have_single_dates(self) -> PatchOptions:
        if self.dates == "series" and self.selection.max_per_scene is not None:
            raise ValueError("selection.max_per_scene belongs to dates: single; a series has many scenes")
        return self

"""How maps are made. Options only."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from bocage.core.options import Options

OverlapRule = Literal["edge_distance", "first"]


class MappingOptions(Options):
    """The model that is mapped, the windows it sees, and what is written beside the map."""

    model: str | None = Field(None, description="Name of the model to map; none: the first of the experiment.")
    ensemble: tuple[str, ...] = Field(
        (), description="Names of further models whose probabilities are averaged with those of the model."
    )
    augment: bool = Field(
        False, description="Predict every window in its eight orientations and average; eight times the work."
    )
    precision: Literal["fp32", "bf16"] = Field(
        "fp32",
        description="bf16: networks compute convolutions in bfloat16; about half the time on CPUs that have it; "
        "a few nearly undecided pixels get another class.",
    )
    window_px: int = Field(512, description="Side of the windows that are predicted, in pixels.", ge=16)
    overlap_px: int = Field(32, description="Overlap of neighbouring windows, in pixels; they are blended there.", ge=0)
    probabilities: bool = Field(False, description="Also write one raster layer a class with its probability.")
    areas_path: Path | None = Field(
        None, description="Polygon file (such as NUTS): areas by class are also given for each of its regions."
    )
    areas_name: str | None = Field(
        None, description="Column of that file with the names of the regions; none: their numbers in the file."
    )
    overlaps: OverlapRule = Field(
        "edge_distance",
        description="Whose a pixel of a mosaic is that several tiles map: the tile's whose edge is farthest, or the "
        "first one's by name.",
    )

    @model_validator(mode="after")
    def _names_are_of_a_file(self) -> Self:
        if self.areas_name is not None and self.areas_path is None:
            raise ValueError(f"areas_name is '{self.areas_name}', a column of the polygon file, but none is given")
        return self

    @model_validator(mode="after")
    def _overlap_fits(self) -> Self:
        if 2 * self.overlap_px > self.window_px:
            raise ValueError(f"overlap_px {self.overlap_px} is more than half of window_px {self.window_px}")
        return self

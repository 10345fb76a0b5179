"""How maps are made. Options only."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from bocage.core.options import Options


class MappingOptions(Options):
    """The model that is mapped and the windows it sees."""

    model: str | None = Field(None, description="Name of the model to map; none: the first of the experiment.")
    window_px: int = Field(512, description="Side of the windows that are predicted, in pixels.", ge=16)
    overlap_px: int = Field(64, description="Overlap of neighbouring windows, in pixels; they are blended there.", ge=0)

    @model_validator(mode="after")
    def _overlap_fits(self) -> Self:
        if 2 * self.overlap_px > self.window_px:
            raise ValueError(f"overlap_px {self.overlap_px} is more than half of window_px {self.window_px}")
        return self

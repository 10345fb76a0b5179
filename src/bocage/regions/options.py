"""Options of the regions room. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bocage.core.options import Options


class RegionOptions(Options):
    """Where to look."""

    kind: Literal["scenes", "bbox", "file"] = Field(
        "scenes",
        description="scenes: wherever the scenes are; bbox: a longitude/latitude box; file: shapes of a vector file",
    )
    bbox: tuple[float, float, float, float] | None = Field(
        None, description="left, bottom, right, top in degrees of longitude and latitude (kind: bbox)"
    )
    path: str | None = Field(None, description="a vector file; its shapes are united (kind: file)")

    @model_validator(mode="after")
    def _one_place(self) -> RegionOptions:
        if (self.kind == "bbox") != (self.bbox is not None):
            raise ValueError("`bbox` belongs to kind: bbox, and kind: bbox needs it")
        if (self.kind == "file") != (self.path is not None):
            raise ValueError("`path` belongs to kind: file, and kind: file needs it")
        if self.bbox is not None:
            left, bottom, right, top = self.bbox
            if not (-180 <= left < right <= 180 and -90 <= bottom < top <= 90):
                raise ValueError(f"a box is left, bottom, right, top in degrees, got {self.bbox}")
        return self

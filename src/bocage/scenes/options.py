"""Options of the scenes room. Pure."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from bocage.core.options import Options


class SceneOptions(Options):
    """Which products to use."""

    catalog: str = Field("local_safe", description="where to search: a name of `bocage scenes catalogs`")
    path: str | None = Field(None, description="folder or file of a local catalog, or address of a STAC API")
    collection: str | None = Field(None, description="collection of a STAC API; by default the one of the level")
    season: tuple[date, date] | None = Field(None, description="first and last sensing date, both included")
    level: Literal["L2A", "L1C"] = Field(
        "L2A", description="processing level: surface (L2A) or top of atmosphere (L1C)"
    )
    max_cloud_fraction: float | None = Field(
        None, ge=0, le=1, description="products with a larger cloud share (0-1, by their metadata) are dropped"
    )
    tiles: tuple[str, ...] | None = Field(None, description="MGRS tiles such as 31TEJ; others are dropped")

    @model_validator(mode="after")
    def _season_in_order(self) -> SceneOptions:
        if self.season and self.season[0] > self.season[1]:
            raise ValueError(f"the season ends on {self.season[1]}, before it begins on {self.season[0]}")
        return self

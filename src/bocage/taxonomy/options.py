"""Settings of the taxonomy room. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bocage.core.options import Options


class TaxonomyOptions(Options):
    """Which target classes, and what becomes of labels that no rule decides."""

    name: str | None = Field("eurocrops-10", description="A taxonomy that comes with bocage (`bocage taxonomy list`).")
    file: str | None = Field(None, description="A taxonomy file of your own; goes before `name`.")
    unmapped: Literal["background", "ignore", "refuse"] = Field(
        "background",
        description="Labels that no rule decides and without a known HCAT code: 0, 255, or an error that lists them.",
    )

"""Settings of the taxonomy room. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bocage.core.options import Options


class TaxonomyOptions(Options):
    """Which target classes, and what becomes of labels that no rule decides."""

    name: str | None = Field("eurocrops-10", description="A taxonomy that comes with bocage (`bocage taxonomy list`).")
    file: str | None = Field(None, description="A taxonomy file of your own; goes before `name`.")
    level: int | None = Field(
        None, ge=1, description="Level of a hierarchical taxonomy, 1 = top; default: all its classes, inner nodes too."
    )
    mixtures: Literal["background", "first", "ignore"] | None = Field(
        None,
        description="Names that hold crops of two classes, without a code that decides: 0, the first one named, or "
        "255; default: as the taxonomy says.",
    )
    unmapped: Literal["background", "ignore", "refuse"] = Field(
        "background",
        description="Labels that no rule decides and without a known HCAT code: 0, 255, or an error that lists them.",
    )

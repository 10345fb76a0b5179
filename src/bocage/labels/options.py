"""Options of the room `labels`. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bocage.core.options import Options


class LabelOptions(Options):
    """How parcels become pixels."""

    outside: Literal["auto", "background", "ignore"] = Field(
        "auto",
        description="land without a parcel. background: known not to be a target class (0); ignore: unknown (255); "
        "auto: background where the parcels' coverage is complete, ignore where it is partial",
    )
    overlaps: Literal["first", "last", "smallest", "ignore"] = Field(
        "last",
        description="whose a pixel is that several parcels claim: the first or last one's in file order, the one's of "
        "smallest area, or nobody's (ignore: label 255, parcel id 0)",
    )
    all_touched: bool = Field(
        False, description="also the pixels that a boundary passes through, not only those whose centre lies inside"
    )
    inner_buffer_m: float = Field(
        0.0,
        ge=0,
        description="metres; pixels of a parcel closer than this to its boundary get the label 255 and keep their id",
    )
    min_pixels: int = Field(
        1,
        ge=1,
        description="a parcel with fewer pixels of its own, off the ring of `inner_buffer_m`, gets the label 255 and "
        "keeps its id",
    )

"""Options of the room `splits`. Pure."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from bocage.core.options import Options


class SplitOptions(Options):
    """Training, validation and test parts."""

    strategy: Literal["blocks", "random_patches"] = Field(
        "blocks",
        description="blocks: square blocks of ground go whole into one part; random_patches: every sample by itself "
        "(the parts leak into each other; only to reproduce papers).",
    )
    block_m: float = Field(1280.0, description="Side of a block on the ground, in metres.", gt=0)
    fractions: tuple[float, float, float] = Field(
        (0.7, 0.15, 0.15), description="Wanted shares of train, val and test, of every class; they sum to 1."
    )
    shared_parcels: Literal["hide", "allow"] = Field(
        "hide",
        description="A parcel in several parts: hide = it counts in one of them (test, else val) and is ignored (255) "
        "in the others; allow = it counts in all.",
    )
    refuse_leakage: bool = Field(
        True, description="Stop with an error if parts share ground or parcels; false = only say so in the audit."
    )

    @model_validator(mode="after")
    def _fractions_are_shares(self) -> Self:
        if min(self.fractions) <= 0 or abs(sum(self.fractions) - 1) > 1e-6:
            raise ValueError(f"fractions are three positive shares that sum to 1, got {self.fractions}")
        return self

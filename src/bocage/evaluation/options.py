"""How models are judged. Options only."""

from __future__ import annotations

from pydantic import Field, field_validator

from bocage.core.options import Options
from bocage.metrics.protocols import PROTOCOLS


class EvaluationOptions(Options):
    """Protocols, intervals and baselines of an evaluation."""

    protocols: tuple[str, ...] = Field(
        ("all_pixels", "crop_pixels", "parcels"),
        description=f"What is counted, of {', '.join(PROTOCOLS)}; the first one is used to compare models.",
        min_length=1,
    )
    bootstrap: int = Field(2000, description="Draws of the block bootstrap.", ge=100, le=100_000)
    level: float = Field(0.95, description="Level of the intervals (fraction).", gt=0.5, lt=1)
    batch_size: int = Field(8, description="Samples that are predicted together.", ge=1)
    baseline_samples: int = Field(
        1000, description="Training samples, drawn at random, that the baselines learn from.", ge=1
    )
    panels: int = Field(6, description="Samples kept as pictures for the report.", ge=0, le=50)

    @field_validator("protocols")
    @classmethod
    def _known_once(cls, protocols: tuple[str, ...]) -> tuple[str, ...]:
        for name in protocols:
            PROTOCOLS[name]
        if len(set(protocols)) != len(protocols):
            raise ValueError(f"a protocol is named twice: {', '.join(protocols)}")
        return protocols

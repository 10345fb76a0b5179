"""How models are judged. Options only."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from bocage.core.options import Options
from bocage.metrics.protocols import PROTOCOLS, find_protocol


class EvaluationOptions(Options):
    """Protocols, intervals and baselines of an evaluation."""

    protocols: tuple[str, ...] = Field(
        ("all_pixels", "crop_pixels", "parcels"),
        description=f"What is counted, of {', '.join(PROTOCOLS)}, and hierarchy:<level> (1 = top); the first one is "
        "used to compare models.",
        min_length=1,
    )
    bootstrap: int = Field(2000, description="Draws of the block bootstrap.", ge=100, le=100_000)
    level: float = Field(0.95, description="Level of the intervals (fraction).", gt=0.5, lt=1)
    parcel_sizes_ha: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.5, 1, 2, 5),
        description="Limits of the size classes in which parcels are also judged (ha of ground that the samples show).",
    )
    batch_size: int = Field(8, description="Samples that are predicted together.", ge=1)
    baseline_samples: int = Field(
        1000, description="Training samples, drawn at random, that the baselines learn from.", ge=1
    )
    panels: int = Field(6, description="Samples kept as pictures for the report.", ge=0, le=50)

    @field_validator("parcel_sizes_ha")
    @classmethod
    def _ascending(cls, limits: tuple[float, ...]) -> tuple[float, ...]:
        if sorted(set(limits)) != list(limits):
            raise ValueError(f"limits ascend, each once; got {', '.join(map(str, limits))}")
        return limits

    @field_validator("protocols")
    @classmethod
    def _known_once(cls, protocols: tuple[str, ...]) -> tuple[str, ...]:
        for name in protocols:
            find_protocol(name)
        if find_protocol(protocols[0]).level is not None:
            raise ValueError(f"the first protocol compares models by their classes; '{protocols[0]}' merges them")
        if len(set(protocols)) != len(protocols):
            raise ValueError(f"a protocol is named twice: {', '.join(protocols)}")
        return protocols

"""The base of all option records: frozen, no unknown keys, every field with a description. Pure."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Settings of one room. Fields carry description, unit and bounds; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

"""The base of all option records: frozen, no unknown keys, every field with a description. Pure."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from bocage.core.errors import ConfigError


class Options(BaseModel):
    """Settings of one room. Fields carry description, unit and bounds; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def from_values(cls, **values: Any) -> Self:
        """Options from a command line. Raises ConfigError naming every value that will not do, and what would."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            wrong = (f"{'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r})" for e in error.errors())
            raise ConfigError("; ".join(wrong)) from None

"""The base of all option records: frozen, no unknown keys, every field with a description. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from bocage.core.errors import ConfigError
from bocage.core.registry import nearest

LONGEST_VALUE = 80  # characters of a wrong value that a message shows


class Options(BaseModel):
    """Settings of one room. Fields carry description, unit and bounds; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def from_values(cls, **values: Any) -> Self:
        """Options from a command line. Raises ConfigError naming every value that will not do, and what would."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError("; ".join(explain(cls, problem) for problem in error.errors())) from None


def explain(schema: type[BaseModel], problem: ErrorDetails) -> str:
    """One wrong, unknown or missing key of a record, and what would do."""
    place, path = problem["loc"], ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        known = _keys_at(schema, place[:-1])
        meant = nearest(str(place[-1]), known)
        return f"unknown key '{path}' (value {_shown(problem['input'])}).{meant} Known: {', '.join(known)}."
    if problem["type"] == "missing":
        return f"'{path}' is missing."
    said = problem["msg"].removeprefix("Value error, ")
    return f"'{path}': {said} (got {_shown(problem['input'])})." if place else said


def _shown(value: Any) -> str:
    """A value as Python writes it; of a long one, such as a whole section, its beginning."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + " …"


def _keys_at(schema: type[BaseModel], place: Sequence[str | int]) -> list[str]:
    """The keys that the section at `place` knows; positions and union tags on the way are passed over."""
    model = schema
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_models_in(model.model_fields[part].annotation), model)
    return list(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)

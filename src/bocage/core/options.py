"""The base of all option records: frozen, no unknown keys, every field with a description. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
            raise ConfigError(" ".join(explain(cls, problem, values) for problem in error.errors())) from None

    @classmethod
    def record_of(cls, field: str, values: Mapping[str, Any]) -> type[Options] | None:
        """Which of several records a field holds, by the other values of its section; None if it has but one."""
        return None


def explain(schema: type[BaseModel], problem: ErrorDetails, values: Any) -> str:
    """One wrong, unknown or missing key of a record, and what would do; `values` are all that were given."""
    place, path = problem["loc"], ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        known = _keys_at(schema, place[:-1], values)
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


def _keys_at(schema: type[BaseModel], place: Sequence[str | int], values: Any) -> list[str]:
    """The keys that the section at `place` knows; positions and union tags on the way are passed over."""
    model = schema
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            is_section = isinstance(values, Mapping)
            chosen = model.record_of(part, values) if issubclass(model, Options) and is_section else None
            model = chosen or next(_models_in(model.model_fields[part].annotation), model)
        values = _below(values, part)
    return list(model.model_fields)


def _below(values: Any, part: str | int) -> Any:
    """The value of a key or at a position; the same where `part` is the tag of a union."""
    if isinstance(values, Mapping):
        return values.get(part, values)
    return values[part] if isinstance(values, Sequence) and isinstance(part, int) else values


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)

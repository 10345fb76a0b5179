"""What a taxonomy is: classes and rules, checked when made. Pure.

A taxonomy that exists is consistent: ids run from 0 (background) without a gap, every rule names a class of it, every
HCAT code is in the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import ConfigDict, Field, ValidationError, model_validator

from bocage.core.errors import ConfigError, UnknownKey, UnknownName
from bocage.core.options import Options
from bocage.core.registry import nearest
from bocage.parcels import hcat

BACKGROUND_NAME = "background"
IGNORE_NAME = "ignore"  # the name of 255: a label too coarse or too mixed to decide
MAX_CLASSES = 255


class CropClass(Options):
    """One target class: `id` is its value in label rasters, `color` its colour in every map and figure."""

    id: int = Field(ge=0, lt=MAX_CLASSES, description="Value in label rasters; 0 is background.")
    name: str = Field(pattern="^[a-z][a-z0-9_]*$", description="Lower case, for files and tables.")
    title: str = Field(description="For people.")
    color: str = Field(pattern="^#[0-9a-f]{6}$", description="#rrggbb")


class Rule(Options):
    """Gives `class_name` to labels that match any of `hcat`, `native`, `words`, unless an `except_` matches."""

    model_config = ConfigDict(populate_by_name=True)

    class_name: str = Field(alias="class", description="Class to give, or `ignore` for labels too coarse to decide.")
    hcat: tuple[str, ...] = Field((), description="HCAT3 codes; each stands for itself and everything below it.")
    native: Mapping[str, tuple[str, ...]] = Field({}, description="Country → its own crop codes, compared as text.")
    words: tuple[str, ...] = Field(
        (), description="Whole words or phrases of a name; a plural -s or -es is understood."
    )
    except_hcat: tuple[str, ...] = Field((), description="HCAT3 subtrees to leave out again.")
    except_words: tuple[str, ...] = Field((), description="Words or phrases that forbid a match by `words`.")


class Taxonomy(Options):
    """Target classes and the rules that lead to them. Codes decide before names, and rules in their order."""

    name: str = Field(description="Short name.")
    title: str = Field("", description="One line for people.")
    source: str = Field("", description="Where the classes come from.")
    classes: tuple[CropClass, ...] = Field(
        min_length=2, description="In the order of their ids; the first is background."
    )
    rules: tuple[Rule, ...] = Field(min_length=1, description="Tried in this order.")

    @model_validator(mode="after")
    def _is_consistent(self) -> Taxonomy:
        if [c.id for c in self.classes] != list(range(len(self.classes))):
            raise ConfigError(f"class ids must be 0, 1, 2, … in order; found {[c.id for c in self.classes]}")
        if self.classes[0].name != BACKGROUND_NAME:
            raise ConfigError(f"class 0 must be called '{BACKGROUND_NAME}'; found '{self.classes[0].name}'")
        if len(set(self.class_names)) != len(self.classes) or IGNORE_NAME in self.class_names:
            raise ConfigError(
                f"class names must differ, and '{IGNORE_NAME}' is taken; found {', '.join(self.class_names)}"
            )
        for rule in self.rules:
            known = (*self.class_names, IGNORE_NAME)
            if rule.class_name not in known:
                hint = nearest(rule.class_name, known)
                raise UnknownName(f"a rule gives class '{rule.class_name}'.{hint} Known: {', '.join(known)}")
            unlisted = [c for c in (*rule.hcat, *rule.except_hcat) if not hcat.is_listed(c)]
            if unlisted:
                raise UnknownName(
                    f"the rule for '{rule.class_name}' names {', '.join(unlisted)}: not in the HCAT3 list"
                )
            if not (rule.hcat or rule.native or rule.words):
                raise ConfigError(f"a rule for '{rule.class_name}' has neither hcat nor native nor words")
        return self

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Names; the index is the class id."""
        return tuple(c.name for c in self.classes)

    def class_id(self, name: str) -> int:
        """The id of a class.

        Raises:
            UnknownName: with the nearest name.
        """
        if name not in self.class_names:
            hint = nearest(name, self.class_names)
            raise UnknownName(
                f"Taxonomy '{self.name}' has no class '{name}'.{hint} Known: {', '.join(self.class_names)}."
            )
        return self.class_names.index(name)

    def to_json(self) -> dict[str, Any]:
        """JSON that `from_json` reads back; rules without their empty fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    @classmethod
    def from_json(cls, record: Any, *, origin: str = "taxonomy") -> Taxonomy:
        """A checked taxonomy.

        Raises:
            UnknownKey: for a key that no taxonomy has.
            UnknownName: if a rule names a class or an HCAT code that does not exist.
            ConfigError: for everything else that is wrong.
        """
        try:
            return cls.model_validate(record)
        except ValidationError as error:
            raise _explain(error, origin) from None


def _explain(error: ValidationError, origin: str) -> ConfigError:
    """The first problem of a validation as one line: where, what, and the nearest key."""
    problem = error.errors()[0]
    raised = problem.get("ctx", {}).get("error")
    if isinstance(raised, ConfigError):
        return type(raised)(f"{origin}: {raised}. Correct the file.")
    *parents, key = [str(p) for p in problem["loc"]] or ["."]
    where = ".".join([*parents, key])
    if problem["type"] == "extra_forbidden":
        models: dict[str, type[Options]] = {"classes": CropClass, "rules": Rule}
        model = models.get(parents[0] if parents else "", Taxonomy)
        known = [field.alias or name for name, field in model.model_fields.items()]
        return UnknownKey(f"{origin}: unknown key '{where}'.{nearest(key, known)} Known: {', '.join(known)}.")
    found = repr(problem["input"])
    return ConfigError(f"{origin}: {where}: {problem['msg']}; found {found[:80]}. Correct the file.")

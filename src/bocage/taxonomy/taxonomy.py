"""What a taxonomy is: classes and rules, checked when made. Pure.

A taxonomy that exists is consistent: ids run from 0 (background) without a gap, every rule names a class of it, every
HCAT code is in the list, every parent is a class and no class is its own ancestor.

Classes may form a tree: `parent` names the class above. Inner nodes are classes like the others, so that a parcel
declared as "cereal" keeps that node; `at_level` gives the flat taxonomy of one level.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from bocage.core.errors import ConfigError, UnknownKey, UnknownName
from bocage.core.options import Options
from bocage.core.registry import nearest
from bocage.parcels import hcat
from bocage.parcels.code_tables import fold_name
from bocage.taxonomy import icc, tree
from bocage.taxonomy.words import split_words

BACKGROUND_NAME = "background"
IGNORE_NAME = "ignore"  # the name of 255: a label too coarse or too mixed to decide
MAX_CLASSES = 254  # with the background; 254 and 255 mean something else in label rasters
Mixtures = Literal["ignore", "background", "first"]


class CropClass(Options):
    """One target class: `id` is its value in label rasters, `color` its colour in every map and figure."""

    id: int = Field(ge=0, lt=MAX_CLASSES, description="Value in label rasters; 0 is background.")
    name: str = Field(pattern="^[a-z][a-z0-9_]*$", description="Lower case, for files and tables.")
    title: str = Field(description="For people.")
    color: str = Field(pattern="^#[0-9a-f]{6}$", description="#rrggbb")
    parent: str | None = Field(None, description="Name of the class above it in a hierarchy.")


class Rule(Options):
    """Gives `class_name` to labels that match any of its codes, names, words or substrings, unless an `except_` does.

    `hcat`, `hcat_node`, `icc`, `native` and `names` are codes: they go before `words` and `substrings`.
    """

    model_config = ConfigDict(populate_by_name=True)

    class_name: str = Field(alias="class", description="Class to give, or `ignore` for labels too coarse to decide.")
    hcat: tuple[str, ...] = Field((), description="HCAT3 codes; each stands for itself and everything below it.")
    hcat_node: tuple[str, ...] = Field((), description="HCAT3 codes that stand for themselves only.")
    icc: tuple[str, ...] = Field((), description="FAO ICC codes; each stands for itself and everything below it.")
    native: Mapping[str, tuple[str, ...]] = Field({}, description="Country → its own crop codes, compared as text.")
    names: Mapping[str, tuple[str, ...]] = Field(
        {}, description="Country → its own crop names, whole, without regard to case, accents and punctuation."
    )
    words: tuple[str, ...] = Field(
        (), description="Whole words or phrases of a name; a plural -s or -es is understood."
    )
    except_hcat: tuple[str, ...] = Field((), description="HCAT3 subtrees to leave out again.")
    except_words: tuple[str, ...] = Field((), description="Words or phrases that forbid a match by `words`.")
    substrings: tuple[str, ...] = Field((), description="Letters anywhere in the lower-case name, inside words too.")
    except_substrings: tuple[str, ...] = Field((), description="Letters that forbid a match by `substrings`.")


class Taxonomy(Options):
    """Target classes and the rules that lead to them. Codes decide before names, and rules in their order."""

    name: str = Field(description="Short name.")
    title: str = Field("", description="One line for people.")
    source: str = Field("", description="Where the classes come from.")
    classes: tuple[CropClass, ...] = Field(
        min_length=2, description="In the order of their ids; the first is background."
    )
    mixtures: Mixtures = Field(
        "ignore",
        description="Labels without a code whose name holds crops of several classes: 255, 0, or the first one named.",
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
        _check_parents(self.classes)
        for rule in self.rules:
            _check_rule(rule, self.class_names)
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

    @cached_property
    def parents(self) -> Mapping[str, str | None]:
        """Each class and the class above it."""
        return MappingProxyType({c.name: c.parent for c in self.classes})

    @cached_property
    def depth(self) -> int:
        """Number of levels; 1 for a flat taxonomy."""
        return tree.count_levels(self.parents)

    @cached_property
    def inner_nodes(self) -> frozenset[str]:
        """Classes with classes below them."""
        return frozenset(parent for parent in self.parents.values() if parent is not None)

    @cached_property
    def has_hcat_rules(self) -> bool:
        """False if HCAT codes say nothing to this taxonomy."""
        return any(rule.hcat or rule.hcat_node for rule in self.rules)

    @cached_property
    def rules_by_native(self) -> Mapping[tuple[str, str, str], frozenset[int]]:
        """("code" or "name", country, code or folded name) → positions of the rules that list it."""
        found: dict[tuple[str, str, str], set[int]] = {}
        for i, rule in enumerate(self.rules):
            keys = [("code", country, code) for country, codes in rule.native.items() for code in codes]
            keys += [("name", country, fold_name(name)) for country, names in rule.names.items() for name in names]
            for key in keys:
                found.setdefault(key, set()).add(i)
        return MappingProxyType({key: frozenset(positions) for key, positions in found.items()})

    def ancestors(self, name: str) -> tuple[str, ...]:
        """The classes above one, nearest first."""
        return tree.ancestors(self.parents, name)

    def class_at_level(self, name: str, level: int) -> str:
        """What a class is at a level (1 = top): its ancestor there, or itself if nothing lies below it.

        An inner node above that level is "ignore": known, but too coarse.
        """
        return tree.class_at_level(self.parents, name, level) or IGNORE_NAME

    def at_level(self, level: int) -> Taxonomy:
        """The flat taxonomy of one level: deeper classes merge into their ancestor, coarser inner nodes become 255.

        Raises:
            ConfigError: if there is no such level.
        """
        if not 1 <= level <= self.depth:
            raise ConfigError(f"Taxonomy '{self.name}' has levels 1 to {self.depth}; {level} was asked for.")
        of = {IGNORE_NAME: IGNORE_NAME, **{name: self.class_at_level(name, level) for name in self.class_names}}
        kept = [c for c in self.classes if of[c.name] == c.name]
        return self._changed(
            name=f"{self.name}@{level}",
            classes=tuple(c.model_copy(update={"id": i, "parent": None}) for i, c in enumerate(kept)),
            rules=tuple(rule.model_copy(update={"class_name": of[rule.class_name]}) for rule in self.rules),
        )

    def with_mixtures(self, mixtures: Mixtures) -> Taxonomy:
        """The same taxonomy with another policy for mixtures."""
        return self._changed(mixtures=mixtures)

    def _changed(self, **fields: Any) -> Taxonomy:
        return Taxonomy(**{**{name: getattr(self, name) for name in type(self).model_fields}, **fields})

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


def _check_parents(classes: tuple[CropClass, ...]) -> None:
    parents = {c.name: c.parent for c in classes}
    for name, parent in parents.items():
        if parent is not None and (parent not in parents or BACKGROUND_NAME in (parent, name)):
            hint = nearest(parent, [n for n in parents if n != BACKGROUND_NAME])
            raise UnknownName(f"class '{name}' has parent '{parent}', which is no class to stand under.{hint}")
    for name in parents:
        above, seen = parents[name], {name}
        while above is not None:
            if above in seen:
                raise ConfigError(f"class '{name}' is its own ancestor")
            seen.add(above)
            above = parents[above]


def _check_rule(rule: Rule, class_names: tuple[str, ...]) -> None:
    known = (*class_names, IGNORE_NAME)
    if rule.class_name not in known:
        hint = nearest(rule.class_name, known)
        raise UnknownName(f"a rule gives class '{rule.class_name}'.{hint} Known: {', '.join(known)}")
    unlisted = [c for c in (*rule.hcat, *rule.hcat_node, *rule.except_hcat) if not hcat.is_listed(c)]
    if unlisted:
        raise UnknownName(f"the rule for '{rule.class_name}' names {', '.join(unlisted)}: not in the HCAT3 list")
    malformed = [c for c in rule.icc if not icc.is_code(c)]
    if malformed:
        raise ConfigError(
            f"the rule for '{rule.class_name}' names {', '.join(malformed)}: not three digits of an ICC code"
        )
    phrases = (*rule.words, *rule.except_words)
    if "" in (*rule.substrings, *rule.except_substrings) or not all(split_words(phrase) for phrase in phrases):
        raise ConfigError(
            f"the rule for '{rule.class_name}' has an empty word or substring, which fits every name or none"
        )
    if not (rule.hcat or rule.hcat_node or rule.icc or rule.native or rule.names or rule.words or rule.substrings):
        raise ConfigError(f"a rule for '{rule.class_name}' has neither hcat nor native nor words, nor any other match")


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

"""One label -> its class and the rule that decided. Pure.

The evidence of a label, strongest first:

1. Codes. The first rule with an HCAT code, an ICC code, a native code or a whole native name that matches. An HCAT4
   code is first led to HCAT3 (`hcat_crosswalk`).
2. A listed HCAT code that no rule matches, in a taxonomy with rules on HCAT. If classes lie below it in the hierarchy
   ("cereal" above wheat and barley) it is too coarse to decide (255); else it is known to be no target: background.
3. Names, for labels that no code decides: the English name, or the native one where there is none. Several classes in
   one name ("barley-wheat mixture") are decided by `taxonomy.mixtures`: 255, background, or the first one named.
4. Nothing: unmapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bocage.parcels import hcat
from bocage.parcels.code_tables import fold_name
from bocage.taxonomy import icc
from bocage.taxonomy.hcat_crosswalk import to_hcat3
from bocage.taxonomy.taxonomy import BACKGROUND_NAME, IGNORE_NAME, Rule, Taxonomy
from bocage.taxonomy.words import Hit, find_phrase, find_substring


class Label(NamedTuple):
    """What a parcel says about its crop; None where it says nothing."""

    country: str = ""
    crop_code: str | None = None
    crop_name: str | None = None
    crop_name_en: str | None = None
    hcat_code: str | None = None
    hcat_name: str | None = None
    icc_code: str | None = None

    @property
    def text(self) -> str:
        """The label for people: its most telling name, else its code."""
        named = self.crop_name or self.crop_name_en or self.hcat_name or self.crop_code or self.hcat_code
        return named or "(no label)"

    @property
    def code(self) -> str | None:
        return self.crop_code or self.hcat_code


class Verdict(StrEnum):
    """What became of a label; every label has exactly one."""

    MAPPED = "mapped"
    BACKGROUND = "background"
    AMBIGUOUS = "ambiguous"
    UNMAPPED = "unmapped"


@dataclass(frozen=True)
class Decision:
    """What a label became.

    Attributes:
        class_name: a class of the taxonomy, or "ignore" if the label is ambiguous.
        rule: what decided.
        claims: all classes that a rule of the deciding kind (codes, or else names) gives; two or more are a contest
            that the order of the rules or the policy for mixtures has settled. Ancestors of another claim do not count.
        by_name: the classes that the name alone speaks for, if a code decided against all of them; else "".
    """

    verdict: Verdict
    class_name: str
    rule: str
    claims: tuple[str, ...] = ()
    by_name: str = ""


def decide(label: Label, taxonomy: Taxonomy) -> Decision:
    """The class of one label. An unmapped one gets the background's name; `apply` decides what becomes of it."""
    code = to_hcat3(label.hcat_code, label.hcat_name)
    codes, names = _claims_by_code(label, code, taxonomy), _claims_by_name(label, taxonomy)
    if codes:
        class_name, matched = next(iter(codes.items()))
        via = f" via {label.hcat_code}" if code != label.hcat_code and matched.startswith("hcat") else ""
        return _by_rule(class_name, matched + via, _rivals(codes, taxonomy), _against(class_name, names, taxonomy))
    if code is not None and hcat.is_listed(code) and taxonomy.has_hcat_rules:
        below = _classes_below(code, taxonomy)
        if below:
            return Decision(Verdict.AMBIGUOUS, IGNORE_NAME, f"coarse:{code} above {'|'.join(below)}")
        return _by_rule(BACKGROUND_NAME, "background", (), _against(BACKGROUND_NAME, names, taxonomy))
    return _decide_by_name(names, taxonomy)


def _by_rule(class_name: str, matched: str, claims: tuple[str, ...], by_name: str = "") -> Decision:
    special = {IGNORE_NAME: Verdict.AMBIGUOUS, BACKGROUND_NAME: Verdict.BACKGROUND}
    return Decision(special.get(class_name, Verdict.MAPPED), class_name, matched, claims, by_name)


def _claims_by_code(label: Label, code: str | None, taxonomy: Taxonomy) -> dict[str, str]:
    """Class → what matched, in the order of the rules."""
    index, country = taxonomy.rules_by_native, label.country
    listed_code = index.get(("code", country, label.crop_code or ""), frozenset())
    listed_name = index.get(("name", country, fold_name(label.crop_name or "")), frozenset())
    claims: dict[str, str] = {}
    for i, rule in enumerate(taxonomy.rules):
        matched = (
            _match_hcat(rule, code)
            or _match_icc(rule, label.icc_code)
            or (f"native:{country}:{label.crop_code}" if i in listed_code else None)
            or (f"name:{country}:{label.crop_name}" if i in listed_name else None)
        )
        if matched:
            claims.setdefault(rule.class_name, matched)
    return claims


def _match_hcat(rule: Rule, code: str | None) -> str | None:
    if code is None or any(hcat.is_in_subtree(code, root) for root in rule.except_hcat):
        return None
    root = code if code in rule.hcat_node else next((r for r in rule.hcat if hcat.is_in_subtree(code, r)), None)
    return None if root is None else f"hcat:{root}"


def _match_icc(rule: Rule, code: str | None) -> str | None:
    root = next((r for r in rule.icc if icc.is_in_subtree(code or "", r)), None)
    return None if root is None else f"icc:{root}"


def _claims_by_name(label: Label, taxonomy: Taxonomy) -> dict[str, tuple[str, int]]:
    """Class → what matched and how many words stand before it, in the order of the rules."""
    name = label.crop_name_en or label.crop_name or ""
    claims: dict[str, tuple[str, int]] = {}
    for rule in taxonomy.rules:
        word, letters = _match_words(rule, name), _match_substrings(rule, name)
        if word is not None:
            claims.setdefault(rule.class_name, (f"word:{word.text}", word.position))
        elif letters is not None:
            claims.setdefault(rule.class_name, (f"substring:{letters.text}", letters.position))
    return claims


def _match_words(rule: Rule, name: str) -> Hit | None:
    word = find_phrase(name, rule.words)
    return None if word is None or find_phrase(name, rule.except_words) else word


def _match_substrings(rule: Rule, name: str) -> Hit | None:
    letters = find_substring(name, rule.substrings)
    return None if letters is None or find_substring(name, rule.except_substrings) else letters


def _rivals(claims: Mapping[str, object], taxonomy: Taxonomy) -> tuple[str, ...]:
    """The classes that claim a label, without those that stand above another claim."""
    above = {up for name in claims if name != IGNORE_NAME for up in taxonomy.ancestors(name)}
    return tuple(name for name in claims if name not in above)


def _against(class_name: str, names: Mapping[str, tuple[str, int]], taxonomy: Taxonomy) -> str:
    """The classes that the name speaks for, if none of them is, or stands above or below, the one that was decided."""
    if class_name == IGNORE_NAME:
        return ""
    said = [name for name in names if name != IGNORE_NAME]
    kin = {class_name, *taxonomy.ancestors(class_name)}
    if any(name in kin or class_name in taxonomy.ancestors(name) for name in said):
        return ""
    return "|".join(said)


def _classes_below(code: str, taxonomy: Taxonomy) -> list[str]:
    """Target classes with a rule for a code in the subtree of `code`."""
    names = {
        rule.class_name
        for rule in taxonomy.rules
        if rule.class_name not in (BACKGROUND_NAME, IGNORE_NAME)
        and any(hcat.is_in_subtree(root, code) for root in (*rule.hcat, *rule.hcat_node))
    }
    return [name for name in taxonomy.class_names if name in names]


def _decide_by_name(names: Mapping[str, tuple[str, int]], taxonomy: Taxonomy) -> Decision:
    if not names:
        return Decision(Verdict.UNMAPPED, BACKGROUND_NAME, "unmapped")
    claims = _rivals(names, taxonomy)
    if len(claims) == 1:
        return _by_rule(claims[0], names[claims[0]][0], claims)
    matched = f"words of {'|'.join(claims)}"
    if taxonomy.mixtures == "first":
        first = min(claims, key=lambda name: names[name][1])
        return _by_rule(first, f"{matched}, first", claims)
    return _by_rule(taxonomy.mixtures, matched, claims)

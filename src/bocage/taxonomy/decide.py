"""One label -> its class and the rule that decided. Pure.

The evidence of a label, strongest first:

1. Codes. The first rule with an HCAT subtree or a native code that matches.
2. A listed HCAT code that no rule matches. If classes lie below it in the hierarchy ("cereal" above wheat and barley)
   it is too coarse to decide (255); else it is known to be no target: background.
3. Names, for labels without a listed HCAT code: the English name, or the native one where there is none. Rules of two
   classes that both match ("barley-wheat mixture") leave it undecided (255).
4. Nothing: unmapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bocage.parcels import hcat
from bocage.taxonomy.taxonomy import BACKGROUND_NAME, IGNORE_NAME, Rule, Taxonomy
from bocage.taxonomy.words import find_phrase


class Label(NamedTuple):
    """What a parcel says about its crop; None where it says nothing."""

    country: str = ""
    crop_code: str | None = None
    crop_name: str | None = None
    crop_name_en: str | None = None
    hcat_code: str | None = None
    hcat_name: str | None = None


class Verdict(StrEnum):
    """What became of a label; every label has exactly one."""

    MAPPED = "mapped"
    BACKGROUND = "background"
    AMBIGUOUS = "ambiguous"
    UNMAPPED = "unmapped"


@dataclass(frozen=True)
class Decision:
    """`class_name` is a class of the taxonomy, or "ignore" if the label is ambiguous; `rule` says what decided."""

    verdict: Verdict
    class_name: str
    rule: str


def decide(label: Label, taxonomy: Taxonomy) -> Decision:
    """The class of one label. An unmapped one gets the background's name; `apply` decides what becomes of it."""
    for rule in taxonomy.rules:
        if matched := _match_codes(rule, label):
            return _by_rule(rule.class_name, matched)
    if label.hcat_code is not None and hcat.is_listed(label.hcat_code):
        below = _classes_below(label.hcat_code, taxonomy)
        if below:
            return Decision(Verdict.AMBIGUOUS, IGNORE_NAME, f"coarse:{label.hcat_code} above {'|'.join(below)}")
        return Decision(Verdict.BACKGROUND, BACKGROUND_NAME, "background")
    return _decide_by_name(label.crop_name_en or label.crop_name, taxonomy)


def _by_rule(class_name: str, matched: str) -> Decision:
    special = {IGNORE_NAME: Verdict.AMBIGUOUS, BACKGROUND_NAME: Verdict.BACKGROUND}
    return Decision(special.get(class_name, Verdict.MAPPED), class_name, matched)


def _match_codes(rule: Rule, label: Label) -> str | None:
    code = label.hcat_code
    if code is not None and not any(hcat.is_in_subtree(code, root) for root in rule.except_hcat):
        for root in rule.hcat:
            if hcat.is_in_subtree(code, root):
                return f"hcat:{root}"
    if label.crop_code is not None and label.crop_code in rule.native.get(label.country, ()):
        return f"native:{label.country}:{label.crop_code}"
    return None


def _classes_below(code: str, taxonomy: Taxonomy) -> list[str]:
    """Target classes with a rule for a code in the subtree of `code`."""
    names = {
        rule.class_name
        for rule in taxonomy.rules
        if rule.class_name not in (BACKGROUND_NAME, IGNORE_NAME)
        and any(hcat.is_in_subtree(root, code) for root in rule.hcat)
    }
    return [name for name in taxonomy.class_names if name in names]


def _decide_by_name(name: str | None, taxonomy: Taxonomy) -> Decision:
    hits: dict[str, str] = {}
    for rule in taxonomy.rules:
        word = find_phrase(name or "", rule.words)
        if word is not None and find_phrase(name or "", rule.except_words) is None:
            hits.setdefault(rule.class_name, f"word:{word}")
    if not hits:
        return Decision(Verdict.UNMAPPED, BACKGROUND_NAME, "unmapped")
    if len(hits) > 1:
        return Decision(Verdict.AMBIGUOUS, IGNORE_NAME, f"words of {'|'.join(hits)}")
    return _by_rule(*next(iter(hits.items())))

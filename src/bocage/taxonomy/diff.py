"""What moves between two taxonomies on the same parcels, in parcels and hectares. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bocage.taxonomy.apply import LabelCounts
from bocage.taxonomy.decide import Label, decide
from bocage.taxonomy.taxonomy import Taxonomy


@dataclass(frozen=True)
class MovedLabel:
    """One label of the declarations that two taxonomies put in different classes, and the rules that did so."""

    label: Label
    n: int
    area_ha: float
    rule_a: str
    rule_b: str

    def to_json(self) -> dict[str, Any]:
        """Keys as in the audit: `name`, `code`, the fields of Label; counts and both rules."""
        named = {"name": self.label.text, "code": self.label.code}
        counted = {"n": self.n, "area_ha": round(self.area_ha, 4), "rule_a": self.rule_a, "rule_b": self.rule_b}
        return named | self.label._asdict() | counted


@dataclass(frozen=True)
class Move:
    """Everything that is `class_a` in the one taxonomy and `class_b` in the other; labels by area, largest first."""

    class_a: str
    class_b: str
    labels: tuple[MovedLabel, ...]

    @property
    def n(self) -> int:
        return sum(x.n for x in self.labels)

    @property
    def area_ha(self) -> float:
        return sum(x.area_ha for x in self.labels)

    def to_json(self) -> dict[str, Any]:
        counted = {"from": self.class_a, "to": self.class_b, "n": self.n, "area_ha": round(self.area_ha, 4)}
        return counted | {"labels": [x.to_json() for x in self.labels]}


def find_moves(counts: LabelCounts, a: Taxonomy, b: Taxonomy) -> tuple[Move, ...]:
    """The pairs of different classes, compared by name, that parcels have in two taxonomies; largest area first.

    255 is called "ignore"; labels that no rule decides are background, as in `decide`.
    """
    pairs = dict[tuple[str, str], list[MovedLabel]]()
    for label, n in counts.n.items():
        first, second = decide(label, a), decide(label, b)
        if first.class_name != second.class_name:
            moved = MovedLabel(label, n, counts.area_ha[label], first.rule, second.rule)
            pairs.setdefault((first.class_name, second.class_name), []).append(moved)
    moves = (Move(*pair, tuple(sorted(x, key=lambda m: (-m.area_ha, m.label.text)))) for pair, x in pairs.items())
    return tuple(sorted(moves, key=lambda m: (-m.area_ha, m.class_a, m.class_b)))

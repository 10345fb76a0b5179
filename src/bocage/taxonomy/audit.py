"""What became of every label, in parcels and hectares. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bocage.core.arrays import Float64, Int64
from bocage.taxonomy.decide import Decision, Label, Verdict
from bocage.taxonomy.taxonomy import IGNORE_NAME, Taxonomy

MIN_PARCELS = 30  # fewer are called too few to train on and to score: half of them decide a test


@dataclass(frozen=True)
class LabelRow:
    """One label of the declarations (equal codes and names) and its fate. Fields as in Label and Decision."""

    country: str
    crop_code: str | None
    crop_name: str | None
    crop_name_en: str | None
    hcat_code: str | None
    hcat_name: str | None
    verdict: Verdict
    class_name: str
    rule: str
    n: int
    area_ha: float
    icc_code: str | None = None
    claims: tuple[str, ...] = ()
    by_name: str = ""

    @property
    def label(self) -> Label:
        return Label(*(getattr(self, name) for name in Label._fields))

    @property
    def text(self) -> str:
        return self.label.text

    @property
    def code(self) -> str | None:
        return self.label.code


@dataclass(frozen=True)
class Audit:
    """Counts of parcels by verdict (they add up to `n_parcels`) and one row a label, largest area first.

    `by_class` counts parcels by the class that was written, background included: it holds the unmapped ones too when
    they were made background, and nothing of 255. `too_few` holds the target classes with fewer parcels than
    `min_parcels`; the inner nodes of a hierarchy, which may well be empty, are not among them.
    """

    taxonomy: str
    n_parcels: int
    n_mapped: int
    n_background: int
    n_unmapped: int
    n_ambiguous: int
    by_class: dict[str, dict[str, float]]
    labels: tuple[LabelRow, ...]
    min_parcels: int
    too_few: dict[str, int]

    @property
    def ignored(self) -> dict[str, float]:
        """Parcels and hectares of 255: too coarse, mixed, or unmapped and made so."""
        return _total([row for row in self.labels if row.class_name == IGNORE_NAME])

    @property
    def contested(self) -> list[LabelRow]:
        """Labels that rules of two classes claim; the order of the rules, or the policy for mixtures, settled it."""
        return [row for row in self.labels if len(row.claims) > 1]

    @property
    def disagreements(self) -> list[LabelRow]:
        """Labels whose code decided for one class while their name speaks for another."""
        return [row for row in self.labels if row.by_name]

    def of(self, verdict: Verdict) -> list[LabelRow]:
        return [row for row in self.labels if row.verdict == verdict]

    def to_json(self) -> dict[str, Any]:
        """The counts, and the labels that need a look: each with `name`, `code`, and the fields of LabelRow."""
        record = {key: value for key, value in asdict(self).items() if key != "labels"}
        listed = {
            "unmapped": self.of(Verdict.UNMAPPED),
            "ambiguous": self.of(Verdict.AMBIGUOUS),
            "contested": self.contested,
            "disagreements": self.disagreements,
        }
        for key, rows in listed.items():
            record[key] = [{"name": row.text, "code": row.code, **asdict(row)} for row in rows]
        return record


def make_audit(
    labels: Sequence[Label],
    decisions: Sequence[Decision],
    n: Int64,
    area_ha: Float64,
    taxonomy: Taxonomy,
    *,
    min_parcels: int = MIN_PARCELS,
) -> Audit:
    """The audit of distinct labels, what was decided for each, and how many parcels and hectares carry it."""
    rows = [
        LabelRow(**label._asdict(), **asdict(decision), n=int(count), area_ha=round(float(area), 4))
        for label, decision, count, area in zip(labels, decisions, n, area_ha, strict=True)
    ]
    by_class = {name: _total([row for row in rows if row.class_name == name]) for name in taxonomy.class_names}
    targets = [name for name in taxonomy.class_names[1:] if name not in taxonomy.inner_nodes]
    of_verdict = {v: sum(row.n for row in rows if row.verdict == v) for v in Verdict}
    return Audit(
        taxonomy=taxonomy.name,
        n_parcels=int(n.sum()),
        n_mapped=of_verdict[Verdict.MAPPED],
        n_background=of_verdict[Verdict.BACKGROUND],
        n_unmapped=of_verdict[Verdict.UNMAPPED],
        n_ambiguous=of_verdict[Verdict.AMBIGUOUS],
        by_class=by_class,
        labels=tuple(sorted(rows, key=lambda row: (-row.area_ha, row.text, row.country, row.code or ""))),
        min_parcels=min_parcels,
        too_few={name: int(by_class[name]["n"]) for name in targets if by_class[name]["n"] < min_parcels},
    )


def _total(rows: Sequence[LabelRow]) -> dict[str, float]:
    return {"n": sum(row.n for row in rows), "area_ha": round(sum((row.area_ha for row in rows), 0.0), 4)}

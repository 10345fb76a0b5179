"""What became of every label, in parcels and hectares; and what moves between two taxonomies. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.arrays import Float64, Int64
from bocage.taxonomy.decide import Decision, Label, Verdict
from bocage.taxonomy.taxonomy import Taxonomy


@dataclass(frozen=True)
class LabelRow:
    """One label of the declarations (equal codes and names) and its fate. Fields as in the parcel schema."""

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

    @property
    def text(self) -> str:
        """The label for people: its most telling name, else its code."""
        named = self.crop_name or self.crop_name_en or self.hcat_name or self.crop_code or self.hcat_code
        return named or "(no label)"

    @property
    def code(self) -> str | None:
        return self.crop_code or self.hcat_code


@dataclass(frozen=True)
class Audit:
    """Counts of parcels by verdict (they add up to `n_parcels`) and one row a label, largest area first.

    `by_class` counts parcels by the class that was written, background included: it holds the unmapped ones too when
    they were made background, and nothing of 255.
    """

    taxonomy: str
    n_parcels: int
    n_mapped: int
    n_background: int
    n_unmapped: int
    n_ambiguous: int
    by_class: dict[str, dict[str, float]]
    labels: tuple[LabelRow, ...]

    def of(self, verdict: Verdict) -> list[LabelRow]:
        return [row for row in self.labels if row.verdict == verdict]

    def to_json(self) -> dict[str, Any]:
        """The counts, and the labels that are unmapped or ambiguous: `name`, `code`, and the fields of LabelRow."""
        record = {key: value for key, value in asdict(self).items() if key != "labels"}
        for verdict in (Verdict.UNMAPPED, Verdict.AMBIGUOUS):
            record[verdict.value] = [{"name": row.text, "code": row.code, **asdict(row)} for row in self.of(verdict)]
        return record


def make_audit(
    labels: Sequence[Label], decisions: Sequence[Decision], n: Int64, area_ha: Float64, taxonomy: Taxonomy
) -> Audit:
    """The audit of distinct labels, what was decided for each, and how many parcels and hectares carry it."""
    rows = [
        LabelRow(**label._asdict(), **asdict(decision), n=int(count), area_ha=round(float(area), 4))
        for label, decision, count, area in zip(labels, decisions, n, area_ha, strict=True)
    ]
    of_verdict = {v: sum(row.n for row in rows if row.verdict == v) for v in Verdict}
    return Audit(
        taxonomy=taxonomy.name,
        n_parcels=int(n.sum()),
        n_mapped=of_verdict[Verdict.MAPPED],
        n_background=of_verdict[Verdict.BACKGROUND],
        n_unmapped=of_verdict[Verdict.UNMAPPED],
        n_ambiguous=of_verdict[Verdict.AMBIGUOUS],
        by_class={name: _total([row for row in rows if row.class_name == name]) for name in taxonomy.class_names},
        labels=tuple(sorted(rows, key=lambda row: (-row.area_ha, row.text, row.country, row.code or ""))),
    )


def _total(rows: Sequence[LabelRow]) -> dict[str, float]:
    return {"n": sum(row.n for row in rows), "area_ha": round(sum((row.area_ha for row in rows), 0.0), 4)}


def compare_classes(a: pd.Series[Any], b: pd.Series[Any], area_ha: Float64) -> list[dict[str, Any]]:
    """What moves between two columns of class names on the same parcels, largest area first."""
    pairs, names = pd.factorize(pd.MultiIndex.from_arrays([a.to_numpy(), b.to_numpy()]))
    counts, areas = np.bincount(pairs), np.bincount(pairs, weights=area_ha)
    rows = [
        {"from": start, "to": end, "n": int(n), "area_ha": round(float(area), 4)}
        for (start, end), n, area in zip(names, counts, areas, strict=True)
        if start != end
    ]
    return sorted(rows, key=lambda row: (-row["area_ha"], row["from"], row["to"]))

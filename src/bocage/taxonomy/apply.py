"""Parcels + taxonomy -> parcels with a class, and the audit. Pure. Each distinct label is decided once.

Parcels come in batches of any number; what is kept of them is a count for each distinct label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.core.arrays import IGNORE, Int64
from bocage.core.errors import UnmappedCrop
from bocage.taxonomy.audit import MIN_PARCELS, Audit, make_audit
from bocage.taxonomy.decide import Decision, Label, Verdict, decide
from bocage.taxonomy.taxonomy import BACKGROUND_NAME, IGNORE_NAME, Taxonomy

Frame = TypeVar("Frame", bound=pd.DataFrame)
Unmapped = Literal["background", "ignore", "refuse"]
_LABEL = ("country", "crop:code", "crop:name", "crop:name_en", "hcat:code", "hcat:name", "icc:code")  # fields of Label
_OPTIONAL = "icc:code"  # not of the parcel schema; taken where a table has it
COUNTED_COLUMNS = (*_LABEL, "year", "area")  # what `LabelCounts` looks at
_N_NAMED = 3


@dataclass
class LabelCounts:
    """The distinct labels of all parcels so far, in the order of their first one.

    Attributes:
        n, area_ha: label -> parcels, hectares.
        places: (country, year) of the parcels.
    """

    n: dict[Label, int] = field(default_factory=dict)
    area_ha: dict[Label, float] = field(default_factory=dict)
    places: set[tuple[str, int]] = field(default_factory=set)

    def add(self, frame: pd.DataFrame) -> tuple[Int64, list[Label]]:
        """Count parcels (columns COUNTED_COLUMNS). Gives the labels of this batch, and which of them each row has."""
        number, labels = _distinct_labels(frame)
        n, area_ha = np.bincount(number), np.bincount(number, frame["area"].to_numpy(float))
        for label, count, area in zip(labels, n.tolist(), area_ha.tolist(), strict=True):
            self.n[label] = self.n.get(label, 0) + count
            self.area_ha[label] = self.area_ha.get(label, 0.0) + area
        self.places |= set(frame[["country", "year"]].drop_duplicates().itertuples(index=False, name=None))
        return number, labels


class Classing:
    """Gives parcels their classes, batch by batch."""

    def __init__(self, taxonomy: Taxonomy, *, unmapped: Unmapped = "background") -> None:
        """`unmapped`: what becomes of labels that no rule decides: background, 255, or an error of `audit`."""
        self._taxonomy, self._unmapped = taxonomy, unmapped
        self._ids = {IGNORE_NAME: IGNORE, **{name: i for i, name in enumerate(taxonomy.class_names)}}
        self._decisions = dict[Label, Decision]()
        self.counts = LabelCounts()

    def add(self, frame: Frame) -> Frame:
        """A copy of `frame` with its classes behind its columns; columns of an earlier run are replaced.

        Args:
            frame: parcels in the schema of `parcels.schema`, perhaps with `icc:code`.

        Returns:
            `class_id` (uint8; 255 for labels too coarse to decide), `class_name` ("ignore" for 255) and `class_rule`
            (what decided).
        """
        number, labels = self.counts.add(frame)
        for label in labels:
            if label not in self._decisions:
                self._decisions[label] = _settle(decide(label, self._taxonomy), self._unmapped)
        decisions = [self._decisions[label] for label in labels]
        return frame.assign(
            class_id=np.array([self._ids[d.class_name] for d in decisions], dtype=np.uint8)[number],
            class_name=pd.Series(_texts(d.class_name for d in decisions)[number], index=frame.index, dtype=object),
            class_rule=pd.Series(_texts(d.rule for d in decisions)[number], index=frame.index, dtype=object),
        )

    def audit(self, *, min_parcels: int = MIN_PARCELS) -> Audit:
        """The audit of all parcels so far; names the classes with fewer than `min_parcels`.

        Raises:
            UnmappedCrop: with `unmapped="refuse"`, if no rule decides a label; lists the largest.
        """
        return audit_labels(self.counts, self._taxonomy, unmapped=self._unmapped, min_parcels=min_parcels)


def apply_taxonomy(
    frame: Frame, taxonomy: Taxonomy, *, unmapped: Unmapped = "background", min_parcels: int = MIN_PARCELS
) -> tuple[Frame, Audit]:
    """Classes and audit of parcels that are in memory: `Classing` in one batch."""
    classing = Classing(taxonomy, unmapped=unmapped)
    return classing.add(frame), classing.audit(min_parcels=min_parcels)


def count_labels(batches: Iterable[pd.DataFrame]) -> LabelCounts:
    """Labels of a parcel table in batches of any size."""
    counts = LabelCounts()
    for frame in batches:
        counts.add(frame)
    return counts


def audit_labels(
    counts: LabelCounts, taxonomy: Taxonomy, *, unmapped: Unmapped = "background", min_parcels: int = MIN_PARCELS
) -> Audit:
    """What becomes of counted labels; errors as in `Classing.audit`."""
    labels = list(counts.n)
    decisions = [_settle(decide(label, taxonomy), unmapped) for label in labels]
    n, area_ha = np.array(list(counts.n.values()), np.int64), np.array(list(counts.area_ha.values()))
    audit = make_audit(labels, decisions, n, area_ha, taxonomy, min_parcels=min_parcels)
    if unmapped == "refuse" and audit.n_unmapped:
        raise UnmappedCrop(_describe_unmapped(audit, counts))
    return audit


def sum_area_by_label(counts: LabelCounts, taxonomy: Taxonomy | None) -> dict[str, float]:
    """Label → hectares: target classes of a taxonomy (no background, no 255), or HCAT names where there is none."""
    if taxonomy is None:
        return _sum_by({x: x.hcat_name or x.hcat_code for x in counts.n if x.hcat_code is not None}, counts)
    classes = {x: decide(x, taxonomy).class_name for x in counts.n}
    return _sum_by({x: name for x, name in classes.items() if name not in (BACKGROUND_NAME, IGNORE_NAME)}, counts)


def _sum_by(names: Mapping[Label, str | None], counts: LabelCounts) -> dict[str, float]:
    sums = dict[str, float]()
    for label, name in names.items():
        sums[str(name)] = sums.get(str(name), 0.0) + counts.area_ha[label]
    return sums


def _distinct_labels(frame: pd.DataFrame) -> tuple[Int64, list[Label]]:
    """The label number of each row, and the distinct labels in the order of their first row."""
    columns = [c for c in _LABEL if c != _OPTIONAL or c in frame.columns]
    number: Int64 = np.asarray(frame.groupby(columns, dropna=False, sort=False).ngroup(), dtype=np.int64)
    first = frame[columns].iloc[np.unique(number, return_index=True)[1]]
    rows = ((None if pd.isna(v) else str(v) for v in row) for row in first.itertuples(index=False, name=None))
    return number, [Label(country or "", *rest) for country, *rest in rows]


def _texts(values: Iterable[str]) -> NDArray[np.object_]:
    return np.array(list(values), dtype=object)


def _settle(decision: Decision, unmapped: Unmapped) -> Decision:
    if decision.verdict == Verdict.UNMAPPED and unmapped == "ignore":
        return replace(decision, class_name=IGNORE_NAME)
    return decision


def _describe_unmapped(audit: Audit, counts: LabelCounts) -> str:
    rows = audit.of(Verdict.UNMAPPED)
    share = sum(row.area_ha for row in rows) / max(sum(counts.area_ha.values()), 1e-9)
    places = sorted(f"{c} {y or ''}".strip() for c, y in counts.places)
    named = ", ".join(f"'{row.text}'" for row in rows[:_N_NAMED]) + (", …" if len(rows) > _N_NAMED else "")
    return (
        f"{len(rows)} native names of {', '.join(places[:3])} ({share:.1%} of area) match no rule of taxonomy "
        f"'{audit.taxonomy}': {named}. Add rules to the taxonomy file or set taxonomy.unmapped: {BACKGROUND_NAME}."
    )

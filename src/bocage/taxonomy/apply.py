"""Parcels + taxonomy -> parcels with a class, and the audit. Pure. Each distinct label is decided once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.core.arrays import IGNORE, Int64
from bocage.core.errors import UnmappedCrop
from bocage.taxonomy.audit import MIN_PARCELS, Audit, make_audit
from bocage.taxonomy.decide import Decision, Label, Verdict, decide
from bocage.taxonomy.taxonomy import BACKGROUND_NAME, IGNORE_NAME, Taxonomy

Unmapped = Literal["background", "ignore", "refuse"]
_LABEL = ("country", "crop:code", "crop:name", "crop:name_en", "hcat:code", "hcat:name", "icc:code")  # fields of Label
_OPTIONAL = "icc:code"  # not of the parcel schema; taken where a table has it
_N_NAMED = 3


def apply_taxonomy(
    frame: gpd.GeoDataFrame,
    taxonomy: Taxonomy,
    *,
    unmapped: Unmapped = "background",
    min_parcels: int = MIN_PARCELS,
) -> tuple[gpd.GeoDataFrame, Audit]:
    """Give every parcel its class.

    Args:
        frame: parcels in the schema of `parcels.schema`, perhaps with `icc:code`; columns of an earlier run
            are replaced.
        unmapped: what becomes of labels that no rule decides: background, 255, or an error.
        min_parcels: the audit names the classes with fewer.

    Returns:
        A copy of `frame` with `class_id` (uint8; 255 for labels too coarse to decide), `class_name` ("ignore" for 255)
        and `class_rule` (what decided) behind its columns; and the audit.

    Raises:
        UnmappedCrop: with `unmapped="refuse"`, if there are any; lists the largest.
    """
    number, labels = _distinct_labels(frame)
    decisions = [_settle(decide(label, taxonomy), unmapped) for label in labels]
    ids = {IGNORE_NAME: IGNORE, **{name: i for i, name in enumerate(taxonomy.class_names)}}
    result = frame.assign(
        class_id=np.array([ids[d.class_name] for d in decisions], dtype=np.uint8)[number],
        class_name=pd.Series(_texts(d.class_name for d in decisions)[number], index=frame.index, dtype=object),
        class_rule=pd.Series(_texts(d.rule for d in decisions)[number], index=frame.index, dtype=object),
    )
    n = np.bincount(number, minlength=len(labels)).astype(np.int64)
    area_ha = np.bincount(number, frame["area"].to_numpy(float), len(labels)).astype(np.float64)
    audit = make_audit(labels, decisions, n, area_ha, taxonomy, min_parcels=min_parcels)
    if unmapped == "refuse" and audit.n_unmapped:
        raise UnmappedCrop(_describe_unmapped(audit, frame))
    return result, audit


def count_area_by_label(frame: gpd.GeoDataFrame, taxonomy: Taxonomy | None) -> dict[str, float]:
    """Label → hectares: target classes of a taxonomy (no background, no 255), or HCAT names where there is none."""
    if taxonomy is None:
        listed = frame[frame["hcat:code"].notna()]
        names = listed["hcat:name"].fillna(listed["hcat:code"])
    else:
        listed = apply_taxonomy(frame, taxonomy)[0]
        listed = listed[~listed["class_name"].isin((BACKGROUND_NAME, IGNORE_NAME))]
        names = listed["class_name"]
    return {str(name): float(area) for name, area in listed["area"].groupby(names).sum().items()}


def _distinct_labels(frame: gpd.GeoDataFrame) -> tuple[Int64, list[Label]]:
    """The label number of each row, and the distinct labels in the order of their first row."""
    columns = [c for c in _LABEL if c != _OPTIONAL or c in frame.columns]
    number = frame.groupby(columns, dropna=False, sort=False).ngroup().to_numpy(np.int64)
    first = frame[columns].iloc[np.unique(number, return_index=True)[1]]
    rows = ((None if pd.isna(v) else str(v) for v in row) for row in first.itertuples(index=False, name=None))
    return number, [Label(country or "", *rest) for country, *rest in rows]


def _texts(values: Iterable[str]) -> NDArray[np.object_]:
    return np.array(list(values), dtype=object)


def _settle(decision: Decision, unmapped: Unmapped) -> Decision:
    if decision.verdict == Verdict.UNMAPPED and unmapped == "ignore":
        return replace(decision, class_name=IGNORE_NAME)
    return decision


def _describe_unmapped(audit: Audit, frame: gpd.GeoDataFrame) -> str:
    rows = audit.of(Verdict.UNMAPPED)
    share = sum(row.area_ha for row in rows) / max(float(frame["area"].sum()), 1e-9)
    places = sorted({f"{c} {y}".strip() for c, y in zip(frame["country"], frame["year"], strict=True)})
    named = ", ".join(f"'{row.text}'" for row in rows[:_N_NAMED]) + (", …" if len(rows) > _N_NAMED else "")
    return (
        f"{len(rows)} native names of {', '.join(places[:3])} ({share:.1%} of area) match no rule of taxonomy "
        f"'{audit.taxonomy}': {named}. Add rules to the taxonomy file or set taxonomy.unmapped: {BACKGROUND_NAME}."
    )

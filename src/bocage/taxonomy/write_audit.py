"""Audit → one self-contained HTML page. IO."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bocage.core.artifacts import write_text
from bocage.core.page import Page, Row, Section, Table, Text, count, hectares, percent
from bocage.core.render import to_html
from bocage.taxonomy.audit import Audit, LabelRow
from bocage.taxonomy.decide import Verdict
from bocage.taxonomy.taxonomy import Taxonomy

MAX_ROWS = 500
_TITLES = {
    Verdict.UNMAPPED: "Labels that match no rule",
    Verdict.AMBIGUOUS: "Labels too coarse or too mixed to decide",
    Verdict.MAPPED: "Labels with a target class",
    Verdict.BACKGROUND: "Background",
}
_COLUMNS = ("Label", "English", "native code", "HCAT", "class", "decided by", ">parcels", ">area (ha)")


def write_audit_html(audit: Audit, taxonomy: Taxonomy, path: Path, *, parcels: str) -> None:
    """Write the page; `parcels` names what was audited."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, to_html(build_audit(audit, taxonomy, parcels=parcels)))


def build_audit(audit: Audit, taxonomy: Taxonomy, *, parcels: str) -> Page:
    """What became of every label: counts, classes, then the labels by what decided them."""
    lead = (
        f"Taxonomy {taxonomy.name}{f': {taxonomy.title}' if taxonomy.title else ''}. Parcels: {parcels}. Of "
        f"{audit.n_parcels:,} parcels, {audit.n_mapped:,} have a target class, {audit.n_background:,} are known to be "
        f"background, {audit.n_ambiguous:,} are declared too coarsely to decide, and {audit.n_unmapped:,} match no "
        "rule."
    )
    listed = [
        ("Labels that the rules of two classes claim", audit.contested),
        ("Labels whose name speaks for another class than their code", audit.disagreements),
        *((title, audit.of(verdict)) for verdict, title in _TITLES.items()),
    ]
    sections = [Section(f"labels-{i}", title, (_labels(rows),)) for i, (title, rows) in enumerate(listed) if rows]
    return Page(
        "What became of every label", "taxonomy audit", (Text(lead), _classes(audit, taxonomy)), tuple(sections)
    )


def _classes(audit: Audit, taxonomy: Taxonomy) -> Table:
    total_ha = max(sum(row.area_ha for row in audit.labels), 1e-9)

    def row(title: str, class_id: int, entry: dict[str, float], color: str | None) -> Row:
        shown = (count(entry["n"]), hectares(entry["area_ha"]), percent(entry["area_ha"] / total_ha))
        return Row((title, str(class_id), *shown), color)

    rows = [
        row("– " * len(taxonomy.ancestors(c.name)) + c.title, c.id, audit.by_class[c.name], c.color)
        for c in taxonomy.classes
    ]
    rows.append(row("Unknown or too coarse, left out of training and scores", 255, audit.ignored, None))
    few = ", ".join(f"{name.replace('_', ' ')} ({n})" for name, n in audit.too_few.items())
    note = f"Fewer than {audit.min_parcels} parcels: {few}." if few else ""
    return Table("Classes", ("Class", ">id", ">parcels", ">area (ha)", ">share of area"), tuple(rows), note)


def _labels(rows: Sequence[LabelRow]) -> Table:
    shown = rows[:MAX_ROWS]
    caption = f"{len(rows):,} label{'' if len(rows) == 1 else 's'}"
    if len(shown) < len(rows):
        caption += f", the {len(shown)} with the largest area"
    return Table(caption, _COLUMNS, tuple(_label(row) for row in shown))


def _label(row: LabelRow) -> Row:
    decided = row.rule
    if row.by_name:
        decided += f"; name: {row.by_name}"
    if len(row.claims) > 1:
        decided += f"; claimed by {', '.join(row.claims)}"
    names = (row.text, row.crop_name_en, row.crop_code, " ".join(filter(None, (row.hcat_name, row.hcat_code))))
    texts = ((name or "").replace("_", " ") for name in names)
    return Row((*texts, row.class_name, decided, count(row.n), f"{row.area_ha:,.2f}"))

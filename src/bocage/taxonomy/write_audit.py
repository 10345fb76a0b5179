"""Audit → one self-contained HTML page. IO."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader

from bocage.core.artifacts import write_text
from bocage.taxonomy.audit import Audit
from bocage.taxonomy.decide import Verdict
from bocage.taxonomy.taxonomy import Taxonomy

MAX_ROWS = 500
_TITLES = {
    Verdict.UNMAPPED: "Labels that match no rule",
    Verdict.AMBIGUOUS: "Labels too coarse or too mixed to decide",
    Verdict.MAPPED: "Labels with a target class",
    Verdict.BACKGROUND: "Background",
}


def write_audit_html(audit: Audit, taxonomy: Taxonomy, path: Path, *, parcels: str) -> None:
    """Write the page; `parcels` names what was audited."""
    environment = Environment(loader=PackageLoader("bocage.taxonomy"), autoescape=True, trim_blocks=True)
    page = environment.get_template("audit.html").render(
        audit=audit,
        taxonomy=taxonomy,
        parcels=parcels,
        sections=[
            ("Labels that the rules of two classes claim", audit.contested),
            ("Labels whose name speaks for another class than their code", audit.disagreements),
            *((title, audit.of(verdict)) for verdict, title in _TITLES.items()),
        ],
        total_ha=max(sum(row.area_ha for row in audit.labels), 1e-9),
        limit=MAX_ROWS,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page)

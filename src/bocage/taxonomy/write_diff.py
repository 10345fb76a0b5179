"""What moves between two taxonomies → one self-contained HTML page. IO."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bocage.core.artifacts import write_text
from bocage.core.page import Page, Row, Section, Table, Text, count, hectares, percent, plain
from bocage.core.render import to_html
from bocage.taxonomy.diff import Move
from bocage.taxonomy.taxonomy import Taxonomy

MOST_LABELS = 500  # of one pair of classes


def write_diff_html(
    moves: Sequence[Move], a: Taxonomy, b: Taxonomy, path: Path, *, parcels: str, n_parcels: int, area_ha: float
) -> None:
    """Write the page.

    Args:
        moves: `diff.find_moves`.
        parcels: name of what was compared; it has `n_parcels` on `area_ha`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, to_html(build_diff(moves, a, b, parcels=parcels, n_parcels=n_parcels, area_ha=area_ha)))


def build_diff(
    moves: Sequence[Move], a: Taxonomy, b: Taxonomy, *, parcels: str, n_parcels: int, area_ha: float
) -> Page:
    """Pairs of classes, and for each the labels that move with both rules."""
    n_moved, moved_ha = sum(m.n for m in moves), sum(m.area_ha for m in moves)
    lead = (
        f"Of {n_parcels:,} parcels of {parcels} ({hectares(area_ha)} ha), {n_moved:,} ({hectares(moved_ha)} ha, "
        f"{percent(moved_ha / area_ha if area_ha else 0.0)} of the area) are in another class."
    )
    title = {c.name: c.title for c in (*a.classes, *b.classes)}
    pairs = [(title.get(m.class_a, m.class_a), title.get(m.class_b, m.class_b), m) for m in moves]
    colors = {c.name: c.color for c in b.classes}
    columns = (f"In {a.name}", f"in {b.name}", ">parcels", ">area (ha)", ">share of area")
    rows = [
        Row((x, y, count(m.n), hectares(m.area_ha), percent(m.area_ha / area_ha)), colors.get(m.class_b))
        for x, y, m in pairs
    ]
    summary = Table("What moves, by class", columns, tuple(rows), "The swatch is the colour of the second class.")
    sections = [
        Section(f"move-{i}", f"{x} → {y}", (_labels(m, a.name, b.name),)) for i, (x, y, m) in enumerate(pairs, 1)
    ]
    return Page(f"{a.name} → {b.name}", "two taxonomies", (Text(lead), *([summary] if rows else [])), tuple(sections))


def _labels(move: Move, a: str, b: str) -> Table:
    shown = move.labels[:MOST_LABELS]
    rows = [
        Row((x.label.text, plain(x.label.code), count(x.n), hectares(x.area_ha), x.rule_a, x.rule_b)) for x in shown
    ]
    left = len(move.labels) - len(shown)
    note = f"{left:,} more, with smaller areas, are left out." if left else ""
    columns = ("Crop as declared", "code", ">parcels", ">area (ha)", f"rule of {a}", f"rule of {b}")
    return Table("Labels that move", columns, tuple(rows), note)

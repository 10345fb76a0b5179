"""`bocage taxonomy`: target classes, and what every label becomes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bocage.cli.output import emit, say, table
from bocage.core.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from bocage.taxonomy.apply import LabelCounts
    from bocage.taxonomy.audit import Audit
    from bocage.taxonomy.diff import Move

app = typer.Typer(no_args_is_help=True)
imports = typer.Typer(no_args_is_help=True)
app.add_typer(imports, name="import", help="Bring code tables.")

_PARCELS = typer.Argument(help="Parcels, as `bocage parcels read` writes them.")
_TAXONOMY = typer.Option("eurocrops-10", help="Name or YAML file.")
_LEVEL = typer.Option(None, min=1, help="Level of a hierarchical taxonomy, 1 = top.")
_N_LISTED = 20
_NO_TABLE = (
    "! {n} unmapped parcels have neither an HCAT code nor an English name: read them with a code table that lists "
    "them (`bocage parcels read --code-table`), or add rules for their native codes."
)


class Mixture(Enum):
    """What becomes of names that hold crops of two classes, without a code that decides."""

    background = "background"
    first = "first"
    ignore = "ignore"


_MIXTURES = typer.Option(None, help="Names with crops of two classes and no code; default: as the taxonomy says.")


class Policy(Enum):
    """What becomes of labels that no rule decides."""

    background = "background"
    ignore = "ignore"
    refuse = "refuse"


@app.command("list")
def list_taxonomies() -> None:
    """The taxonomies that come with bocage."""
    from bocage.taxonomy.load import find_taxonomy, shipped_taxonomies
    from bocage.taxonomy.read_crosswalk import CODE_CROSSWALKS, shipped_crosswalks

    found = [find_taxonomy(name) for name in shipped_taxonomies()]
    records = [{"name": t.name, "title": t.title, "n_classes": len(t.classes), "levels": t.depth} for t in found]
    rows = [[t.name, len(t.classes), t.depth, t.title] for t in found]
    crosswalks = [*shipped_crosswalks(), *CODE_CROSSWALKS]
    emit(
        {"taxonomies": records, "crosswalks": crosswalks},
        text=[table(["taxonomy", "classes", "levels", "title"], rows), f"Crosswalks: {', '.join(crosswalks)}"],
    )


@app.command()
def show(name: str = typer.Argument(help="Name or YAML file."), level: int | None = _LEVEL) -> None:
    """The classes and rules of a taxonomy; of a hierarchical one also what stands above each class.

    bocage taxonomy show field-crops --level 2
    """
    from bocage.taxonomy.hierarchy import ancestor_table, ancestors_by_class
    from bocage.taxonomy.load import find_taxonomy

    taxonomy = find_taxonomy(name, level=level)
    record = taxonomy.to_json()
    if taxonomy.depth > 1:
        record |= {"ancestors": ancestors_by_class(taxonomy), "id_by_level": ancestor_table(taxonomy).tolist()}
    rows = [[c.id, c.name, c.title, " < ".join(taxonomy.ancestors(c.name)), c.color] for c in taxonomy.classes]
    emit(record, text=table(["id", "class", "title", "below", "colour"], rows, title=taxonomy.title))


@app.command()
def audit(
    parcels: Path = _PARCELS,
    taxonomy: str = _TAXONOMY,
    html: Path | None = typer.Option(None, help="Write the audit as a page too (HTML)."),
    level: int | None = _LEVEL,
    mixtures: Mixture | None = _MIXTURES,
    min_parcels: int = typer.Option(30, min=0, help="Name the classes with fewer parcels than this."),
) -> None:
    """What maps to what, in parcels and hectares.

    bocage taxonomy audit parcels.parquet --taxonomy eurocrops-10 \\
      --html audit.html
    """
    from bocage.taxonomy.apply import audit_labels
    from bocage.taxonomy.load import find_taxonomy
    from bocage.taxonomy.write_audit import write_audit_html

    chosen = find_taxonomy(taxonomy, level=level, mixtures=mixtures.value if mixtures else None)
    result = audit_labels(_count_labels(parcels), chosen, min_parcels=min_parcels)
    if html is not None:
        write_audit_html(result, chosen, html, parcels=parcels.name)
        say(f"Audit in {html}")
    emit(result.to_json(), text=_text(result))


@app.command()
def apply(
    parcels: Path = _PARCELS,
    out: Path = typer.Option(help="GeoParquet file to write."),
    taxonomy: str = _TAXONOMY,
    unmapped: Policy = typer.Option(Policy.background, help="What becomes of labels that no rule decides."),
    level: int | None = _LEVEL,
    mixtures: Mixture | None = _MIXTURES,
) -> None:
    """Add class_id, class_name and class_rule to parcels.

    bocage taxonomy apply parcels.parquet --taxonomy my-classes.yaml \\
      --out classes.parquet
    """
    from bocage.taxonomy.load import find_taxonomy
    from bocage.taxonomy.write_classes import write_classes

    chosen = find_taxonomy(taxonomy, level=level, mixtures=mixtures.value if mixtures else None)
    result = write_classes(parcels, out, chosen, unmapped=unmapped.value)
    say(f"{result.n_parcels} parcels in {out}")
    emit({**result.to_json(), "out": str(out)}, text=_text(result))


@app.command()
def diff(
    a: str = typer.Argument(help="Taxonomy: name or YAML file."),
    b: str = typer.Argument(help="Another one; classes are compared by name."),
    parcels: Path = _PARCELS,
    labels: int = typer.Option(3, min=0, help="Labels named for each pair of classes; --json has all, with rules."),
    html: Path | None = typer.Option(None, help="Write the comparison, with all labels and rules, as a page too."),
) -> None:
    """What moves between two taxonomies on the same parcels: pairs of classes in hectares, and the labels behind.

    bocage taxonomy diff eurocrops-10 eurocrops-10-table1 parcels.parquet
    """
    from bocage.taxonomy.diff import find_moves
    from bocage.taxonomy.load import find_taxonomy
    from bocage.taxonomy.write_diff import write_diff_html

    counts = _count_labels(parcels)
    first, second = find_taxonomy(a), find_taxonomy(b)
    moves = find_moves(counts, first, second)
    n, area_ha = sum(counts.n.values()), sum(counts.area_ha.values())
    if html is not None:
        write_diff_html(moves, first, second, html, parcels=parcels.name, n_parcels=n, area_ha=area_ha)
        say(f"Comparison in {html}")
    n_moved, moved_ha = sum(m.n for m in moves), sum(m.area_ha for m in moves)
    rows = [[m.class_a, m.class_b, m.n, m.area_ha, _name_largest(m, labels)] for m in moves]
    head = f"{n_moved} of {n} parcels move, {moved_ha:,.1f} of {area_ha:,.1f} ha"
    emit(
        {
            "n_parcels": n,
            "area_ha": round(area_ha, 4),
            "n_moved": n_moved,
            "moved_ha": round(moved_ha, 4),
            "moved": [m.to_json() for m in moves],
        },
        text=[head, table([f"in {a}", f"in {b}", "parcels", "ha", "largest labels"], rows)]
        if moves
        else "Nothing moves.",
    )


@app.command()
def crosswalk(
    name: str = typer.Argument(help="Name (`bocage taxonomy list`), `hcat4-to-hcat3` or `hcat3-to-hcat4`."),
    hcat4: str = typer.Option("hcat4", help="HCAT4's list of codes: CSV of EuroCrops 2.0, or an imported table."),
) -> None:
    """What the classes of another data set are in a taxonomy, or the codes of one HCAT in the other.

    bocage taxonomy crosswalk pastis-18-to-eurocrops-10
    """
    from bocage.taxonomy.read_crosswalk import read_crosswalk_rows

    records = read_crosswalk_rows(name, hcat4=hcat4)
    emit({"crosswalk": records}, text=table(list(records[0]), [list(r.values()) for r in records], title=name))


@app.command()
def common(
    parcels: list[Path] = typer.Argument(help="Two or more files, as `bocage parcels read` writes them."),
    taxonomy: str | None = typer.Option(None, help="Compare its classes; default: HCAT codes."),
    share: float = typer.Option(
        0.999, min=0.0, max=1.0, help="Share of the area of the common labels that is covered, 0–1."
    ),
    level: int | None = _LEVEL,
) -> None:
    """The labels that all sources have and that together cover a share of their common area.

    bocage taxonomy common catalonia.parquet france.parquet --share 0.99
    """
    from bocage.taxonomy.apply import sum_area_by_label
    from bocage.taxonomy.common import select_common_labels
    from bocage.taxonomy.load import find_taxonomy

    if level is not None and taxonomy is None:
        raise ConfigError("--level is one of a taxonomy's, and none is given. Name it with --taxonomy.")
    chosen = find_taxonomy(taxonomy, level=level) if taxonomy else None
    labels = select_common_labels([sum_area_by_label(_count_labels(path), chosen) for path in parcels], share=share)
    records = [
        {"label": x.label, "area_ha": [round(a, 4) for a in x.area_ha], "cumulated_fraction": x.cumulated_fraction}
        for x in labels
    ]
    rows = [[x.label, *(f"{a:.1f}" for a in x.area_ha), f"{x.cumulated_fraction:.2%}"] for x in labels]
    emit({"common": records}, text=table(["label", *(f"{p.stem}, ha" for p in parcels), "cumulated"], rows))


@imports.command("hcat")
def import_hcat(place: str = typer.Argument(help="CSV file, folder of CSV files, or URL of one.")) -> None:
    """Bring EuroCrops' code tables: native codes and names to HCAT, for parcels.code_table.

    bocage taxonomy import hcat csvs/country_mappings
    """
    from bocage.parcels.store_code_tables import import_code_tables

    imported, skipped = import_code_tables(place)
    for record in skipped:
        say(f"Left out {record['name']}: {record['reason']}")
    rows = [[r["name"], r["n_rows"], sum(r["dropped"].values())] for r in imported]
    emit({"imported": imported, "skipped": skipped}, text=table(["code table", "rows", "left out"], rows))


def _count_labels(parcels: Path) -> LabelCounts:
    from bocage.parcels.read import read_parcel_columns
    from bocage.taxonomy.apply import COUNTED_COLUMNS, count_labels

    return count_labels(read_parcel_columns(parcels, COUNTED_COLUMNS))


def _name_largest(move: Move, n: int) -> str:
    more = f"; {len(move.labels) - n} more" if len(move.labels) > n else ""
    return "; ".join(f"{x.label.text} {x.area_ha:,.1f} ha" for x in move.labels[:n]) + more


def _text(audit: Audit) -> list[str | Table]:
    from bocage.taxonomy.decide import Verdict

    head = (
        f"{audit.n_parcels} parcels: {audit.n_mapped} mapped, {audit.n_background} background, "
        f"{audit.n_unmapped} unmapped, {audit.n_ambiguous} too coarse or mixed"
    )
    by_class = [*audit.by_class.items(), ("ignore (255)", audit.ignored)]
    classes = table(["class", "parcels", "ha"], [[k, v["n"], v["area_ha"]] for k, v in by_class])
    bare = sum(r.n for r in audit.of(Verdict.UNMAPPED) if r.hcat_code is None and r.crop_name_en is None)
    few = ", ".join(f"{name} ({n})" for name, n in audit.too_few.items())
    asides = [
        f"{len(audit.contested)} labels claimed by two rules; {len(audit.disagreements)} names contradict the code",
        *([_NO_TABLE.format(n=bare)] if bare else []),
        *([f"Fewer than {audit.min_parcels} parcels: {few}"] if few else []),
    ]
    odd = [row for row in audit.labels if row.verdict in ("unmapped", "ambiguous")][:_N_LISTED]
    labels = table(
        ["label", "what", "rule", "parcels", "ha"], [[r.text, r.verdict.value, r.rule, r.n, r.area_ha] for r in odd]
    )
    return [head, classes, *asides, *([labels] if odd else [])]

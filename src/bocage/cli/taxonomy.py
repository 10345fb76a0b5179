"""`bocage taxonomy`: target classes, and what every label becomes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bocage.cli.output import emit, say, table

if TYPE_CHECKING:
    from rich.table import Table

    from bocage.taxonomy.audit import Audit

app = typer.Typer(no_args_is_help=True)
imports = typer.Typer(no_args_is_help=True)
app.add_typer(imports, name="import", help="Bring code tables.")

_PARCELS = typer.Argument(help="Parcels, as `bocage parcels read` writes them.")
_TAXONOMY = typer.Option("eurocrops-10", help="Name or YAML file.")
_N_LISTED = 20


class Policy(Enum):
    """What becomes of labels that no rule decides."""

    background = "background"
    ignore = "ignore"
    refuse = "refuse"


@app.command("list")
def list_taxonomies() -> None:
    """The taxonomies that come with bocage."""
    from bocage.taxonomy.load import find_taxonomy, shipped_taxonomies

    found = [find_taxonomy(name) for name in shipped_taxonomies()]
    records = [{"name": t.name, "title": t.title, "n_classes": len(t.classes)} for t in found]
    emit(
        {"taxonomies": records},
        text=table(["taxonomy", "classes", "title"], [[t.name, len(t.classes), t.title] for t in found]),
    )


@app.command()
def show(name: str = typer.Argument(help="Name or YAML file.")) -> None:
    """The classes and rules of a taxonomy."""
    from bocage.taxonomy.load import find_taxonomy

    taxonomy = find_taxonomy(name)
    rows = [[c.id, c.name, c.title, c.color] for c in taxonomy.classes]
    emit(taxonomy.to_json(), text=table(["id", "class", "title", "colour"], rows, title=taxonomy.title))


@app.command()
def audit(
    parcels: Path = _PARCELS,
    taxonomy: str = _TAXONOMY,
    html: Path | None = typer.Option(None, help="Write the audit as a page too."),
) -> None:
    """What maps to what, in parcels and hectares."""
    from bocage.parcels.read import read_parcel_file
    from bocage.taxonomy.apply import apply_taxonomy
    from bocage.taxonomy.load import find_taxonomy
    from bocage.taxonomy.write_audit import write_audit_html

    chosen = find_taxonomy(taxonomy)
    _, result = apply_taxonomy(read_parcel_file(parcels), chosen)
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
) -> None:
    """Add class_id, class_name and class_rule to parcels."""
    from bocage.parcels.read import read_parcel_file
    from bocage.parcels.write import write_parcels
    from bocage.taxonomy.apply import apply_taxonomy
    from bocage.taxonomy.load import find_taxonomy

    frame, result = apply_taxonomy(read_parcel_file(parcels), find_taxonomy(taxonomy), unmapped=unmapped.value)
    write_parcels(frame, out)
    say(f"{len(frame)} parcels in {out}")
    emit({**result.to_json(), "out": str(out)}, text=_text(result))


@app.command()
def diff(
    a: str = typer.Argument(help="Taxonomy: name or YAML file."),
    b: str = typer.Argument(help="Another one."),
    parcels: Path = _PARCELS,
) -> None:
    """What moves between two taxonomies on the same parcels, in hectares."""
    from bocage.parcels.read import read_parcel_file
    from bocage.taxonomy.apply import apply_taxonomy
    from bocage.taxonomy.audit import compare_classes
    from bocage.taxonomy.load import find_taxonomy

    frame = read_parcel_file(parcels)
    first, second = (apply_taxonomy(frame, find_taxonomy(name))[0]["class_name"] for name in (a, b))
    moved = compare_classes(first, second, frame["area"].to_numpy())
    rows = [[r["from"], r["to"], r["n"], r["area_ha"]] for r in moved]
    emit({"moved": moved}, text=table(["from", "to", "parcels", "ha"], rows) if moved else "Nothing moves.")


@imports.command("hcat")
def import_hcat(place: str = typer.Argument(help="CSV file, folder of CSV files, or URL of one.")) -> None:
    """Bring EuroCrops' code tables: native codes and names to HCAT, for parcels.code_table."""
    from bocage.parcels.store_code_tables import import_code_tables

    imported = import_code_tables(place)
    rows = [[r["name"], r["n_rows"], sum(r["dropped"].values())] for r in imported]
    emit({"imported": imported}, text=table(["code table", "rows", "left out"], rows))


def _text(audit: Audit) -> list[str | Table]:
    head = (
        f"{audit.n_parcels} parcels: {audit.n_mapped} mapped, {audit.n_background} background, "
        f"{audit.n_unmapped} unmapped, {audit.n_ambiguous} too coarse or mixed"
    )
    classes = table(["class", "parcels", "ha"], [[k, v["n"], v["area_ha"]] for k, v in audit.by_class.items()])
    odd = [row for row in audit.labels if row.verdict in ("unmapped", "ambiguous")][:_N_LISTED]
    labels = table(
        ["label", "what", "rule", "parcels", "ha"], [[r.text, r.verdict.value, r.rule, r.n, r.area_ha] for r in odd]
    )
    return [head, classes, *([labels] if odd else [])]

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
_LEVEL = typer.Option(None, min=1, help="Level of a hierarchical taxonomy, 1 = top.")
_N_LISTED = 20


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
    from bocage.taxonomy.read_crosswalk import shipped_crosswalks

    found = [find_taxonomy(name) for name in shipped_taxonomies()]
    records = [{"name": t.name, "title": t.title, "n_classes": len(t.classes), "levels": t.depth} for t in found]
    rows = [[t.name, len(t.classes), t.depth, t.title] for t in found]
    emit(
        {"taxonomies": records, "crosswalks": list(shipped_crosswalks())},
        text=table(["taxonomy", "classes", "levels", "title"], rows),
    )


@app.command()
def show(name: str = typer.Argument(help="Name or YAML file."), level: int | None = _LEVEL) -> None:
    """The classes and rules of a taxonomy; of a hierarchical one also what stands above each class."""
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
    html: Path | None = typer.Option(None, help="Write the audit as a page too."),
    level: int | None = _LEVEL,
    mixtures: Mixture | None = _MIXTURES,
    min_parcels: int = typer.Option(30, min=0, help="Name the classes with fewer parcels."),
) -> None:
    """What maps to what, in parcels and hectares."""
    from bocage.parcels.read import read_parcel_file
    from bocage.taxonomy.apply import apply_taxonomy
    from bocage.taxonomy.load import find_taxonomy
    from bocage.taxonomy.write_audit import write_audit_html

    chosen = find_taxonomy(taxonomy, level=level, mixtures=mixtures.value if mixtures else None)
    _, result = apply_taxonomy(read_parcel_file(parcels), chosen, min_parcels=min_parcels)
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
    """Add class_id, class_name and class_rule to parcels."""
    from bocage.parcels.read import read_parcel_file
    from bocage.parcels.write import write_parcels
    from bocage.taxonomy.apply import apply_taxonomy
    from bocage.taxonomy.load import find_taxonomy

    chosen = find_taxonomy(taxonomy, level=level, mixtures=mixtures.value if mixtures else None)
    frame, result = apply_taxonomy(read_parcel_file(parcels), chosen, unmapped=unmapped.value)
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


@app.command()
def common(
    parcels: list[Path] = typer.Argument(help="Two or more files, as `bocage parcels read` writes them."),
    taxonomy: str | None = typer.Option(None, help="Compare its classes; default: HCAT codes."),
    share: float = typer.Option(0.999, min=0.0, max=1.0, help="Of the area of the common labels, 0–1."),
    level: int | None = _LEVEL,
) -> None:
    """The labels that all sources have and that together cover a share of their common area."""
    from bocage.parcels.read import read_parcel_file
    from bocage.taxonomy.apply import count_area_by_label
    from bocage.taxonomy.common import select_common_labels
    from bocage.taxonomy.load import find_taxonomy

    chosen = find_taxonomy(taxonomy, level=level) if taxonomy else None
    labels = select_common_labels(
        [count_area_by_label(read_parcel_file(path), chosen) for path in parcels], share=share
    )
    records = [
        {"label": x.label, "area_ha": [round(a, 4) for a in x.area_ha], "cumulated_fraction": x.cumulated_fraction}
        for x in labels
    ]
    rows = [[x.label, *(f"{a:.1f}" for a in x.area_ha), f"{x.cumulated_fraction:.2%}"] for x in labels]
    emit({"common": records}, text=table(["label", *(f"{p.stem}, ha" for p in parcels), "cumulated"], rows))


@imports.command("hcat")
def import_hcat(place: str = typer.Argument(help="CSV file, folder of CSV files, or URL of one.")) -> None:
    """Bring EuroCrops' code tables: native codes and names to HCAT, for parcels.code_table."""
    from bocage.parcels.store_code_tables import import_code_tables

    imported, skipped = import_code_tables(place)
    for record in skipped:
        say(f"Left out {record['name']}: {record['reason']}")
    rows = [[r["name"], r["n_rows"], sum(r["dropped"].values())] for r in imported]
    emit({"imported": imported, "skipped": skipped}, text=table(["code table", "rows", "left out"], rows))


def _text(audit: Audit) -> list[str | Table]:
    head = (
        f"{audit.n_parcels} parcels: {audit.n_mapped} mapped, {audit.n_background} background, "
        f"{audit.n_unmapped} unmapped, {audit.n_ambiguous} too coarse or mixed"
    )
    classes = table(["class", "parcels", "ha"], [[k, v["n"], v["area_ha"]] for k, v in audit.by_class.items()])
    few = ", ".join(f"{name} ({n})" for name, n in audit.too_few.items())
    asides = [
        f"{len(audit.contested)} labels claimed by two rules; {len(audit.disagreements)} names contradict the code",
        *([f"Fewer than {audit.min_parcels} parcels: {few}"] if few else []),
    ]
    odd = [row for row in audit.labels if row.verdict in ("unmapped", "ambiguous")][:_N_LISTED]
    labels = table(
        ["label", "what", "rule", "parcels", "ha"], [[r.text, r.verdict.value, r.rule, r.n, r.area_ha] for r in odd]
    )
    return [head, classes, *asides, *([labels] if odd else [])]

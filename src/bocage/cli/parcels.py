"""`bocage parcels`: the sources, and any declaration file in one schema."""

from __future__ import annotations

from pathlib import Path
from textwrap import shorten
from typing import Any

import typer
import yaml

from bocage.cli.output import emit, say, table
from bocage.core.errors import ConfigError, MissingFile
from bocage.core.plain_yaml import load_yaml
from bocage.parcels.options import ParcelOptions

app = typer.Typer(no_args_is_help=True)
_WIDTH = 60  # of an example, in letters


@app.command()
def sources() -> None:
    """The parcel sources: what each reads."""
    from bocage.parcels.read import describe_sources

    records = describe_sources()
    rows = [[r["name"], r["title"], r["country"] or "any", r["licence"]] for r in records]
    emit({"sources": records}, text=table(["source", "what", "country", "licence"], rows))


@app.command()
def read(
    path: Path = typer.Argument(help="Shapefile, GeoPackage, GeoJSON, GeoParquet; or a zip or .7z (.7z.001) with one."),
    out: Path = typer.Option(help="GeoParquet file to write."),
    source: str = typer.Option(help="Name of the source (`bocage parcels sources`)."),
    year: int | None = typer.Option(None, help="Year of the harvest."),
    country: str | None = typer.Option(
        None, help="ISO 3166-1 alpha-2 code, such as FR; rules on national codes need it."
    ),
    bbox: str | None = typer.Option(None, help="Left,bottom,right,top in degrees."),
    crs: str | None = typer.Option(None, help="CRS, where the file states none or a wrong one."),
    layer: str | None = typer.Option(None, help="Layer, or file inside a zip; several by a pattern: 'Culturas_*'."),
    encoding: str | None = typer.Option(None, help="Encoding of a shapefile's text; default: found."),
    code_table: str | None = typer.Option(None, help="CSV or imported code table: native code to HCAT."),
    columns: Path | None = typer.Option(
        None, "--map", help="YAML with the `parcels` options of a file: columns, crs, layer, encoding, year, country."
    ),
) -> None:
    """Read declared parcels of any supported file into one schema (GeoParquet, fiboa column names).

    bocage parcels read AT_2021_EC21.shp --source eurocrops --country AT \\
      --year 2021 --out parcels.parquet
    """
    from bocage.parcels.read import stream_parcels

    given = {
        "kind": source,
        "path": str(path),
        "year": year,
        "country": country,
        "bbox": bbox.split(",") if bbox else None,
        "crs": crs,
        "layer": layer,
        "encoding": encoding,
        "code_table": code_table,
    }
    options = ParcelOptions.from_values(**_read_map(columns) | {k: v for k, v in given.items() if v is not None})
    parcels = stream_parcels(options, out)
    say(f"{parcels.tally.kept} parcels in {out}")
    result = {
        "n_read": parcels.n_read,
        "n_kept": parcels.tally.kept,
        "dropped": dict(parcels.tally.dropped),
        "crs": parcels.crs,
        "area_ha": parcels.area_ha,
        "out": str(out),
        "notes": parcels.notes,
    }
    emit(result, text=[f"{parcels.tally}; {parcels.area_ha:,.1f} ha; {parcels.crs}", *_odd(parcels.notes)])


def _odd(notes: dict[str, Any]) -> list[str]:
    """What a person should know about the labels, a line each."""
    lines = [
        f"! layer {name} has crops too ({n} rows) and is not read: --layer names one, --layer '*' takes all"
        for name, n in notes.get("layers_left_out", {}).items()
    ]
    lines += [f"! {notes['elsewhere']}"] if "elsewhere" in notes else []
    lines += [f"! {n['n']} parcels: {what}{_such_as(n)}" for what, n in notes.get("hcat", {}).items()]
    if n := notes["n_without_year"]:
        lines.append(f"! {n} parcels have no year: set --year")
    if n := notes["n_without_country"]:
        lines.append(f"! {n} parcels have no country, which rules on national codes need: set --country")
    if "hcat" not in notes:
        lines.append("! no HCAT codes: the file has none; --code-table gives native codes theirs")
    if (listed := notes.get("code_table", {})).get("n_not_found"):
        lines.append(f"! {listed['n_not_found']} parcels are not in code table '{listed['name']}'{_such_as(listed)}")
    if lost := notes.get("names_with_lost_letters"):
        lines.append(f"! {lost['n']} names have lost letters{_such_as(lost)}")
    if notes.get("encoding_from") == "guess":
        lines.append(f"! the text was read as {notes['encoding']}, a guess; set parcels.encoding if names look wrong")
    if (pairs := notes["overlaps"])["n_pairs"]:
        looked_at = f", counted on {pairs['looked_at_fraction']:.1%} of the ground" * (pairs["looked_at_fraction"] < 1)
        lines.append(f"! {pairs['n_pairs']} pairs of parcels overlap by {pairs['area_ha']:,.2f} ha{looked_at}")
    return lines


def _such_as(note: dict[str, Any]) -> str:
    shown = [shorten(e, _WIDTH, placeholder=" …") for e in note["examples"] if e.strip("-/ ")]
    return f" ({'; '.join(shown)})" if shown else ""


def _read_map(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    if not path.is_file():
        raise MissingFile(f"No column map at {path}. Check --map.")
    try:
        record = load_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}. Correct the file.") from error
    if not isinstance(record, dict):
        raise ConfigError(f"{path} should hold `columns:` and other parcel options. See `bocage config schema`.")
    return record

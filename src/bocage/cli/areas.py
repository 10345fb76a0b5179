"""`bocage areas`: a random sample of a map, and the class areas with intervals that follow from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from bocage.cli.output import emit, table

app = typer.Typer(no_args_is_help=True)
MAP = typer.Argument(help="Folder of a finished map: class_map.tif, legend.csv.", metavar="MAP")


@app.command()
def draw(
    folder: Path = MAP,
    out: Path = typer.Option(help="The points: .gpkg or .csv."),
    per_class: int = typer.Option(50, min=2, help="Points in each mapped class; smaller classes are taken whole."),
    seed: int = typer.Option(0, min=0, help="Seed of the draw."),
) -> None:
    """Draw random pixels in each mapped class. Find out what grows there and fill in reference_class."""
    from bocage.mapping.read_points import draw_points, write_points

    points = draw_points(folder, per_class, seed=seed)
    write_points(points, out)
    by_class = points["map_class"].value_counts().to_dict()
    text = f"{out}: {len(points)} points. Fill in reference_class, then: bocage areas estimate {folder} {out}"
    emit({"points": str(out), "n_points": len(points), "by_class": by_class}, text=text)


@app.command()
def estimate(
    folder: Path = MAP,
    points: Path = typer.Argument(help="The points, each with its reference_class."),
    level: float = typer.Option(0.95, min=0.5, max=0.999, help="Level of the intervals (fraction)."),
) -> None:
    """Accuracy and class areas with intervals, corrected for the map's errors (Olofsson et al. 2014)."""
    from bocage.mapping.points import estimate_from_points
    from bocage.mapping.read_points import read_class_names, read_points

    found = estimate_from_points(read_points(points), read_class_names(folder), level=level)

    def bounds(entry: dict[str, float] | None) -> str:
        return f"{entry['value']:,.3f} ({entry['low']:,.3f} to {entry['high']:,.3f})" if entry else ""

    rows: list[list[Any]] = [
        [name, e["mapped_ha"], bounds(e["area_ha"]), bounds(e["users_accuracy"]), bounds(e["producers_accuracy"])]
        for name, e in found["per_class"].items()
        if e["mapped_ha"] or e["area_ha"]["value"]
    ]
    columns = ["class", "mapped (ha)", "area (ha)", "user's accuracy", "producer's accuracy"]
    overall = f"overall accuracy: {bounds(found['overall_accuracy'])}; {found['n_points']} points"
    emit(found, text=[table(columns, rows), overall])

"""`bocage areas`: a random sample of a map's pixels, and class areas with intervals from it."""

from __future__ import annotations

from pathlib import Path

import typer

from bocage.cli.output import emit, table
from bocage.core.errors import ConfigError

app = typer.Typer(no_args_is_help=True)
MAP = typer.Argument(help="Folder of one map: a tile's or a mosaic's.", metavar="MAP")


@app.command()
def sample(
    folder: Path = MAP,
    out: Path = typer.Option(help="Where the sample goes (GeoPackage); a file that exists is never replaced."),
    n: int = typer.Option(500, min=2, help="Pixels to draw, by the mapped area of each class."),
    least: int = typer.Option(50, min=2, help="But at least so many of each class (or all it has)."),
    seed: int = typer.Option(0, help="Root seed."),
    reference: Path | None = typer.Option(
        None,
        help="Polygons with true classes, which fill in the pixels below them; the rest stays open, as does "
        "what lies under several classes.",
    ),
    reference_name: str = typer.Option("class_name", help="Column of that file with the class."),
) -> None:
    """Draw pixels at random within each mapped class, to be looked up on the ground or in imagery.

    bocage areas sample runs/a/map/NAME --n 500 --least 50 --out sample.gpkg
    """
    from bocage.mapping.read import read_regions
    from bocage.mapping.sample import draw_sample, look_up, open_map
    from bocage.mapping.write import write_sample

    if folder.resolve() in out.resolve().parents:
        raise ConfigError(f"{out} lies in the map's own folder, which the next run makes anew. Name another place.")
    if out.exists():
        raise ConfigError(f"{out} exists, and true classes may stand in it. Name another file, or delete it.")
    drawn = draw_sample(open_map(folder), n=n, least=least, seed=seed)
    if reference is not None:
        drawn = look_up(drawn, read_regions(reference, reference_name))
    write_sample(drawn, out)
    counts = drawn["mapped_class"].value_counts().to_dict()
    n_open = int(drawn["reference_class"].isna().sum())
    emit(
        {"sample": str(out), "n": len(drawn), "by_class": counts, "n_open": n_open},
        text=[
            table(["mapped class", "pixels"], [[c, count] for c, count in counts.items()]),
            f"sample: {out}; {n_open} of {len(drawn)} pixels wait for their reference_class",
        ],
    )


@app.command()
def estimate(
    folder: Path = MAP,
    sample: Path = typer.Option(help="The sample, with reference_class filled in."),
    areas: Path | None = typer.Option(None, help="Polygon file: also for each of its regions."),
    areas_name: str | None = typer.Option(None, help="Column of that file with the names; default: their numbers."),
    level: float = typer.Option(0.95, min=0.5, max=0.999, help="Level of the intervals."),
) -> None:
    """Class areas and accuracy of a map with design-based intervals (Olofsson et al. 2014), beside the sample.

    bocage areas estimate runs/a/map/NAME --sample sample.gpkg --areas nuts.gpkg \\
      --areas-name NUTS_ID
    """
    from bocage.core.artifacts import write_text
    from bocage.mapping.read import read_regions, read_sample
    from bocage.mapping.sample import estimate_map, open_map

    if areas_name is not None and areas is None:
        raise ConfigError(f"--areas-name {areas_name} is a column of a polygon file, and none is given. Add --areas.")
    regions = read_regions(areas, areas_name) if areas else None
    by_class, accuracy = estimate_map(open_map(folder), read_sample(sample), regions, level=level)
    files = {name: sample.with_name(f"{sample.stem}_{name}.csv") for name in ("areas", "accuracy")}
    for name, frame in (("areas", by_class), ("accuracy", accuracy)):
        write_text(files[name], frame.to_csv(index=False))
    columns = ["region", "class_name", "mapped_ha", "area_ha", "low_ha", "high_ha"]
    shown = by_class[columns].astype(object).where(by_class[columns].notna(), None).to_numpy().tolist()
    emit(
        {
            **{name: str(path) for name, path in files.items()},
            "by_class": by_class.astype(object).where(by_class.notna(), None).to_dict("records"),
            "by_measure": accuracy.astype(object).where(accuracy.notna(), None).to_dict("records"),
        },
        text=[table(columns, shown), *(f"{name}: {path}" for name, path in files.items())],
    )

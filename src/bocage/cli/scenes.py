"""`bocage scenes`: catalogs, search, inspect."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bocage.cli.output import emit, table
from bocage.core.errors import ConfigError

if TYPE_CHECKING:
    from bocage.scenes.record import Scene

app = typer.Typer(no_args_is_help=True)


@app.command()
def catalogs() -> None:
    """List the kinds of catalogs."""
    from bocage.scenes.catalogs import CATALOGS

    rows = [{"name": name, "what": (type(entry).__doc__ or "").strip()} for name, entry in CATALOGS.items()]
    emit({"catalogs": rows}, text=table(("catalog", "what"), [(r["name"], r["what"]) for r in rows]))


@app.command()
def search(
    catalog: Annotated[
        str, typer.Option(help="A folder of SAFE products, a STAC file, or a catalog's name (with --path).")
    ],
    region: Annotated[
        str | None, typer.Option(metavar="FILE_OR_BBOX", help="A vector file, or L,B,R,T in degrees.")
    ] = None,
    season: Annotated[
        str | None, typer.Option(metavar="A/B", help="First and last day, e.g. 2018-04-01/2018-09-30.")
    ] = None,
    max_cloud_fraction: Annotated[
        float | None, typer.Option(help="Drop cloudier products (0-1).", min=0, max=1)
    ] = None,
    level: Annotated[Literal["L2A", "L1C"], typer.Option(help="Surface (L2A) or top of atmosphere.")] = "L2A",
    path: Annotated[Path | None, typer.Option(help="Where a catalog given by name lies.")] = None,
) -> None:
    """Products for a place and a season."""
    from bocage.regions.plan import plan_regions, region_from_text
    from bocage.scenes.catalogs import CATALOGS
    from bocage.scenes.options import SceneOptions
    from bocage.scenes.search import guess_catalog, search_scenes

    where = path if catalog in CATALOGS else Path(catalog)
    options = SceneOptions.model_validate(
        {
            "catalog": catalog if catalog in CATALOGS else guess_catalog(Path(catalog)),
            "path": None if where is None else str(where),
            "season": parse_season(season) if season else None,
            "level": level,
            "max_cloud_fraction": max_cloud_fraction,
        }
    )
    geometry = plan_regions(region_from_text(region))[0].geometry if region else None
    scenes, tally = search_scenes(options, geometry)
    rows = [_row(scene) for scene in scenes]
    columns = ("sensed", "tile", "baseline", "cloud", "offset", "product")
    result = {"scenes": [scene.to_json() for scene in scenes], "tally": tally.to_json()}
    emit(result, text=[table(columns, rows), f"{tally}."])


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="A .SAFE folder or a STAC item (JSON).")],
    check: Annotated[bool, typer.Option(help="Also check all band files: structure, size, MD5.")] = False,
) -> None:
    """One product: where its offset comes from, which bands it has."""
    from bocage.scenes.read import check_scene_files, open_scene

    scene = open_scene(path)
    if check:
        check_scene_files([scene], tuple(scene.assets), checksums=True)
    record = scene.to_json()
    shown = {k: v for k, v in record.items() if k not in ("assets", "footprint", "offset_by_band")}
    bands = [(name, f"{a.resolution_m} m", a.href) for name, a in scene.assets.items()]
    text = [table(("field", "value"), [(k, "" if v is None else str(v)) for k, v in shown.items()])]
    text.append(table(("band", "pixels", "file"), bands))
    emit(record, text=text)


def parse_season(text: str) -> tuple[date, date]:
    """`A/B` as two dates, both included.

    Raises:
        ConfigError: if it is not two ISO dates in order.
    """
    try:
        first, last = (date.fromisoformat(part.strip()) for part in text.split("/"))
    except ValueError:
        raise ConfigError(f"'{text}' is no season. Write two days, both included: 2018-04-01/2018-09-30.") from None
    if first > last:
        raise ConfigError(f"The season {text} ends before it begins. Write the first day first.")
    return first, last


def _row(scene: Scene) -> tuple[Any, ...]:
    cloud = scene.cloud_cover_fraction
    return (
        f"{scene.datetime:%Y-%m-%d}",
        scene.tile,
        scene.baseline,
        None if cloud is None else f"{cloud:.1%}",
        f"{scene.offset:g}",
        scene.id,
    )

"""`bocage scenes`: catalogs, search, fetch, inspect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bocage.cli.arguments import CloudOption, LevelOption, PathOption, RegionOption, SeasonOption
from bocage.cli.output import emit, settings, table
from bocage.core.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from bocage.scenes.options import SceneOptions
    from bocage.scenes.record import Scene

app = typer.Typer(no_args_is_help=True)
COLUMNS = ("sensed", "tile", "baseline", "cloud", "offset", "product")


@app.command()
def catalogs() -> None:
    """The kinds of catalogs: where to look for products."""
    from bocage.scenes.catalogs import CATALOGS

    rows = [{"name": name, "what": (type(entry).__doc__ or "").strip()} for name, entry in CATALOGS.items()]
    emit({"catalogs": rows}, text=table(("catalog", "what"), [(r["name"], r["what"]) for r in rows]))


CatalogOption = Annotated[
    str,
    typer.Option(
        help="A name of `bocage scenes catalogs`, a folder of products, a STAC file, or a STAC API's address."
    ),
]
CollectionOption = Annotated[str | None, typer.Option(help="Collection of a STAC API.")]


@app.command()
def search(
    catalog: CatalogOption,
    region: RegionOption = None,
    season: SeasonOption = None,
    max_cloud_fraction: CloudOption = None,
    level: LevelOption = "L2A",
    path: PathOption = None,
    collection: CollectionOption = None,
) -> None:
    """Products for a place and a season: how cloudy, and with which offset.

    bocage scenes search --catalog earth_search \\
      --region 3.29,43.62,3.32,43.65 --season 2023-04-01/2023-09-30

    Reprocessed duplicates and tiles without ground of their own are left out
    and counted.
    """
    from bocage.scenes.search import search_scenes

    options = read_options(catalog, season, max_cloud_fraction, level, path, collection)
    scenes, tally = search_scenes(options, read_region(region))
    result = {"scenes": [scene.to_json() for scene in scenes], "tally": tally.to_json()}
    emit(result, text=[table(COLUMNS, [_row(scene) for scene in scenes]), f"{tally}."])


@app.command()
def fetch(
    catalog: CatalogOption,
    region: RegionOption = None,
    season: SeasonOption = None,
    bands: Annotated[
        str | None, typer.Option(help="Such as B02,B03,B04,B08; by default the ten of 10 and 20 m.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the products; by default in the cache.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print scenes, bytes and requests.")] = False,
    archive: Annotated[bool, typer.Option("--archive", help="Whole products as SAFE, instead of bands.")] = False,
    s3: Annotated[bool, typer.Option("--s3", help="Take s3:// addresses where there are HTTPS ones as well.")] = False,
    max_cloud_fraction: CloudOption = None,
    level: LevelOption = "L2A",
    path: PathOption = None,
    collection: CollectionOption = None,
) -> None:
    """Download products: only the bands needed, resumed, checked, kept.

    bocage scenes fetch --catalog earth_search --region 3.29,43.62,3.32,43.65 \\
      --season 2023-04-01/2023-09-30 --out data/s2 --dry-run

    Look first with --dry-run, then run the same without it, again until
    nothing has failed: what is there is not fetched twice. The folder is then
    a catalog itself: --catalog FOLDER/catalog.json (--archive: FOLDER).

    Accounts: earth_search and planetary_computer need none; cdse wants
    CDSE_USERNAME and CDSE_PASSWORD in the environment, or with --s3
    CDSE_S3_ACCESS_KEY and CDSE_S3_SECRET_KEY.
    """
    from bocage.core.artifacts import default_root
    from bocage.core.bands import BANDS, DEFAULT_BANDS, check_bands
    from bocage.scenes.fetch import estimate_fetch, fetch_scenes, is_fetched
    from bocage.scenes.fetch_http import Fetcher
    from bocage.scenes.plan_fetch import plan_fetch
    from bocage.scenes.search import search_scenes

    wanted = tuple(b.strip() for b in bands.split(",")) if bands else DEFAULT_BANDS
    check_bands(wanted, allowed=(*BANDS, "SCL"))
    options = read_options(catalog, season, max_cloud_fraction, level, path, collection)
    outline = read_region(region)
    scenes, tally = search_scenes(options, outline)
    folder = (out or default_root() / "scenes").expanduser().absolute()
    plans, failed = plan_fetch(scenes, wanted, folder, archive=archive, s3=s3)
    fetcher = Fetcher(connections=settings.workers)
    if dry_run:
        estimate = estimate_fetch(plans, fetcher, workers=settings.workers)
        unknown = f" and {estimate.n_unknown} files of unknown size" if estimate.n_unknown else ""
        result = {
            "scenes": [scene.id for scene in scenes],
            "fetched": [],
            "cached": [plan.scene.id for plan in plans if is_fetched(plan)],
            "bytes": estimate.n_bytes,
            "n_unknown_size": estimate.n_unknown,
            "requests": estimate.n_requests,
            "failed": failed,
            "out": str(folder),
            "tally": tally.to_json(),
        }
        line = (
            f"{len(plans)} scenes, {sum(map(is_fetched, plans))} of them there already: "
            f"{estimate.n_bytes / 1e9:.3f} GB{unknown} in {estimate.n_requests} requests. Nothing was fetched."
        )
        emit(result, text=[table(COLUMNS, [_row(scene) for scene in scenes]), f"{tally}.", line, *_problems(failed)])
        return
    done = fetch_scenes(plans, folder, fetcher, workers=settings.workers, place=describe_place(outline))
    failed |= done.failed
    result = {
        "fetched": done.fetched,
        "cached": done.cached,
        "failed": failed,
        "bytes": done.n_bytes,
        "out": str(folder),
    }
    counts = f"{len(done.fetched)} fetched, {len(done.cached)} there already, {len(failed)} failed"
    emit(result, text=[f"{counts}; {done.n_bytes / 1e9:.3f} GB in {folder}.", *_problems(failed)])
    if failed:
        raise typer.Exit(SourceError.exit_code)


def read_options(
    catalog: str,
    season: str | None,
    max_cloud_fraction: float | None,
    level: str,
    path: str | None,
    collection: str | None = None,
    tile: str | None = None,
) -> SceneOptions:
    """The command line's choice of products, checked as in an experiment.

    Args:
        catalog: a name of `CATALOGS` (then `path` says where it lies), a folder, a STAC file or an API's address.

    Raises:
        ConfigError: naming what will not do; also a `path` beside a catalog that says itself where it lies.
    """
    from bocage.scenes.catalogs import CATALOGS
    from bocage.scenes.options import SceneOptions
    from bocage.scenes.search import guess_catalog

    named = catalog in CATALOGS
    if path is not None and not named:
        raise ConfigError(
            f"--path {path} says where a catalog given by its name lies, but --catalog {catalog} is a place itself. "
            f"Leave out --path, or name the kind of catalog: {', '.join(CATALOGS)}."
        )
    return SceneOptions.from_values(
        catalog=catalog if named else guess_catalog(catalog),
        path=path if named else catalog,
        collection=collection,
        season=parse_season(season) if season else None,
        level=level,
        max_cloud_fraction=max_cloud_fraction,
        tiles=(tile,) if tile else None,
    )


def read_region(text: str | None) -> BaseGeometry | None:
    """The outline in longitude/latitude of `--region`."""
    from bocage.regions.plan import plan_regions, region_from_text

    return plan_regions(region_from_text(text))[0].geometry if text else None


def describe_place(outline: BaseGeometry | None) -> str:
    """The region as a download's state names it."""
    from bocage.regions.plan import describe_box

    return "anywhere" if outline is None else describe_box(outline)


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="A .SAFE folder, a .SAFE.zip or a STAC item (JSON).")],
    check: Annotated[bool, typer.Option(help="Also check all band files: structure, size, MD5.")] = False,
) -> None:
    """One product: which offset its numbers carry and what says so, and which bands it has.

    bocage scenes inspect data/s2/S2A_MSIL2A_20180702T105031_N0208.SAFE --check
    """
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


def _problems(failed: Mapping[str, str]) -> list[str]:
    return [f"{name}: {problem}" for name, problem in failed.items()]


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

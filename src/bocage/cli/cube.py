"""`bocage cube`: the aligned cube of a place and a season as one file, for those who want only this."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bocage.cli import output
from bocage.cli.arguments import CloudOption, LevelOption, PathOption, RegionOption, SeasonOption
from bocage.cli.output import emit, table
from bocage.cli.scenes import read_options
from bocage.core.errors import ConfigError

if TYPE_CHECKING:
    from bocage.cubes.options import CubeOptions
    from bocage.cubes.plan import CubePlan
    from bocage.scenes.options import SceneOptions


app = typer.Typer()


@app.callback(invoke_without_command=True)
def cube(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="The file to write: F.zarr or F.nc. Needed.")] = None,
    catalog: Annotated[
        str | None,
        typer.Option(
            help="A folder of products, a STAC file, a STAC API's address, or a name of `bocage scenes catalogs`. "
            "Needed."
        ),
    ] = None,
    path: PathOption = None,
    region: RegionOption = None,
    season: SeasonOption = None,
    bands: Annotated[str | None, typer.Option(help="Band names with commas, e.g. B02,B03,B04,B08.")] = None,
    composite: Annotated[
        str,
        typer.Option(
            metavar="none|monthly-median|…",
            help="One image a date (none), or the median, mean or first of each month (monthly-median, monthly-mean, "
            "monthly-first) or of every N days (days-median, days-mean, days-first, with --every-days).",
        ),
    ] = "none",
    every_days: Annotated[int | None, typer.Option(help="Days of a composite, from the season's first on.")] = None,
    fill: Annotated[
        Literal["none", "neighbours", "linear", "nearest"], typer.Option(help="How gaps in time are filled.")
    ] = "none",
    level: LevelOption = "L2A",
    tile: Annotated[str | None, typer.Option(help="MGRS tile, where the region lies in several.")] = None,
    resolution_m: Annotated[int, typer.Option(help="Pixel size in metres, that of the products' B02.", min=10)] = 10,
    max_cloud_fraction: CloudOption = None,
    native: Annotated[
        bool, typer.Option(help="Every band at its own pixel size: groups r10m, r20m, r60m on the same ground.")
    ] = False,
    memory_gb: Annotated[float, typer.Option(help="Gigabytes of memory that it may take.", min=1)] = 8.0,
) -> None:
    """The aligned cube of a place as one file, Zarr or NetCDF; `inspect` looks at one.

    bocage cube --catalog data/s2 --region 3.1,43.2,3.3,43.4 \\
      --season 2018-04-01/2018-09-30 --bands B02,B03,B04,B08 \\
      --composite monthly-median --fill neighbours --out cube.nc
    """
    if context.invoked_subcommand is not None:
        return
    if out is None or catalog is None:
        raise ConfigError("bocage cube needs --catalog and --out; `bocage cube inspect FILE` looks at a cube.")
    from bocage.cubes.build import build_cube
    from bocage.cubes.options import CubeOptions
    from bocage.cubes.store import open_cube
    from bocage.cubes.write import check_suffix, write_cube

    check_suffix(out)
    wanted = read_options(catalog, season, max_cloud_fraction, level, path, tile=tile)
    chosen: dict[str, Any] = {"composite": composite.replace("-", "_"), "fill": fill, "resolution_m": resolution_m}
    chosen |= {"memory_gb": memory_gb, "every_days": every_days}
    if bands:
        chosen["bands"] = tuple(name.strip() for name in bands.split(","))
    options = CubeOptions.from_values(**chosen)
    folder = out.with_name(f"{out.name}.building")  # a killed build goes on here
    stores = []
    for plan, own in _plan(wanted, region, options, native=native):
        part = folder / f"{own.resolution_m}m"
        tally = build_cube(plan, part, own, threads=output.settings.workers)
        stores.append(open_cube(part))
    write_cube(stores, out)
    store = stores[0]
    record = store.record
    shares = [float(v) for v in record["valid_fraction"]]
    times = [str(day) for day in store.days.astype("datetime64[D]")]
    periods = record.get("periods", [])
    counts = [(p["observations_least"], p["observations_most"], p["observations_mean"]) for p in periods]
    result = {
        "out": str(out),
        "shape": list(store.shape),
        "bands": list(store.bands),
        "sizes": [{"bands": list(s.bands), "shape": list(s.shape)} for s in stores],
        "times": times,
        "valid_fraction": sum(shares) / len(shares),
        "filled_fraction": record.get("filled_fraction", []),
        "observations": [dict(zip(("least", "most", "mean"), c, strict=True)) for c in counts],
        "saturated_px": record["saturated_px"],
        "tally": tally.to_json(),
    }
    columns = {"time": times, "valid": [f"{share:.1%}" for share in shares]}
    if periods:
        columns["period"] = [p["name"] for p in periods]
        columns["observations"] = [f"{least} to {most}, mean {mean:.1f}" for least, most, mean in counts]
    if "filled_fraction" in record:
        columns["of it filled"] = [f"{share:.1%}" for share in record["filled_fraction"]]
    notes = [f"{tally}. Written: {out}"]
    if len(stores) > 1:
        sizes = (f"{s.shape[2]} x {s.shape[3]} pixels of {', '.join(s.bands)}" for s in stores)
        notes.insert(0, "; ".join(sizes))
    if record["saturated_px"]:
        notes.insert(0, f"{record['saturated_px']:,} pixels are saturated on their date.")
    shutil.rmtree(folder)
    emit(result, text=[table(list(columns), list(zip(*columns.values(), strict=True))), *notes])


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A NetCDF file or Zarr store: ours, or openEO's.")],
    group: Annotated[str | None, typer.Option(help="Of a file made with --native: r10m, r20m or r60m.")] = None,
) -> None:
    """What a cube file holds: bands, dates, place, how much of each date is usable, and its median NDVI.

    bocage cube inspect cube.nc
    """
    import numpy as np

    from bocage.core.grid import grid_to_json
    from bocage.cubes.files import read_cube_file
    from bocage.cubes.indices import INDICES, spectral_index
    from bocage.cubes.quality import NODATA

    found = read_cube_file(file, group)
    grid = grid_to_json(found.grid)
    times = [str(day) for day in found.days.astype("datetime64[D]")]
    valid = found.valid.mean(axis=(1, 2)).tolist()
    missing = ((found.quality & NODATA) != 0).mean(axis=(1, 2)).tolist()
    usable = np.where(found.valid[:, None], found.reflectance, np.nan)
    medians = np.nanmedian(usable, axis=(0, 2, 3)).tolist() if found.valid.any() else [None] * len(found.bands)
    ndvi: list[float | None] = [None] * len(times)
    if set(INDICES["ndvi"]) <= set(found.bands):
        index, defined = spectral_index("ndvi", found.reflectance, found.bands, found.valid)
        ndvi = [float(np.median(i[d])) if d.any() else None for i, d in zip(index, defined, strict=True)]
    result = {
        "path": str(file),
        "shape": list(found.reflectance.shape),
        "bands": list(found.bands),
        "times": times,
        "grid": grid,
        "valid_fraction": valid,
        "nodata_fraction": missing,
        "median": medians,
        "ndvi": ndvi,
    }
    rows = [
        (time, f"{v:.1%}", f"{m:.1%}", "" if greenness is None else f"{greenness:.2f}")
        for time, v, m, greenness in zip(times, valid, missing, ndvi, strict=True)
    ]
    height, width = grid["shape"]
    bands = ", ".join(f"{b} {m:.3f}" if m is not None else b for b, m in zip(found.bands, medians, strict=True))
    place = f"{height} x {width} pixels of {grid['transform'][0]:g} m, {grid['crs'].split(',')[0]}"
    emit(result, text=[table(["time", "valid", "no data", "NDVI"], rows), f"Median reflectance: {bands}", place])


def _plan(
    wanted: SceneOptions, region: str | None, options: CubeOptions, *, native: bool
) -> list[tuple[CubePlan, CubeOptions]]:
    """The one cube of a place, or one for each pixel size of the bands.

    Raises:
        ConfigError: if the place lies in several tiles, naming them.
    """
    from bocage.cubes.build import check_scenes
    from bocage.cubes.native import plan_native
    from bocage.cubes.periods import plan_periods
    from bocage.cubes.plan import plan_cubes
    from bocage.cubes.read import read_scene_grid
    from bocage.regions.options import RegionOptions
    from bocage.regions.plan import plan_regions, region_from_text
    from bocage.scenes.search import search_scenes

    place = plan_regions(region_from_text(region) if region else RegionOptions())[0]
    scenes, _ = search_scenes(wanted, place.geometry)
    check_scenes(scenes, options)
    periods = plan_periods(options, wanted.season, [s.day for s in scenes])
    if native:
        tiles = plan_native(scenes, place, options, periods)
    else:
        grids = {s.id: read_scene_grid(s) for s in scenes}
        tiles = [[(plan, options)] for plan in plan_cubes(scenes, grids, place, options, periods)]
    if len(tiles) != 1:
        names = ", ".join(plans[0][0].tile for plans in tiles)
        raise ConfigError(f"One file holds one tile, but the place lies in {names}. Choose one with --tile.")
    return tiles[0]

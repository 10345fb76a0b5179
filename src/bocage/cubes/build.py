"""Scenes -> a cube on disk: check all files, then read, flag, store, date by date. IO through `read` and `store`.

Composites: the dates of one period are stored beside the cube, and their median is taken block by block; then they
are thrown away. Gaps in time are filled last, block by block, in place. So memory holds a strip of one date, or one
block with all its dates, as large as `memory_gb` allows, whatever the area and the season, and the disk one period's
dates. A killed build goes on after the last finished date.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np

from bocage.core.arrays import MISSING_INT16, Bool, Int16, Int64, UInt8, UInt16
from bocage.core.digest import digest_value
from bocage.core.errors import NothingLeft, RadiometryContradiction
from bocage.core.grid import Grid, Window, full_window, grid_bounds, grid_resolution_m, grid_to_json, make_grid
from bocage.core.progress import track
from bocage.core.tally import Tally
from bocage.core.threads import even_parts, side_by_side
from bocage.cubes.composite import reduce_dates
from bocage.cubes.fill import fill_gaps
from bocage.cubes.options import CubeOptions
from bocage.cubes.periods import Period
from bocage.cubes.plan import CubePlan
from bocage.cubes.quality import (
    FILLED,
    NODATA,
    RIPPLE_DN,
    SATURATED,
    composite_flags,
    dilate,
    find_bright,
    find_valid,
    grow_nodata,
    mark_filled,
    to_flags,
)
from bocage.cubes.radiometry import (
    MOST_STORED,
    NODATA_DN,
    SATURATED_DN,
    count_dark,
    dark_reflectance,
    find_contradiction,
    reflectance_table,
)
from bocage.cubes.read import CLOUD_MASK, find_cloud_mask, read_bands, read_cloud_mask, read_scene_grid
from bocage.cubes.store import CubeWriter, plan_blocks, plan_strips
from bocage.scenes.read import check_scene_files
from bocage.scenes.record import SCL, Asset, Scene

_NODATA, _LOW, _SATURATED, _BRIGHT = np.uint8(1), np.uint8(2), np.uint8(4), np.uint8(8)  # marks of a pixel


@dataclass(frozen=True)
class Date:
    """What is known of one date of a cube beside its reflectance.

    Attributes:
        quality: (y, x) uint8 flags.
        dark: (visible, 65536) counts of `count_dark`; empty if dark pixels are not to be checked.
    """

    quality: UInt8
    dark: Int64


def build_cube(plan: CubePlan, folder: Path, options: CubeOptions, *, threads: int | None = None) -> Tally:
    """Build the planned cube in `folder`; open it with `open_cube`.

    Args:
        plan: of `plan_cube`.
        folder: may hold the half of a killed run, which is continued.
        options: the options of the plan.
        threads: CPU threads for decoding; all by default.

    Returns:
        The dates kept, and those dropped with the reason "no data".

    Raises:
        MissingBand, CorruptFile: before any pixel is read; every product and file is named.
        RadiometryContradiction: if a product's dark pixels contradict its offset and `dark_check` is "refuse".
        NothingLeft: if no date has data.
    """
    check_scenes(plan.scenes, options)
    if plan.periods:
        return _build_composites(plan, folder, options, threads)
    writer = CubeWriter(folder, _shape(plan, len(plan.scenes)), digest_plan(plan, options), threads=threads)
    _write_dates(writer, plan.scenes, plan, options, threads)
    tally = _count_scenes(plan, writer.done)
    filled = fill_cube(writer, plan, [s.day for s in _kept(plan.scenes, writer.done)], options)
    writer.finish(_record(plan, options, writer.done, tally, filled))
    return tally


def _build_composites(plan: CubePlan, folder: Path, options: CubeOptions, threads: int | None) -> Tally:
    digest, beside = digest_plan(plan, options), folder / "period"  # one period's dates, replaced by the next's
    writer = CubeWriter(folder, _shape(plan, len(plan.periods)), digest, counts=True, threads=threads)
    for position, period in enumerate(plan.periods):
        if period.name in writer.done:
            continue
        scenes = [s for s in plan.scenes if period.holds(s.day)]
        dates = CubeWriter(beside, _shape(plan, len(scenes)), digest_value([digest, period.name]), threads=threads)
        _write_dates(dates, scenes, plan, options, threads)
        shares = compose(dates, writer, position, plan, options, threads)
        writer.keep(period.name, {"scenes": dates.done, **shares})
    shutil.rmtree(beside, ignore_errors=True)
    scenes_done = {k: v for entry in writer.done.values() for k, v in entry["scenes"].items()}
    scenes_done |= {s.id: {"dropped": "in no period", "warning": None} for s in plan.scenes if s.id not in scenes_done}
    tally = _count_scenes(plan, scenes_done)
    filled = fill_cube(writer, plan, [p.middle_day for p in plan.periods], options)
    notes = {
        "done": writer.done,
        "days": [p.middle_day for p in plan.periods],
        "periods": [_describe_period(p, writer.done[p.name]) for p in plan.periods],
        **_shares(writer.done),
        **filled,
    }
    writer.finish(_record(plan, options, scenes_done, tally, notes))
    return tally


def compose(
    dates: CubeWriter, writer: CubeWriter, position: int, plan: CubePlan, options: CubeOptions, threads: int | None
) -> dict[str, float]:
    """The composite of one period's dates, block by block; returns the shares of pixels without data and valid, and the
    mean, least and largest number of observations of a pixel."""
    n_nodata = n_valid = 0
    counts = np.zeros(len(dates.done) + 1, np.int64)  # pixels by number of observations
    for block in plan_blocks(_shape(plan, max(dates.n_kept, 1)), options.memory_gb):
        stored, quality = dates.read(block)
        image, observed = reduce_dates(
            stored, find_valid(quality), options.statistic, threads=threads or os.cpu_count() or 1
        )
        composite = np.where(observed > 0, np.rint(image), np.float32(MISSING_INT16)).astype(np.int16)
        has_data = ((quality & NODATA) == 0).any(axis=0)
        bright = find_bright(composite, plan.bands, options.bright_reflectance)
        flags = composite_flags(observed, has_data, bright)
        writer.put(position, block, composite, flags, observed)
        n_nodata += int(np.count_nonzero(flags & NODATA))
        n_valid += int(np.count_nonzero(observed))
        counts += np.bincount(observed.ravel(), minlength=len(counts))
    n_px, seen = int(counts.sum()), np.flatnonzero(counts)
    mean = float(counts @ np.arange(len(counts))) / n_px
    shares = {"nodata_fraction": n_nodata / n_px, "valid_fraction": n_valid / n_px, "observations_mean": mean}
    ends = {"observations_least": int(seen[0]), "observations_most": int(seen[-1])}
    return {name: round(value, 6) for name, value in shares.items()} | ends


def fill_cube(writer: CubeWriter, plan: CubePlan, days: Sequence[int], options: CubeOptions) -> dict[str, list[float]]:
    """Fill the gaps in time of all dates, block by block, in place; returns the shares by date, valid and filled.

    Filled pixels are gaps again when it runs once more, so that a killed run's half does not matter.
    """
    if options.fill == "none":
        return {}
    n_filled, n_valid = np.zeros(len(days), np.int64), np.zeros(len(days), np.int64)
    for block in track(plan_blocks(_shape(plan, len(days)), options.memory_gb), f"Filling {plan.name}", unit="blocks"):
        stored, quality = writer.read(block)
        own = find_valid(quality) & ((quality & FILLED) == 0)
        filled, gaps = fill_gaps(stored, own, np.array(days, np.int32), method=options.fill)
        writer.overwrite(block, filled, mark_filled(quality, gaps))
        n_filled += gaps.sum(axis=(1, 2))
        n_valid += (own | gaps).sum(axis=(1, 2))
    n_px = int(plan.grid.shape[0]) * int(plan.grid.shape[1])
    counts = {"valid_fraction": n_valid, "filled_fraction": n_filled}
    return {name: [round(float(n) / n_px, 6) for n in values] for name, values in counts.items()}


def _write_dates(
    writer: CubeWriter, scenes: Sequence[Scene], plan: CubePlan, options: CubeOptions, threads: int | None
) -> None:
    left = [s for s in scenes if s.id not in writer.done]
    for scene in track(left, f"Reading {plan.name}", unit="dates"):
        notes = _write_date(writer, scene, plan, options, threads)
        if notes["nodata_fraction"] > options.max_nodata_fraction:
            writer.drop(scene.id, "no data", notes)
        else:
            writer.keep(scene.id, notes)


def _write_date(
    writer: CubeWriter, scene: Scene, plan: CubePlan, options: CubeOptions, threads: int | None
) -> dict[str, Any]:
    """Read one scene strip by strip into the place after the last date; returns what the record says of it."""
    strips = plan_strips(_shape(plan, 1), options.memory_gb, threads=threads or os.cpu_count() or 1)
    put = partial(writer.put_reflectance, writer.n_kept)
    date = read_date(scene, plan.grid, options, strips, put, threads=threads)
    writer.put_quality(writer.n_kept, full_window(plan.grid), date.quality)
    contradiction = find_contradiction(scene, dark_reflectance(date.dark))
    _judge_radiometry(contradiction, options)
    return {
        "nodata_fraction": round(int(np.count_nonzero(date.quality & NODATA)) / date.quality.size, 6),
        "valid_fraction": round(int(np.count_nonzero(find_valid(date.quality))) / date.quality.size, 6),
        "saturated_px": int(np.count_nonzero(date.quality & SATURATED)),
        "warning": contradiction,
    }


def _count_scenes(plan: CubePlan, done: dict[str, dict[str, Any]]) -> Tally:
    tally = Tally.count(done[s.id]["dropped"] for s in plan.scenes)
    if not tally.kept:
        raise NothingLeft(
            f"Cube {plan.name}: none of the {len(plan.scenes)} dates has data in the region ({tally}). "
            "Choose another season or region, or raise cubes.max_nodata_fraction."
        )
    return tally


def check_scenes(scenes: Iterable[Scene], options: CubeOptions) -> None:
    """Check every file that cubes of these scenes will read, so that one error names all damage.

    Comes before `read_scene_grid`, which stops at the first file that cannot be opened. See `check_scene_files`.
    """
    scenes = list(scenes)
    with_scl = any(_uses_scl(s, options) for s in scenes)
    check_scene_files(scenes, [*options.bands, SCL] if with_scl else options.bands)


def read_assets(scenes: Iterable[Scene], options: CubeOptions) -> list[Asset]:
    """The rasters that cubes of these scenes are read from, as far as they are there."""
    found = [s.assets.get(band) for s in scenes for band in (*options.bands, *([SCL] * _uses_scl(s, options)))]
    masks = [find_cloud_mask(s) for s in scenes] if options.clear_scl else []
    return [asset for asset in (*found, *masks) if asset is not None]


def read_date(
    scene: Scene,
    grid: Grid,
    options: CubeOptions,
    strips: Sequence[Window],
    put: Callable[[Window, Int16], None],
    *,
    threads: int | None = None,
) -> Date:
    """One scene on the grid: reflectance strip by strip, then the flags of all, so that they do not see where a strip
    ends.

    Args:
        strips: windows of whole rows that cover the grid.
        put: is given each strip with its (band, y, x) stored reflectance, which the next one overwrites.
    """
    scl = _read_classes(scene, grid, threads) if _uses_scl(scene, options) else None
    marks, dark = np.zeros(grid.shape, np.uint8), np.zeros((0, 0), np.int64)
    whole = np.empty((len(options.bands), max(s.height for s in strips), grid.shape[1]), np.int16)  # for all strips
    for strip in strips:
        own, rows, stored = marks[strip.slices], grid[strip.slices[0], :], whole[:, : strip.height]
        numbers = read_bands(scene, options.bands, rows, resampling=options.resampling, threads=threads)
        for i, (band, dn) in enumerate(numbers):
            convert_band(dn, reflectance_table(scene.offset_of(band), scene.quantification), stored[i], own)
        own[find_bright(stored, options.bands, options.bright_reflectance)] |= _BRIGHT
        if scl is not None and options.dark_check != "off":
            is_sure = (own & ~_BRIGHT) == 0  # low numbers may be ripples of no-data
            counted = count_dark(stored, options.bands, scl[strip.slices], is_sure)
            dark = dark + counted if dark.size else counted
        put(strip, stored)
    mask = find_cloud_mask(scene) if options.clear_scl else None
    clouds = read_cloud_mask(mask, grid) if mask is not None else None
    return Date(_flag(marks, scl, clouds, options), dark)


def _read_classes(scene: Scene, grid: Grid, threads: int | None) -> UInt8:
    """(y, x) scene classes; on a grid coarser than theirs the class in the middle of each pixel."""
    size, (height, width) = grid_resolution_m(grid), grid.shape
    n = max(1, round(size / grid_resolution_m(read_scene_grid(scene, SCL))))
    left, _, _, top = grid_bounds(grid)
    fine = grid if n == 1 else make_grid(str(grid.crs), left, top, size / n, (height * n, width * n))
    _, classes = next(iter(read_bands(scene, [SCL], fine, threads=threads)))
    return classes[n // 2 :: n, n // 2 :: n].astype(np.uint8)


def _flag(marks: UInt8, scl: UInt8 | None, clouds: Bool | None, options: CubeOptions) -> UInt8:
    """(y, x) flags of a whole date.

    Args:
        scl: scene classes; None if there are none.
        clouds: True where the product's own mask has clouds or snow; counts where there are no scene classes.
    """
    unclear = clouds if clouds is not None else np.zeros(marks.shape, bool)
    if scl is not None:
        unclear = ~np.isin(np.arange(256), options.clear_scl)[scl]
    return to_flags(
        nodata=grow_nodata((marks & _NODATA) != 0, (marks & _LOW) != 0),
        saturated=(marks & _SATURATED) != 0,
        unclear=dilate(unclear, options.dilate_m / options.resolution_m),
        bright=(marks & _BRIGHT) != 0,
    )


def convert_band(dn: UInt16, table: Int16, stored: Int16, marks: UInt8) -> None:
    """One band (y, x) through the table of reflectance into `stored`; what its numbers say of a pixel into `marks`."""
    side_by_side(partial(_convert_rows, dn, table, stored, marks), even_parts(len(dn)))


@numba.njit(nogil=True, cache=True)
def _convert_rows(dn: UInt16, table: Int16, stored: Int16, marks: UInt8, first: int, last: int) -> None:
    for row in range(first, last):
        for col in range(dn.shape[1]):
            number = dn[row, col]
            value = table[number]
            stored[row, col] = value
            if number <= RIPPLE_DN:
                marks[row, col] |= _LOW | _NODATA if number == NODATA_DN else _LOW
            elif number == SATURATED_DN or value == MOST_STORED:
                marks[row, col] |= _SATURATED


def _uses_scl(scene: Scene, options: CubeOptions) -> bool:
    return scene.level == "L2A" and bool(options.clear_scl)  # L1C has no scene classes


def _clouds_from(scenes: Sequence[Scene], options: CubeOptions) -> str | None:
    """What says where clouds are; None if nothing does."""
    if _uses_scl(scenes[0], options):
        return SCL
    n = sum(find_cloud_mask(s) is not None for s in scenes) if options.clear_scl else 0
    return f"{CLOUD_MASK} of {n} of {len(scenes)} products" if n else None


def _judge_radiometry(contradiction: str | None, options: CubeOptions) -> None:
    if contradiction is None:
        return
    if options.dark_check == "refuse":
        raise RadiometryContradiction(
            f"{contradiction}. Correct the product's metadata, leave it out, or set cubes.dark_check: warn."
        )
    warnings.warn(contradiction, stacklevel=2)


def digest_plan(plan: CubePlan, options: CubeOptions) -> str:
    """Digest of what a cube is made of, but for the bytes of the products."""
    scenes, periods = [s.to_json() for s in plan.scenes], [p.name for p in plan.periods]
    return digest_value({"grid": grid_to_json(plan.grid), "scenes": scenes, "periods": periods, "options": options})


def _shape(plan: CubePlan, n_dates: int) -> tuple[int, int, int, int]:
    return n_dates, len(plan.bands), int(plan.grid.shape[0]), int(plan.grid.shape[1])


def _kept(scenes: Iterable[Scene], done: Mapping[str, Mapping[str, Any]]) -> list[Scene]:
    return [s for s in scenes if done[s.id]["dropped"] is None]


def _shares(done: Mapping[str, Mapping[str, Any]]) -> dict[str, list[float]]:
    kept = [entry for entry in done.values() if entry["dropped"] is None]
    return {name: [entry[name] for entry in kept] for name in ("nodata_fraction", "valid_fraction")}


def _describe_period(period: Period, notes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": period.name,
        "first_day": period.first_day,
        "last_day": period.last_day,
        "scenes": [name for name, entry in notes["scenes"].items() if entry["dropped"] is None],
        **{name: value for name, value in notes.items() if name.startswith("observations_")},
    }


def _record(
    plan: CubePlan,
    options: CubeOptions,
    done: Mapping[str, Mapping[str, Any]],
    tally: Tally,
    notes: Mapping[str, Any],
) -> dict[str, Any]:
    """The record of a cube of single dates; `notes` says what differs of composites and filled cubes."""
    kept = _kept(plan.scenes, done)
    return {
        "name": plan.name,
        "plan": digest_plan(plan, options),
        "tile": plan.tile,
        "level": plan.scenes[0].level,
        "grid": grid_to_json(plan.grid),
        "bands": list(plan.bands),
        "days": [s.day for s in kept],
        "scenes": [s.id for s in kept],
        **_shares({s.id: done[s.id] for s in kept}),
        "saturated_px": sum(entry.get("saturated_px", 0) for entry in done.values()),
        "clouds_from": _clouds_from(plan.scenes, options),
        "dropped": {s.id: done[s.id]["dropped"] for s in plan.scenes if done[s.id]["dropped"]},
        "warnings": [done[s.id]["warning"] for s in plan.scenes if done[s.id]["warning"]],
        "options": options.model_dump(mode="json"),
        "tally": tally.to_json(),
        "done": dict(done),
        **notes,
    }

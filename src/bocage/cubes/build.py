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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bocage.core.arrays import MISSING_INT16, SCALE, Int16, Int64, UInt8
from bocage.core.digest import digest_value
from bocage.core.errors import NothingLeft, RadiometryContradiction
from bocage.core.grid import Grid, Window, grid_bounds, grid_resolution_m, grid_to_json, make_grid
from bocage.core.progress import track
from bocage.core.tally import Tally
from bocage.cubes.composite import reduce_dates
from bocage.cubes.fill import fill_gaps
from bocage.cubes.flag import MARK_DIM, MARK_UNCLEAR, FlagStream, convert_band
from bocage.cubes.options import CubeOptions
from bocage.cubes.periods import Period
from bocage.cubes.plan import CubePlan
from bocage.cubes.quality import (
    FILLED,
    N_QUALITY,
    NODATA,
    SATURATED,
    composite_flags,
    find_bright,
    find_valid,
    mark_filled,
)
from bocage.cubes.radiometry import (
    VISIBLE,
    count_dark,
    dark_reflectance,
    find_contradiction,
    reflectance_table,
)
from bocage.cubes.read import CLOUD_MASK, find_cloud_mask, read_bands, read_cloud_mask, read_scene_grid
from bocage.cubes.store import CubeWriter, plan_blocks, plan_strips
from bocage.scenes.read import check_scene_files
from bocage.scenes.record import SCL, Asset, Scene

_FLAGGED_ROWS = 256  # at a time: whole chunks


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
    writer = CubeWriter(folder, plan.shape(len(plan.scenes)), digest_plan(plan, options), threads=threads)
    _write_dates(writer, plan.scenes, plan, options, threads)
    tally = _count_scenes(plan, writer.done)
    filled = fill_cube(writer, plan, [s.day for s in _kept(plan.scenes, writer.done)], options)
    writer.finish(_record(plan, options, writer.done, tally, filled))
    return tally


def _build_composites(plan: CubePlan, folder: Path, options: CubeOptions, threads: int | None) -> Tally:
    digest, beside = digest_plan(plan, options), folder / "period"  # one period's dates, replaced by the next's
    writer = CubeWriter(folder, plan.shape(len(plan.periods)), digest, counts=True, threads=threads)
    for position, period in enumerate(plan.periods):
        if period.name in writer.done:
            continue
        scenes = [s for s in plan.scenes if period.holds(s.day)]
        dates = CubeWriter(beside, plan.shape(len(scenes)), digest_value([digest, period.name]), threads=threads)
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
    for block in plan_blocks(plan.shape(max(dates.n_kept, 1)), options.memory_gb):
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
    for block in track(plan_blocks(plan.shape(len(days)), options.memory_gb), f"Filling {plan.name}", unit="blocks"):
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
    """Read one scene part by part into the place after the last date; returns what the record says of it."""
    counts, values = np.zeros(N_QUALITY, np.int64), np.arange(N_QUALITY, dtype=np.uint8)

    def put_quality(window: Window, quality: UInt8) -> None:
        counts[:] += np.bincount(quality.ravel(), minlength=N_QUALITY)
        writer.put_quality(writer.n_kept, window, quality)

    strips = plan_strips(plan.shape(1), options.memory_gb, threads=threads or os.cpu_count() or 1)
    put_reflectance = partial(writer.put_reflectance, writer.n_kept)
    dark = read_date(scene, plan.grid, options, strips, put_reflectance, put_quality, threads=threads)
    contradiction = find_contradiction(scene, dark_reflectance(dark))
    _judge_radiometry(contradiction, options)
    n_px = int(counts.sum())
    return {
        "nodata_fraction": round(int(counts[(values & NODATA) != 0].sum()) / n_px, 6),
        "valid_fraction": round(int(counts[find_valid(values)].sum()) / n_px, 6),
        "saturated_px": int(counts[(values & SATURATED) != 0].sum()),
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
    strips: Sequence[Sequence[Window]],
    put_reflectance: Callable[[Window, Int16], None],
    put_quality: Callable[[Window, UInt8], None],
    *,
    threads: int | None = None,
) -> Int64:
    """One scene on the grid, part by part; the flags do not see where a part ends.

    Args:
        strips: windows side by side that share their rows; the strips cover the grid from top to bottom.
        put_reflectance: is given each window with its (band, y, x) stored reflectance, which the next one overwrites.
        put_quality: is given windows of whole rows with their (y, x) flags, from top to bottom.

    Returns:
        (visible, 65536) counts of `count_dark`; empty if dark pixels are not to be checked.
    """
    dark, (height, width) = np.zeros((0, 0), np.int64), grid.shape
    flagged = FlagStream(width, options.dilate_m / options.resolution_m, _FLAGGED_ROWS)
    whole = np.empty((len(options.bands), max(w.height * w.width for strip in strips for w in strip)), np.int16)
    for strip in strips:
        marks = np.zeros((strip[0].height, width), np.uint8)
        for window in strip:
            own, stored = marks[:, window.slices[1]], whole[:, : len(marks) * window.width].reshape(-1, *window.shape)
            counted = _read_window(scene, grid[window.slices], options, stored, own, threads)
            dark = dark + counted if dark.size else counted
            put_reflectance(window, stored)
        for first in range(0, len(marks), _FLAGGED_ROWS):
            end, row = first + _FLAGGED_ROWS, flagged.n_flagged
            quality = flagged.add(marks[first:end], last=strip[0].row + end >= height)
            if len(quality):
                put_quality(Window(row, 0, len(quality), width), quality)
    return dark


def _read_window(
    scene: Scene, grid: Grid, options: CubeOptions, stored: Int16, marks: UInt8, threads: int | None
) -> Int64:
    """A part of a scene into `stored` (band, y, x) and `marks` (y, x); returns the counts of its dark pixels."""
    visible = set(VISIBLE) & set(options.bands)
    if not visible:
        marks |= MARK_DIM
    numbers = read_bands(scene, options.bands, grid, resampling=options.resampling, threads=threads)
    for i, (band, dn) in enumerate(numbers):
        table = reflectance_table(scene.offset_of(band), scene.quantification)
        dim_to = int(options.bright_reflectance * SCALE) if band in visible else MISSING_INT16 - 1
        convert_band(dn, table, dim_to, stored[i], marks)
    is_sure = (marks & ~MARK_DIM) == 0  # low numbers may be ripples of no-data
    if not _uses_scl(scene, options):
        mask = find_cloud_mask(scene) if options.clear_scl else None
        if mask is not None:
            marks[read_cloud_mask(mask, grid)] |= MARK_UNCLEAR
        return np.zeros((0, 0), np.int64)
    scl = _read_classes(scene, grid, threads)
    marks |= np.where(np.isin(np.arange(256), options.clear_scl), 0, MARK_UNCLEAR).astype(np.uint8)[scl]
    if options.dark_check == "off":
        return np.zeros((0, 0), np.int64)
    return count_dark(stored, options.bands, scl, is_sure)


def _read_classes(scene: Scene, grid: Grid, threads: int | None) -> UInt8:
    """(y, x) scene classes; on a grid coarser than theirs the class in the middle of each pixel."""
    size, (height, width) = grid_resolution_m(grid), grid.shape
    n = max(1, round(size / grid_resolution_m(read_scene_grid(scene, SCL))))
    left, _, _, top = grid_bounds(grid)
    fine = grid if n == 1 else make_grid(str(grid.crs), left, top, size / n, (height * n, width * n))
    _, classes = next(iter(read_bands(scene, [SCL], fine, threads=threads)))
    return classes[n // 2 :: n, n // 2 :: n].astype(np.uint8)


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

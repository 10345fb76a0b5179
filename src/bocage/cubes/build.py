"""Scenes -> a cube on disk, date by date: check all files, then read, flag, store. IO through `read` and `store`.

Memory holds one date: its bands as int16 and one band's numbers. A killed build goes on after the last finished date.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bocage.core.arrays import Int16, UInt8, UInt16
from bocage.core.digest import digest_value
from bocage.core.errors import NothingLeft, RadiometryContradiction
from bocage.core.grid import Grid, grid_to_json
from bocage.core.progress import track
from bocage.core.tally import Tally
from bocage.cubes.options import CubeOptions
from bocage.cubes.plan import CubePlan
from bocage.cubes.quality import NODATA, RIPPLE_DN, find_bright, find_valid, grow_nodata, to_flags
from bocage.cubes.radiometry import (
    NODATA_DN,
    SATURATED_DN,
    dark_reflectance,
    find_contradiction,
    reflectance_table,
)
from bocage.cubes.read import read_bands
from bocage.cubes.store import CubeWriter
from bocage.scenes.read import check_scene_files
from bocage.scenes.record import SCL, Scene


@dataclass(frozen=True)
class Date:
    """One date of a cube in memory.

    Attributes:
        stored: (band, y, x) int16 stored reflectance.
        quality: (y, x) uint8 flags.
        contradiction: what the dark pixels say against the scene's offset, or None.
    """

    stored: Int16
    quality: UInt8
    contradiction: str | None


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
    shape = (len(plan.scenes), len(plan.bands), int(plan.grid.shape[0]), int(plan.grid.shape[1]))
    writer = CubeWriter(folder, shape, _digest(plan, options))
    left = [s for s in plan.scenes if s.id not in writer.done]
    for scene in track(left, f"Reading {plan.name}", unit="dates"):
        date = read_date(scene, plan.grid, options, threads=threads)
        _judge_radiometry(date, options)
        nodata_fraction = float(np.mean((date.quality & NODATA) != 0))
        notes = {
            "nodata_fraction": round(nodata_fraction, 6),
            "valid_fraction": round(float(np.mean(find_valid(date.quality))), 6),
            "warning": date.contradiction,
        }
        if nodata_fraction > options.max_nodata_fraction:
            writer.drop(scene.id, "no data", notes)
        else:
            writer.write(scene.id, date.stored, date.quality, notes)
    tally = Tally.count(writer.done[s.id]["dropped"] for s in plan.scenes)
    if not tally.kept:
        raise NothingLeft(
            f"Cube {plan.name}: none of the {len(plan.scenes)} dates has data in the region ({tally}). "
            "Choose another season or region, or raise cubes.max_nodata_fraction."
        )
    writer.finish(_record(plan, options, writer.done, tally))
    return tally


def check_scenes(scenes: Iterable[Scene], options: CubeOptions) -> None:
    """Check every file that cubes of these scenes will read, so that one error names all damage.

    Comes before `read_scene_grid`, which stops at the first file that cannot be opened. See `check_scene_files`.
    """
    scenes = list(scenes)
    with_scl = any(_uses_scl(s, options) for s in scenes)
    check_scene_files(scenes, [*options.bands, SCL] if with_scl else options.bands)


def read_date(scene: Scene, grid: Grid, options: CubeOptions, *, threads: int | None = None) -> Date:
    """One scene on the grid: reflectance and flags."""
    scl = None
    if _uses_scl(scene, options):
        _, classes = next(iter(read_bands(scene, [SCL], grid, threads=threads)))
        scl = classes.astype(np.uint8)
    numbers = read_bands(scene, options.bands, grid, resampling=options.resampling, threads=threads)
    return to_date(scene, numbers, scl, options)


def to_date(scene: Scene, numbers: Iterable[tuple[str, UInt16]], scl: UInt8 | None, options: CubeOptions) -> Date:
    """DN band by band -> reflectance and flags. Pure.

    Args:
        scene: for its offset and quantification.
        numbers: band name and (y, x) DN of every band of the options, in their order.
        scl: (y, x) scene classes; None if clouds are unknown.
        options: what is clear, bright, and whether to check dark pixels.
    """
    stored = np.empty((0, 0, 0), np.int16)
    nodata = low = saturated = np.zeros((), bool)
    for i, (band, dn) in enumerate(numbers):
        if i == 0:
            stored = np.empty((len(options.bands), *dn.shape), np.int16)
        stored[i] = reflectance_table(scene.offset_of(band), scene.quantification)[dn]
        nodata, low = nodata | (dn == NODATA_DN), low | (dn <= RIPPLE_DN)
        saturated = saturated | (dn == SATURATED_DN)
    nodata = grow_nodata(nodata, low)
    unclear = ~np.isin(scl, options.clear_scl) if scl is not None else np.zeros_like(nodata)
    bright = find_bright(stored, options.bands, options.bright_reflectance)
    quality = to_flags(nodata=nodata, saturated=saturated, unclear=unclear, bright=bright)
    contradiction = None
    if scl is not None and options.dark_check != "off":
        darkest = dark_reflectance(stored, options.bands, scl, ~nodata & ~saturated)
        contradiction = find_contradiction(scene, darkest)
    return Date(stored, quality, contradiction)


def _uses_scl(scene: Scene, options: CubeOptions) -> bool:
    return scene.level == "L2A" and bool(options.clear_scl)  # L1C has no scene classes


def _judge_radiometry(date: Date, options: CubeOptions) -> None:
    if date.contradiction is None:
        return
    if options.dark_check == "refuse":
        raise RadiometryContradiction(
            f"{date.contradiction}. Correct the product's metadata, leave it out, or set cubes.dark_check: warn."
        )
    warnings.warn(date.contradiction, stacklevel=2)


def _digest(plan: CubePlan, options: CubeOptions) -> str:
    scenes = [s.to_json() for s in plan.scenes]
    return digest_value({"grid": grid_to_json(plan.grid), "scenes": scenes, "options": options})


def _record(plan: CubePlan, options: CubeOptions, done: dict[str, dict[str, Any]], tally: Tally) -> dict[str, Any]:
    kept: Sequence[Scene] = [s for s in plan.scenes if done[s.id]["dropped"] is None]
    return {
        "name": plan.name,
        "tile": plan.tile,
        "level": plan.scenes[0].level,
        "grid": grid_to_json(plan.grid),
        "bands": list(plan.bands),
        "days": [s.day for s in kept],
        "scenes": [s.id for s in kept],
        "nodata_fraction": [done[s.id]["nodata_fraction"] for s in kept],
        "valid_fraction": [done[s.id]["valid_fraction"] for s in kept],
        "clouds_from": SCL if _uses_scl(plan.scenes[0], options) else None,
        "dropped": {s.id: done[s.id]["dropped"] for s in plan.scenes if done[s.id]["dropped"]},
        "warnings": [done[s.id]["warning"] for s in plan.scenes if done[s.id]["warning"]],
        "options": options.model_dump(mode="json"),
        "tally": tally.to_json(),
    }

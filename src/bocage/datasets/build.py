"""Cubes, labels and selected candidates → a data set. Reads cubes and labels, writes one folder, sample by sample.

A pixel that is valid on none of a sample's dates has no evidence: its label becomes 255 here, once, so that training
and evaluation agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from bocage.core.arrays import IGNORE, MISSING_INT16, Bool, Int16, Int32, UInt8, UInt32
from bocage.core.errors import GridMismatch, NothingLeft
from bocage.core.grid import Grid, Window, grid_resolution_m, grid_window
from bocage.core.progress import track
from bocage.core.sample import Origin
from bocage.core.threads import in_order
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.options import DatasetOptions
from bocage.datasets.read import open_dataset
from bocage.datasets.record import Record
from bocage.datasets.write import BUILDING, INFO, DatasetWriter, Prepared
from bocage.taxonomy.taxonomy import CropClass


class CubeSource(Protocol):
    """What is needed of an opened cube (`cubes.CubeStore`)."""

    @property
    def grid(self) -> Grid: ...
    @property
    def bands(self) -> tuple[str, ...]: ...
    @property
    def tile(self) -> str: ...
    @property
    def scenes(self) -> tuple[str, ...]: ...
    @property
    def days(self) -> Int32: ...
    def read_stored(self, window: Window | None = None, dates: Sequence[int] | None = None) -> tuple[Int16, Bool]: ...


class LabelSource(Protocol):
    """What is needed of opened labels (`labels.LabelStore`)."""

    @property
    def grid(self) -> Grid: ...
    def read(self, window: Window) -> tuple[UInt8, UInt32]: ...


def build_dataset(
    folder: Path,
    selected: pd.DataFrame,
    *,
    cubes: Mapping[str, CubeSource],
    labels: Mapping[str, LabelSource],
    classes: Sequence[CropClass],
    dates: str,
    level: str,
    country: str,
    year: int,
    preprocessing: Mapping[str, Any],
    tallies: Mapping[str, Mapping[str, Any]],
    options: DatasetOptions,
    threads: int = 1,
    resume: bool = False,
) -> DatasetInfo:
    """Write one sample for each selected candidate.

    Args:
        folder: of the data set.
        selected: one row a sample: candidate_id, cube, row, col, height, width (pixels), dates (list of positions in
            the cube's time axis); columns ending in `_fraction` go on into the manifest.
        cubes: opened cubes by name.
        labels: opened labels by the name of their cube, on the same grid.
        classes: of the taxonomy, by id, background first.
        dates: "single" or "series".
        level, preprocessing, tallies: go into the info record.
        country, year: of the declarations; "" and 0 if unknown.
        options: which store.
        threads: samples that are read and packed at once; they are written in one order, whatever their number.
        resume: True if an unfinished data set in the folder is the half of this very one, and is continued.

    Raises:
        NothingLeft: if nothing was selected.
        GridMismatch: if a cube and its labels differ in grid, or cubes in bands or pixel size, or windows in size.
    """
    if selected.empty:
        raise NothingLeft("No patch was selected, so there is no data set to write. Loosen patches.filters.")
    if resume and (folder / INFO).is_file():  # killed after the last step
        (folder / BUILDING).unlink(missing_ok=True)
        return open_dataset(folder).info
    names = sorted(selected["cube"].unique())
    for name in names:
        if cubes[name].grid != labels[name].grid:
            raise GridMismatch(f"Cube '{name}' and its labels differ in grid: {cubes[name].grid}, {labels[name].grid}.")
    writer = DatasetWriter(
        folder,
        DatasetInfo(
            classes=tuple(ClassInfo(c.id, c.name, c.color, c.title, c.parent) for c in classes),
            bands=_one("bands", {tuple(cubes[name].bands) for name in names}),
            patch_size_px=_one("patch sizes", set(selected["height"]) | set(selected["width"])),
            resolution_m=_one("pixel sizes", {grid_resolution_m(cubes[name].grid) for name in names}),
            dates=dates,
            level=level,
            preprocessing=preprocessing,
            tallies=tallies,
            store=options.store,
        ),
        resume=resume,
    )
    rows = [{str(k): v for k, v in row.items()} for row in selected.to_dict("records")]
    rows.sort(key=lambda r: (r["cube"], r["row"], r["col"], list(r["dates"])))
    fractions = [str(c) for c in selected.columns if str(c).endswith("_fraction")]

    @lru_cache(8 * threads)  # the dates of a window come one after the other
    def read_labels(cube: str, window: Window) -> tuple[UInt8, UInt32]:
        return labels[cube].read(window)

    def prepare(row: Mapping[str, Any]) -> Prepared:
        parts = read_sample(row, cubes[row["cube"]], partial(read_labels, row["cube"]), country=country, year=year)
        return writer.prepare(*parts, {k: row[k] for k in ("cube", "row", "col", *fractions)})

    left = [row for row in rows if row["candidate_id"] not in writer]
    prepared = in_order(prepare, left, threads, ahead=4 * threads)
    for sample in track(prepared, "Writing samples", total=len(left), unit="samples"):
        writer.append(sample)
    return writer.finish()


def read_sample(
    candidate: Mapping[str, Any],
    cube: CubeSource,
    read_labels: Callable[[Window], tuple[UInt8, UInt32]],
    *,
    country: str,
    year: int,
) -> tuple[Origin, Int32, Record]:
    """One candidate in stored form: where it is from, its days, its arrays; label 255 where no date is valid."""
    window = Window(*(int(candidate[k]) for k in ("row", "col", "height", "width")))
    dates = [int(t) for t in candidate["dates"]]
    stored, valid = cube.read_stored(window, dates)
    classes, parcel_ids = read_labels(window)
    record = Record(
        image=np.where(valid[:, None], stored, np.int16(MISSING_INT16)),
        labels=np.where(valid.any(axis=0), classes, np.uint8(IGNORE)),
        parcel_ids=parcel_ids,
    )
    origin = Origin(
        sample_id=str(candidate["candidate_id"]),
        country=country,
        year=year,
        tile=cube.tile,
        scenes=tuple(cube.scenes[t] for t in dates),
        grid=grid_window(cube.grid, window),
    )
    return origin, cube.days[dates], record


def _one(what: str, values: set[Any]) -> Any:
    if len(values) > 1:
        raise GridMismatch(f"One data set has one kind of {what}; the selected candidates have {sorted(values)}.")
    return next(iter(values))

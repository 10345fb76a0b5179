"""A cube and its parcel numbers → one row a parcel: count, mean, standard deviation and more of each band and date.

Only valid pixels count. Rows of the image are read in strips, so that memory does not grow with their number; within a
strip every band is summed by one thread, row after row, so that the sums do not depend on the number of threads.

A parcel that lies in several cubes is described by one of them: the one where it has most pixels that may count, the
first by name where two have the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import geopandas as gpd
import numba
import numpy as np
import pandas as pd

from bocage.core.arrays import IGNORE, NO_PARCEL, SCALE, AnyArray, Bool, Float32, Float64, Int64, UInt32, from_stored
from bocage.core.errors import GridMismatch, NothingLeft
from bocage.core.grid import Window, full_window, grid_resolution_m
from bocage.core.progress import track
from bocage.core.tally import Tally
from bocage.core.threads import side_by_side
from bocage.cubes.store import CubeStore
from bocage.labels.store import LabelStore
from bocage.patches.exact import exact_sums
from bocage.patches.options import ObjectOptions

STRIP_ROWS = 256
# statistics that need the pixels of a parcel side by side; pNN is the NN-th percentile
SORTED = ("median", "min", "max", "p05", "p25", "p75", "p95", "skewness")


@dataclass(frozen=True)
class Sums:
    """What was added up of N parcels and C bands in one period.

    Attributes:
        count: (N,) valid pixels; whole, unless weighted by exact coverage.
        total, squares: (C, N) sums of the values and of their squares.
    """

    count: AnyArray
    total: Float64
    squares: Float64

    def mean(self) -> Float64:
        """(C, N); NaN where nothing was counted."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.total / self.count)

    def std(self) -> Float64:
        """(C, N), of the population (divided by n, not n − 1); NaN where nothing was counted."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.sqrt(np.maximum(self.squares / self.count - (self.total / self.count) ** 2, 0)))


def empty_sums(n_parcels: int, n_bands: int) -> Sums:
    return Sums(np.zeros(n_parcels, np.int64), np.zeros((n_bands, n_parcels)), np.zeros((n_bands, n_parcels)))


def add_pixels(sums: Sums, image: AnyArray, valid: Bool, slots: AnyArray, *, scale: float = 1.0) -> None:
    """Add the valid pixels of an image to the sums of their parcels.

    Args:
        sums: of N parcels and C bands; changed in place.
        image: (C, H, W) numbers. Times `scale` they are taken as whole numbers (stored reflectance is), so that sums
            and squares are exact and a parcel of equal pixels has the deviation 0.
        valid: (H, W) bool.
        slots: (H, W) int32, which of the N parcels a pixel belongs to; −1 = none.
    """
    _add_counts(valid, slots, sums.count)
    add_band = partial(_add_values, valid=valid, slots=slots, scale=scale)
    side_by_side(add_band, zip(image, sums.total, sums.squares, strict=True))


@numba.njit(nogil=True, cache=True)
def _add_counts(valid: Bool, slots: AnyArray, count: Int64) -> None:
    for row in range(slots.shape[0]):
        for col in range(slots.shape[1]):
            slot = slots[row, col]
            if slot >= 0 and valid[row, col]:
                count[slot] += 1


@numba.njit(nogil=True, cache=True)
def _add_values(band: AnyArray, total: Float64, squares: Float64, valid: Bool, slots: AnyArray, scale: float) -> None:
    """One band. Neighbours in a row mostly belong to one parcel: their sum is kept aside until it ends."""
    for row in range(slots.shape[0]):
        current, s, q = -1, 0.0, 0.0
        for col in range(slots.shape[1]):
            slot = slots[row, col]
            if slot != current:
                if current >= 0:
                    total[current] += s
                    squares[current] += q
                current, s, q = slot, 0.0, 0.0
            if slot >= 0 and valid[row, col]:
                value = np.rint(band[row, col] * scale)
                s += value
                q += value * value
        if current >= 0:
            total[current] += s
            squares[current] += q


def sorted_statistics(values: Float32, slots: AnyArray, n: int) -> Float32:
    """The statistics SORTED of each band and parcel: (8, C, n), NaN where a parcel has no value.

    Percentiles lie on the line between the two nearest values, as `numpy.percentile` has them. The skewness is that of
    the population, `scipy.stats.skew`; NaN where all values are equal.

    Args:
        values: (C, P) of P pixels.
        slots: (P,) parcel of each pixel, 0 … n − 1.
    """
    start = np.concatenate([[0], np.cumsum(np.bincount(slots, minlength=n))]).astype(np.int64)
    order = np.argsort(slots, kind="stable")
    result = np.full((len(SORTED), values.shape[0], n), np.nan, np.float32)
    side_by_side(partial(_sort_band, order=order, start=start), zip(values, result.swapaxes(0, 1), strict=True))
    return result


@numba.njit(nogil=True, cache=True)
def _sort_band(values: Float32, result: Float32, order: Int64, start: Int64) -> None:
    for slot in range(len(start) - 1):
        if start[slot + 1] > start[slot]:
            own = np.sort(values[order[start[slot] : start[slot + 1]]].astype(np.float64))
            for row, share in enumerate((0.5, 0.0, 1.0, 0.05, 0.25, 0.75, 0.95)):
                result[row, slot] = _percentile(own, share)
            away = own - own.mean()
            spread = np.sqrt((away**2).mean())
            if own[0] < own[-1]:
                result[7, slot] = ((away / spread) ** 3).mean()


@numba.njit(nogil=True, cache=True)
def _percentile(ordered: Float64, share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])  # type: ignore[no-any-return]


@numba.njit(nogil=True, cache=True)
def inner_pixels(ids: UInt32, radius_px: float) -> Bool:
    """(H, W) True where a pixel and all pixels whose centre is nearer than `radius_px` (pixels) belong to one parcel.

    What lies beyond the edge of the array is not known and counts as the same parcel.
    """
    height, width = ids.shape
    reach = int(np.ceil(radius_px))
    inner = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            own = ids[row, col]
            pure = own != NO_PARCEL
            for dy in range(-reach, reach + 1):
                if not pure:
                    break
                for dx in range(-reach, reach + 1):
                    y, x = row + dy, col + dx
                    inside = 0 <= y < height and 0 <= x < width and dy * dy + dx * dx < radius_px * radius_px
                    if inside and ids[y, x] != own:
                        pure = False
                        break
            inner[row, col] = pure
    return inner


def describe_objects(
    cubes: Mapping[str, CubeStore],
    labels: Mapping[str, LabelStore],
    parcels: pd.DataFrame,
    options: ObjectOptions,
) -> tuple[pd.DataFrame, Tally]:
    """The parcel table.

    Args:
        cubes, labels: opened, by the name of the cube.
        parcels: number (unique), id, class_id, class_name; with coverage "exact" also geometry, a GeoDataFrame.

    Returns:
        One row a parcel, by number: number, id, label (class id), class_name, cube, counts (pixels of the parcel that
        may count, valid or not); then for every band `<band>_<period>_<statistic>` in reflectance, and with the
        statistic `count` one column `count_<period>` of valid pixels. A period is a date (YYYYMMDD) or a month (two
        digits from 00 = January of the first year). NaN (count: 0) where no pixel of the parcel is valid in a period.
        The tally says which parcels were dropped and why.

    Raises:
        GridMismatch: if a cube and its labels differ in grid, or cubes in bands.
        NothingLeft: if every parcel was dropped.
    """
    names = sorted(cubes)
    if len({cubes[name].bands for name in names}) > 1:
        raise GridMismatch(f"One parcel table has one set of bands; the cubes have {[cubes[n].bands for n in names]}.")
    for name in names:
        if cubes[name].grid != labels[name].grid:
            raise GridMismatch(f"Cube '{name}' lies on {cubes[name].grid}, its labels on {labels[name].grid}.")
    numbers = parcels["number"].to_numpy(np.int64)
    n_px = {name: count_inner(labels[name], options, int(numbers.max(initial=0)) + 1)[numbers] for name in names}
    home = choose_cube(np.stack([n_px[name] for name in names]))
    most = np.max([n_px[name] for name in names], axis=0)
    reasons = {
        "no pixel in any cube": most == 0,
        "fewer pixels than objects.min_pixels": most < options.min_pixels,
        "unknown class": parcels["class_id"].to_numpy() == IGNORE,
    }
    verdict = np.select(list(reasons.values()), list(reasons), default="")

    first_year = min(int(year_and_month(cubes[name].days)[0].min()) for name in names)
    tables = []
    for i, name in enumerate(names):
        chosen = np.flatnonzero((home == i) & (verdict == ""))
        if len(chosen):
            own = parcels.iloc[chosen]
            head = pd.DataFrame(
                {
                    "number": own["number"].to_numpy(np.uint32),
                    "id": own["id"].to_numpy(object),
                    "label": own["class_id"].to_numpy(np.uint8),
                    "class_name": own["class_name"].to_numpy(object),
                    "cube": name,
                    "counts": most[chosen],
                }
            )
            if options.coverage == "exact":
                outlines = own.geometry.to_crs(cubes[name].grid.crs).buffer(-options.inner_buffer_m)
                columns = _describe_exactly(cubes[name], outlines, options, first_year)
            else:
                columns = _describe_cube(cubes[name], labels[name], numbers[chosen], options, first_year)
            tables.append(pd.concat([head, pd.DataFrame(columns)], axis=1))
    if not tables:
        raise NothingLeft(f"No parcel is left for the table: {Tally.count(v or None for v in verdict)}.")
    table = pd.concat(tables, ignore_index=True)
    counted = [c for c in columns_of(table) if c.startswith("count_")]
    table[counted] = table[counted].fillna(0).astype(np.int32 if options.coverage == "centre" else np.float32)
    features = [c for c in columns_of(table)[6:] if c not in counted]
    seen = table[features].notna().any(axis=1).to_numpy()
    tally = Tally.count(v or None for v in verdict).then(
        Tally(int(seen.sum()), {"no valid pixel on any date": int((~seen).sum())})
    )
    if not seen.any():
        raise NothingLeft(f"No parcel is left for the table: {tally}.")
    return table[seen].sort_values("number", ignore_index=True), tally


def count_inner(labels: LabelStore, options: ObjectOptions, n: int) -> Int64:
    """(n,) pixels that may count, by parcel number."""
    count = np.zeros(n, np.int64)
    for _, ids, inner in _strips(labels, options):
        count += np.bincount(ids[inner], minlength=n)[:n]
    return count


def choose_cube(n_px: Int64) -> Int64:
    """Which of the cubes (rows) describes each parcel (columns): the one with most pixels, of equals the first."""
    return np.asarray(n_px.argmax(axis=0), np.int64)


def _strips(labels: LabelStore, options: ObjectOptions) -> Iterator[tuple[Window, UInt32, Bool]]:
    """Strips of rows: window, parcel ids, and which pixels may count. Read with a margin, so that the strips agree."""
    whole = full_window(labels.grid)
    radius_px = options.inner_buffer_m / grid_resolution_m(labels.grid)
    margin = int(np.ceil(radius_px))
    for first in range(0, whole.height, STRIP_ROWS):
        height = min(STRIP_ROWS, whole.height - first)
        top, bottom = max(first - margin, 0), min(first + height + margin, whole.height)
        _, ids = labels.read(Window(top, 0, bottom - top, whole.width))
        inner = inner_pixels(ids, radius_px) if margin else ids != NO_PARCEL
        own = slice(first - top, first - top + height)
        yield Window(first, 0, height, whole.width), ids[own], inner[own]


def _describe_cube(
    cube: CubeStore, labels: LabelStore, numbers: Int64, options: ObjectOptions, first_year: int
) -> dict[str, AnyArray]:
    """Column name → (N,) values of the given parcels."""
    slot_of = np.full(int(numbers.max()) + 1, -1, np.int32)
    slot_of[numbers] = np.arange(len(numbers))
    dates_of = _dates_by_period(cube, options, first_year)
    sums = {p: empty_sums(len(numbers), len(cube.bands)) for p in dates_of}
    gathered: dict[str, list[tuple[AnyArray, AnyArray]]] = {p: [] for p in dates_of}
    sort = any(s in options.statistics for s in SORTED)
    n_strips = -(-int(cube.grid.shape[0]) // STRIP_ROWS)
    title = f"Parcels of {cube.folder.name}"
    for window, ids, inner in track(_strips(labels, options), title, total=n_strips, unit="strips"):
        slots = np.where(inner & (ids < len(slot_of)), slot_of[np.minimum(ids, len(slot_of) - 1)], np.int32(-1))
        for period, dates in dates_of.items():
            for t in dates:
                (stored,), (valid,) = cube.read_stored(window, [t], threads=None)
                add_pixels(sums[period], stored, valid, slots)
                if sort:
                    used = valid & (slots >= 0)
                    gathered[period].append((from_stored(stored[:, used]), slots[used]))
    found = {p: _statistics(sums[p], gathered[p], options.statistics) for p in dates_of}
    return _name_columns(cube.bands, sums, found, options)


def _describe_exactly(
    cube: CubeStore, outlines: gpd.GeoSeries, options: ObjectOptions, first_year: int
) -> dict[str, AnyArray]:
    """Column name → (N,) values of the parcels with these outlines, weighted by the share of a pixel they cover."""
    dates_of = _dates_by_period(cube, options, first_year)
    sums = dict[str, Sums]()
    for period, dates in track(list(dates_of.items()), f"Parcels of {cube.folder.name}", unit="periods"):
        total = empty_sums(len(outlines), len(cube.bands))
        for t in dates:
            (stored,), (valid,) = cube.read_stored(None, [t], threads=None)
            found = exact_sums(stored, valid, outlines, cube.grid)
            total = Sums(*(a + b for a, b in zip((total.count, total.total, total.squares), found, strict=True)))
        sums[period] = total
    return _name_columns(
        cube.bands, sums, {p: _statistics(s, [], options.statistics) for p, s in sums.items()}, options
    )


def _dates_by_period(cube: CubeStore, options: ObjectOptions, first_year: int) -> dict[str, list[int]]:
    periods = name_periods(cube.days, options.periods, first_year)
    return {p: [t for t, name in enumerate(periods) if name == p] for p in dict.fromkeys(periods)}


def _name_columns(
    bands: Sequence[str],
    sums: Mapping[str, Sums],
    found: Mapping[str, Mapping[str, AnyArray]],
    options: ObjectOptions,
) -> dict[str, AnyArray]:
    columns: dict[str, AnyArray] = {}
    for period in found:
        for i, band in enumerate(bands):
            columns |= {f"{band}_{period}_{s}": values[i].astype(np.float32) for s, values in found[period].items()}
        if "count" in options.statistics:
            columns[f"count_{period}"] = sums[period].count
    return columns


def _statistics(
    sums: Sums, gathered: Sequence[tuple[AnyArray, AnyArray]], wanted: Sequence[str]
) -> dict[str, AnyArray]:
    """Statistic → (C, N), in reflectance."""
    found: dict[str, AnyArray] = {"mean": sums.mean() / SCALE, "std": sums.std() / SCALE}
    if gathered:
        values = np.concatenate([v for v, _ in gathered], axis=1)
        slots = np.concatenate([s for _, s in gathered])
        found |= dict(zip(SORTED, sorted_statistics(values, slots, len(sums.count)), strict=True))
    return {s: found[s] for s in wanted if s != "count"}


def name_periods(days: AnyArray, periods: str, first_year: int) -> list[str]:
    """The period of each date. "date": YYYYMMDD, two acquisitions of a day fall together; "month": 00 = January of
    `first_year`, 12 the January after it."""
    if periods == "date":
        return [str(d).replace("-", "") for d in np.asarray(days).astype("datetime64[D]")]
    year, month = year_and_month(days)
    return [f"{m:02d}" for m in (year - first_year) * 12 + month]


def year_and_month(days: AnyArray) -> tuple[Int64, Int64]:
    """Year, and month from 0 on, of days since 1970-01-01."""
    months = np.asarray(days).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return 1970 + months // 12, months % 12


def columns_of(table: pd.DataFrame) -> list[str]:
    """Column names of a parcel table, in order."""
    return [str(c) for c in table.columns]


def to_csv_layout(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the columns of Sen4AgriNet's object files: parcel_id, label, counts, then the features."""
    features: list[Any] = [c for c in columns_of(table)[6:] if not c.startswith("count_")]
    return table.rename(columns={"number": "parcel_id"})[["parcel_id", "label", "counts", *features]]

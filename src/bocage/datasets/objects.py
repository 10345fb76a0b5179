"""The parcel table → a data set of one-pixel samples: one a parcel. Reads labels, writes one folder.

A parcel's statistics are the bands (`B04_mean`, `B04_std`, …), its periods the dates. The pixel is the parcel's first
in its label raster: it says where the parcel lies, so that splits and audits treat parcels as they treat patches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.arrays import NO_PARCEL, Bool, Float32, Int32
from bocage.core.errors import GridMismatch
from bocage.core.grid import Grid, Window, full_window, grid_resolution_m, grid_window
from bocage.core.progress import track
from bocage.core.sample import Origin, Sample
from bocage.datasets.build import CubeSource, LabelSource
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.options import DatasetOptions
from bocage.datasets.write import DatasetWriter
from bocage.taxonomy.taxonomy import CropClass

ABOUT = ("number", "id", "label", "class_name", "cube", "counts")  # columns of the table that are no statistic
STRIP_ROWS = 256


def build_object_dataset(
    folder: Path,
    table: pd.DataFrame,
    *,
    cubes: Mapping[str, CubeSource],
    labels: Mapping[str, LabelSource],
    classes: Sequence[CropClass],
    level: str,
    country: str,
    year: int,
    first_year: int,
    preprocessing: Mapping[str, Any],
    tallies: Mapping[str, Mapping[str, Any]],
    options: DatasetOptions,
) -> DatasetInfo:
    """Write one sample for each row of the parcel table (`patches.objects.describe_objects`).

    Args:
        first_year: year of the month 00, that of the earliest date of all cubes. Everything else as `build_dataset`.

    Raises:
        GridMismatch: if the cubes differ in pixel size.
    """
    bands, periods, image = stack_features(table)
    names = sorted(table["cube"].unique())
    resolutions = {grid_resolution_m(cubes[name].grid) for name in names}
    if len(resolutions) > 1:
        raise GridMismatch(f"One data set has one pixel size; the cubes have {sorted(resolutions)} m.")
    info = DatasetInfo(
        classes=tuple(ClassInfo(c.id, c.name, c.color, c.title, c.parent) for c in classes),
        bands=bands,
        patch_size_px=1,
        resolution_m=resolutions.pop(),
        dates="series",
        level=level,
        preprocessing=preprocessing,
        tallies=tallies,
        store=options.store,
    )
    writer = DatasetWriter(folder, info)
    pixels = {name: first_pixels(labels[name]) for name in names}
    days = period_days(periods, first_year)
    for row, series in track(_rows(table, image), "Writing parcels", total=len(table), unit="parcels"):
        cube, number = cubes[row["cube"]], int(row["number"])
        window = pixels[row["cube"]][number]
        sample = _to_sample(row, series, days, bands, cube, grid_window(cube.grid, window), country, year)
        writer.add(sample, {"cube": row["cube"], "row": window.row, "col": window.col})
    return writer.finish()


def stack_features(table: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...], Float32]:
    """Columns `<band>_<period>_<statistic>` → bands named `<band>_<statistic>`, periods in order, (N, T, C) values.

    NaN where a parcel has no valid pixel in a period.
    """
    columns = [str(c) for c in table.columns if c not in ABOUT and not str(c).startswith("count_")]
    parts = [tuple(column.split("_")) for column in columns]
    bands = list(dict.fromkeys((band, statistic) for band, _, statistic in parts))
    periods = sorted({period for _, period, _ in parts})
    values = np.stack([table[[f"{b}_{p}_{s}" for b, s in bands]].to_numpy(np.float32) for p in periods], axis=1)
    return tuple(f"{b}_{s}" for b, s in bands), tuple(periods), values


def period_days(periods: Sequence[str], first_year: int) -> Int32:
    """(T,) days since 1970-01-01: of a date YYYYMMDD itself, of a month (00 = January of `first_year`) its 15th."""
    first = np.datetime64(f"{first_year}-01", "M")
    found = [
        np.datetime64(f"{p[:4]}-{p[4:6]}-{p[6:]}", "D")
        if len(p) == 8
        else (first + int(p)).astype("datetime64[D]") + 14
        for p in periods
    ]
    return np.array(found, "datetime64[D]").astype(np.int32)


def first_pixels(labels: LabelSource) -> dict[int, Window]:
    """Parcel number → its first pixel in reading order. Read in strips."""
    whole = full_window(labels.grid)
    found: dict[int, Window] = {}
    for top in range(0, whole.height, STRIP_ROWS):
        _, ids = labels.read(Window(top, 0, min(STRIP_ROWS, whole.height - top), whole.width))
        numbers, places = np.unique(ids, return_index=True)
        for number, place in zip(numbers.tolist(), places.tolist(), strict=True):
            if number != NO_PARCEL and number not in found:
                found[number] = Window(top + place // whole.width, place % whole.width, 1, 1)
    return found


def _rows(table: pd.DataFrame, image: Float32) -> Iterator[tuple[dict[str, Any], Float32]]:
    about: list[dict[str, Any]] = table[list(ABOUT)].to_dict("records")  # type: ignore[assignment]
    yield from zip(about, image, strict=True)


def _to_sample(
    row: Mapping[str, Any],
    series: Float32,
    days: Int32,
    bands: tuple[str, ...],
    cube: CubeSource,
    pixel: Grid,
    country: str,
    year: int,
) -> Sample:
    valid: Bool = np.asarray(np.isfinite(series).all(axis=1))
    return Sample(
        image=np.where(valid[:, None], series, np.float32(0))[:, :, None, None],
        valid=valid[:, None, None],
        labels=np.full((1, 1), row["label"], np.uint8),
        parcel_ids=np.full((1, 1), row["number"], np.uint32),
        days=days,
        bands=bands,
        origin=Origin(
            sample_id=f"{country or 'parcel'}-{year}-{int(row['number'])}",
            country=country,
            year=year,
            tile=cube.tile,
            scenes=(),
            grid=pixel,
        ),
    )

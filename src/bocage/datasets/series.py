"""A Parquet table of series, a row a parcel and date → a data set of one-pixel samples. Reads a file, writes a folder.

For parcels whose series others have read out of the imagery already. A parcel is one sample, like those of
`datasets.objects`; it lies where its longitude and latitude say, so that splits deal ground as they do for patches.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from pydantic import Field
from pyproj import Transformer

from bocage.core.arrays import Bool, Float32, Float64, Int32
from bocage.core.errors import ConfigError, CorruptFile, DataError, MissingBand, MissingFile, NothingLeft
from bocage.core.grid import grid_bounds, make_grid, utm_of
from bocage.core.options import Options
from bocage.core.sample import Origin, Sample
from bocage.core.tally import Tally
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.write import DatasetWriter

RESOLUTION_M = 10.0
TOP_M = 10_000_000.0  # rows are counted southward from here: the false northing of UTM's southern zones


class SeriesClass(Options):
    """A target class and the crop codes that lead to it."""

    name: str = Field(pattern="^[a-z][a-z0-9_]*$", description="Lower case, for files and tables.")
    title: str = Field(description="For people.")
    color: str = Field(pattern="^#[0-9a-f]{6}$", description="#rrggbb")
    codes: tuple[str, ...] = Field(
        min_length=1, description="First digits of the codes; the longest that fits decides for a parcel."
    )


class SeriesOptions(Options):
    """What the columns of a table of series mean."""

    path: str = Field(description="The Parquet file, one row a parcel and date.")
    id_column: str = Field(description="Column with the parcel's id.")
    date_column: str = Field(description="Column with the date (a date, a timestamp, or text that reads as one).")
    code_column: str = Field(description="Column with the crop code.")
    lon_column: str = Field("lon", description="Column with the longitude of a point of the parcel, degrees.")
    lat_column: str = Field("lat", description="Column with its latitude, degrees.")
    bands: dict[str, str] = Field(min_length=1, description="Band of the samples → column with its values.")
    scale: float = Field(1e-4, gt=0, description="Reflectance (unitless) is value · scale.")
    missing: float | None = Field(None, description="The value that stands for none; NaN always does.")
    country: str = Field("", pattern="^([A-Z]{2})?$", description="ISO 3166-1 alpha-2 code, if known.")
    year: int = Field(0, ge=0, description="Crop year, 0 if unknown.")
    level: Literal["L2A", "L1C"] = Field("L2A", description="Product level of the imagery.")
    classes: tuple[SeriesClass, ...] = Field(
        min_length=2, description="Target classes, by id from 1 on; 0 is background. Parcels of none are left out."
    )


def build_series_dataset(folder: Path, options: SeriesOptions) -> tuple[DatasetInfo, Tally]:
    """Write one sample a parcel; sorted by id, numbered from 1.

    Returns:
        What was written, and how many parcels were left out for which reason.

    Raises:
        MissingFile, CorruptFile: if the table cannot be read, or a date, place or value is none.
        MissingBand: if it lacks a column.
        DataError: if parcels differ in their dates, or a parcel has two codes or places.
        NothingLeft: if no parcel has a class.
    """
    table = read_series(options)
    parcels = table.groupby("id", sort=True).first()
    labels = class_of_codes(parcels["code"], options.classes)
    days, values = stack_series(table, len(options.bands))
    valid: Bool = np.asarray(np.isfinite(values).all(axis=2))
    reasons = np.where(labels == 0, "code of no class", np.where(valid.any(1), "", "no date with a value"))
    tally = Tally.count(reason or None for reason in reasons)
    if not tally.kept:
        raise NothingLeft(f"No parcel of {options.path} is left: {tally}. Check series.classes and series.missing.")
    classes = ({"name": "background", "color": "#c8c8c8", "title": "Background"}, *map(_describe, options.classes))
    info = DatasetInfo(
        classes=tuple(ClassInfo(id=i, **c) for i, c in enumerate(classes)),
        bands=tuple(options.bands),
        patch_size_px=1,
        resolution_m=RESOLUTION_M,
        dates="series",
        level=options.level,
        preprocessing={"level": options.level, "bands": list(options.bands), "scale": options.scale},
        tallies={"series": tally.to_json()},
    )
    writer = DatasetWriter(folder, info)
    for i in np.flatnonzero(reasons == "").tolist():
        lon, lat = (float(parcels[c].iloc[i]) for c in ("lon", "lat"))
        sample = _to_sample(i + 1, values[i], valid[i], days, int(labels[i]), lon, lat, options)
        writer.add(sample, _place(sample) | {"source_id": str(parcels.index[i])})
    return writer.finish(), tally


def read_series(options: SeriesOptions) -> pd.DataFrame:
    """The table with columns id, day (days since 1970-01-01), code, lon, lat, and the bands; NaN where missing."""
    path = Path(options.path)
    if not path.is_file():
        raise MissingFile(f"No table of series at {path}. Check series.path.")
    named = {"id": options.id_column, "day": options.date_column, "code": options.code_column}
    named |= {"lon": options.lon_column, "lat": options.lat_column}
    wanted = [*named.values(), *options.bands.values()]
    try:
        there = pq.read_schema(path).names
        if missing := [column for column in wanted if column not in there]:
            raise MissingBand(f"{path} has no column {', '.join(missing)}. It has {', '.join(there)}.")
        raw = pq.read_table(path, columns=list(dict.fromkeys(wanted))).to_pandas()
    except (OSError, ValueError) as error:
        if isinstance(error, MissingBand):
            raise
        raise CorruptFile(f"{path} is no Parquet table that can be read: {error}") from error
    values = {band: _numbers(raw[column], path) for band, column in options.bands.items()}
    if options.missing is not None:
        values = {band: v.where(v != options.missing) for band, v in values.items()}
    about = {name: raw[column] for name, column in named.items()}
    about |= {"id": about["id"].astype(str), "code": about["code"].map(str)}
    about |= {name: _degrees(about[name], most, path) for name, most in (("lon", 180), ("lat", 90))}
    about["day"] = _days(about["day"], path)
    return pd.DataFrame(about | {band: v * options.scale for band, v in values.items()})


def _numbers(values: pd.Series[Any], path: Path) -> pd.Series[float]:
    try:
        return values.astype(float)
    except (TypeError, ValueError) as error:
        raise CorruptFile(f"{path}: column '{values.name}' holds what is no number ({error}).") from error


def _degrees(values: pd.Series[Any], most: float, path: Path) -> pd.Series[float]:
    numbers = _numbers(values, path)
    wrong = ~(numbers.abs() <= most)
    if wrong.any():
        raise CorruptFile(
            f"{path}: {int(wrong.sum())} rows have no place in column '{values.name}', e.g. {numbers[wrong].iloc[0]}; "
            f"degrees go from -{most} to {most}."
        )
    return numbers


def _days(values: pd.Series[Any], path: Path) -> Int32:
    """Days since 1970-01-01, as they stand in the column: a time of another zone is of the day that it says."""
    try:
        if pd.api.types.is_numeric_dtype(values.dtype):
            raise ValueError("numbers; write them as text or as dates")
        days = pd.to_datetime(values).dt.tz_localize(None)
    except (AttributeError, TypeError, ValueError) as error:
        raise CorruptFile(f"{path}: column '{values.name}' holds what is no date: {error}") from error
    if days.isna().any():
        raise CorruptFile(f"{path}: {int(days.isna().sum())} rows have no date in column '{values.name}'.")
    return np.asarray(days.to_numpy().astype("datetime64[D]").astype(np.int32))


def stack_series(table: pd.DataFrame, n_bands: int) -> tuple[Int32, Float32]:
    """(T,) days and (N, T, C) values, parcels by id, dates ascending.

    Raises:
        DataError: if parcels differ in their dates, or one says two codes or places.
    """
    ordered = table.sort_values(["id", "day"], kind="stable")
    days = np.unique(ordered["day"].to_numpy())
    n = ordered["id"].nunique()
    if len(ordered) != n * len(days) or not (ordered["day"].to_numpy().reshape(n, -1) == days).all():
        raise DataError(
            f"{n} parcels have {len(ordered)} rows on {len(days)} dates: every parcel needs one row for every date. "
            "Fill in missing dates with the missing value."
        )
    torn = ordered.groupby("id")[["code", "lon", "lat"]].nunique(dropna=False).max(axis=1)
    if (torn > 1).any():
        raise DataError(f"{int((torn > 1).sum())} parcels have several codes or places, e.g. '{torn.idxmax()}'.")
    values = ordered.iloc[:, -n_bands:].to_numpy(np.float32).reshape(n, len(days), n_bands)
    return days.astype(np.int32), values


def class_of_codes(codes: pd.Series[str], classes: tuple[SeriesClass, ...]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(N,) class id of each code by its longest prefix; 0 where none fits.

    Raises:
        ConfigError: if two classes have the same prefix.
    """
    prefixes = [(code, i) for i, c in enumerate(classes, 1) for code in c.codes]
    if len({code for code, _ in prefixes}) < len(prefixes):
        raise ConfigError("Two of series.classes have the same code. Give each code to one class.")
    longest = sorted(prefixes, key=lambda pair: -len(pair[0]))

    def find(code: str) -> int:
        return next((i for prefix, i in longest if code.startswith(prefix)), 0)

    return codes.map({code: find(code) for code in codes.unique()}).to_numpy(np.uint8)


def _describe(c: SeriesClass) -> dict[str, str]:
    return {"name": c.name, "color": c.color, "title": c.title}


def _to_sample(
    number: int,
    series: Float32,
    valid: Bool,
    days: Int32,
    label: int,
    lon: float,
    lat: float,
    options: SeriesOptions,
) -> Sample:
    crs = utm_of(lon, lat)
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    corner: Float64 = np.array([np.floor(x / RESOLUTION_M), np.ceil(y / RESOLUTION_M)]) * RESOLUTION_M
    return Sample(
        image=np.where(valid[:, None], series, np.float32(0)).astype(np.float32)[:, :, None, None],
        valid=valid[:, None, None],
        labels=np.full((1, 1), label, np.uint8),
        parcel_ids=np.full((1, 1), number, np.uint32),
        days=days,
        bands=tuple(options.bands),
        origin=Origin(
            sample_id=f"{options.country or 'parcel'}-{options.year}-{number}",
            country=options.country,
            year=options.year,
            tile="",
            scenes=(),
            grid=make_grid(crs, float(corner[0]), float(corner[1]), RESOLUTION_M, (1, 1)),
        ),
    )


def _place(sample: Sample) -> dict[str, Any]:
    """Where the pixel lies on the lattice of its UTM zone."""
    grid = sample.origin.grid
    assert grid is not None
    left, _, _, top = grid_bounds(grid)
    return {"cube": str(grid.crs), "row": round((TOP_M - top) / RESOLUTION_M), "col": round(left / RESOLUTION_M)}

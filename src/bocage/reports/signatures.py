"""Samples → what classes look like: NDVI by class and date, a row of reflectances a parcel. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from bocage.core.arrays import BACKGROUND, IGNORE, Float64, Int64
from bocage.core.sample import Sample

RED, NIR = "B04", "B08"
MIN_OBJECTS = 12  # fewer make no picture
MOST_OBJECTS = 700  # of an embedding: a second or two


@dataclass(frozen=True)
class Signatures:
    """What the samples look like.

    Attributes:
        ndvi: region, class_id, day (since 1970-01-01), mean, deviation (standard, between pixels), n_px.
        objects: one row a parcel: number, class_id, and sample_id and region of the sample that shows most of it;
            crops only.
        features: (objects, features) mean reflectance of each band and calendar month; where a parcel was never
            seen, the mean of those that were.
    """

    ndvi: pd.DataFrame
    objects: pd.DataFrame
    features: Float64


def describe_samples(samples: Iterable[Sample]) -> Signatures:
    """Go through samples once, keeping sums only."""
    sums: list[pd.DataFrame] = []
    pieces: list[pd.DataFrame] = []
    totals: list[Float64] = []
    seen: list[Float64] = []
    for sample in samples:
        region = " ".join(str(p) for p in (sample.origin.country, sample.origin.year or "", sample.origin.tile) if p)
        sums += [part.assign(region=region) for part in _ndvi_sums(sample)]
        found, total, n_seen = _pieces(sample)
        pieces.append(found.assign(region=region))
        totals.append(total)
        seen.append(n_seen)
    if not pieces:
        return Signatures(_ndvi_means(sums), pd.DataFrame(), np.empty((0, 0)))
    table, means = _join_pieces(pd.concat(pieces, ignore_index=True), np.concatenate(totals), np.concatenate(seen))
    return Signatures(_ndvi_means(sums), table, _fill(means))


def _ndvi_sums(sample: Sample) -> Iterator[pd.DataFrame]:
    """n, sum and sum of squares of the NDVI of each class, one table a date."""
    if not {RED, NIR} <= set(sample.bands):
        return
    red, nir = (sample.image[:, sample.bands.index(band)].astype(np.float64) for band in (RED, NIR))
    for day, valid, r, n in zip(sample.days, sample.valid, red, nir, strict=True):
        known = valid & (sample.labels != IGNORE) & (r + n > 0)
        value, classes = np.clip((n - r)[known] / (n + r)[known], -1, 1), sample.labels[known]
        columns = {"n_px": None, "sum": value, "squares": value**2}
        counted = {name: np.bincount(classes, weights, minlength=256) for name, weights in columns.items()}
        table = pd.DataFrame({"class_id": np.arange(256), "day": int(day), **counted})
        yield table[table["n_px"] > 0]


def _ndvi_means(sums: Sequence[pd.DataFrame]) -> pd.DataFrame:
    if not sums:
        return pd.DataFrame(columns=["region", "class_id", "day", "n_px", "mean", "deviation"])
    table = pd.concat(sums).groupby(["region", "class_id", "day"], as_index=False)[["n_px", "sum", "squares"]].sum()
    mean = table["sum"] / table["n_px"]
    variance = (table["squares"] / table["n_px"] - mean**2).clip(lower=0)
    return table[["region", "class_id", "day", "n_px"]].assign(mean=mean, deviation=np.sqrt(variance))


def _pieces(sample: Sample) -> tuple[pd.DataFrame, Float64, Float64]:
    """What a sample shows of each parcel with a crop: number, class_id, n_px, sample_id; sums of reflectance (pieces,
    12 months, bands) over valid pixels; how many those are (pieces, 12 months)."""
    counted = (sample.parcel_ids > 0) & (sample.labels != IGNORE) & (sample.labels != BACKGROUND)
    numbers, first, which, n_px = np.unique(
        sample.parcel_ids[counted], return_index=True, return_inverse=True, return_counts=True
    )
    table = pd.DataFrame({"number": numbers, "class_id": sample.labels[counted][first], "n_px": n_px})
    n_dates, n_bands = sample.image.shape[:2]
    pixels, valid = sample.image[:, :, counted].astype(np.float64), sample.valid[:, counted].astype(np.float64)
    belongs = _belonging(which, len(numbers))
    sums = (belongs @ (pixels * valid[:, None]).reshape(n_dates * n_bands, -1).T).reshape(-1, n_dates, n_bands)
    month = pd.to_datetime(np.asarray(sample.days, "int64"), unit="D").month.to_numpy() - 1
    of_month = (month[:, None] == np.arange(12)).astype(np.float64)
    total, n_seen = np.einsum("otb,tm->omb", sums, of_month), (belongs @ valid.T) @ of_month
    return table.assign(sample_id=sample.origin.sample_id), total, n_seen


def _join_pieces(pieces: pd.DataFrame, totals: Float64, seen: Float64) -> tuple[pd.DataFrame, Float64]:
    """Pieces of a parcel in several windows or on several dates -> one row a parcel, as its largest piece has it, and
    mean reflectance (parcels, 12 months × bands), NaN where unseen."""
    numbers, which = np.unique(pieces["number"], return_inverse=True)
    belongs = _belonging(which, len(numbers))
    n_months, n_bands = totals.shape[1:]
    total = (belongs @ totals.reshape(-1, n_months * n_bands)).reshape(-1, n_months, n_bands)
    n_seen = belongs @ seen
    means = np.divide(total, n_seen[:, :, None], out=np.full_like(total, np.nan), where=n_seen[:, :, None] > 0)
    largest = pieces.sort_values("n_px", ascending=False, kind="stable").drop_duplicates("number")
    table = largest.sort_values("number", ignore_index=True).drop(columns="n_px")
    return table, means.reshape(-1, n_months * n_bands)


def _belonging(which: Int64, n: int) -> csr_array:
    """(n, len(which)) 1 where a column belongs to a row."""
    return csr_array((np.ones(len(which)), (which, np.arange(len(which)))), shape=(n, len(which)))


def _fill(features: Float64) -> Float64:
    """NaN replaced by the mean of its column; columns without a value hold 0."""
    known = ~np.isnan(features)
    sums = np.where(known, features, 0).sum(axis=0)
    return np.where(known, features, sums / np.maximum(known.sum(axis=0), 1))

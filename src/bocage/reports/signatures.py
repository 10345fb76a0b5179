"""Samples → what classes look like: NDVI by class and date, a row of reflectances a parcel. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from bocage.core.arrays import BACKGROUND, IGNORE, Float64
from bocage.core.sample import Sample

RED, NIR = "B04", "B08"
MIN_OBJECTS = 12  # fewer make no picture
MOST_OBJECTS = 700  # of an embedding: a second or two


@dataclass(frozen=True)
class Signatures:
    """What the samples look like.

    Attributes:
        ndvi: region, class_id, day (since 1970-01-01), mean, deviation (standard, between pixels), n_px.
        objects: one row a parcel and sample: sample_id, number, class_id, region; crops only.
        features: (objects, features) mean reflectance of each band and calendar month; where a parcel was never
            seen, the mean of those that were.
    """

    ndvi: pd.DataFrame
    objects: pd.DataFrame
    features: Float64


def describe_samples(samples: Iterable[Sample]) -> Signatures:
    """Go through samples once, keeping sums only."""
    sums: list[pd.DataFrame] = []
    objects: list[pd.DataFrame] = []
    features: list[Float64] = []
    for sample in samples:
        region = " ".join(str(p) for p in (sample.origin.country, sample.origin.year or "", sample.origin.tile) if p)
        sums += [part.assign(region=region) for part in _ndvi_sums(sample)]
        found, means = _objects(sample)
        objects.append(found.assign(region=region))
        features.append(means)
    return Signatures(
        _ndvi_means(sums),
        pd.concat(objects, ignore_index=True) if objects else pd.DataFrame(),
        _fill(np.concatenate(features)) if features else np.empty((0, 0)),
    )


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


def _objects(sample: Sample) -> tuple[pd.DataFrame, Float64]:
    """Parcels of a sample that are crops, and their mean reflectance (objects, 12 months × bands), NaN where unseen."""
    counted = (sample.parcel_ids > 0) & (sample.labels != IGNORE) & (sample.labels != BACKGROUND)
    numbers, first, which = np.unique(sample.parcel_ids[counted], return_index=True, return_inverse=True)
    table = pd.DataFrame({"number": numbers, "class_id": sample.labels[counted][first]})
    n_dates, n_bands = sample.image.shape[:2]
    pixels, valid = sample.image[:, :, counted].astype(np.float64), sample.valid[:, counted].astype(np.float64)
    belongs = csr_array((np.ones(len(which)), (which, np.arange(len(which)))), shape=(len(numbers), len(which)))
    sums = (belongs @ (pixels * valid[:, None]).reshape(n_dates * n_bands, -1).T).reshape(-1, n_dates, n_bands)
    seen = belongs @ valid.T
    month = pd.to_datetime(np.asarray(sample.days, "int64"), unit="D").month.to_numpy() - 1
    of_month = (month[:, None] == np.arange(12)).astype(np.float64)
    total, n = np.einsum("otb,tm->omb", sums, of_month), seen @ of_month
    means = np.divide(total, n[:, :, None], out=np.full_like(total, np.nan), where=n[:, :, None] > 0)
    return table.assign(sample_id=sample.origin.sample_id), means.reshape(len(numbers), 12 * n_bands)


def _fill(features: Float64) -> Float64:
    """NaN replaced by the mean of its column; columns without a value hold 0."""
    known = ~np.isnan(features)
    sums = np.where(known, features, 0).sum(axis=0)
    return np.where(known, features, sums / np.maximum(known.sum(axis=0), 1))

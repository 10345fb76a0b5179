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
        objects: one row a parcel and place of a patch, whatever its dates: sample_id (the first one), number,
            class_id, region; crops only.
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
    totals: list[Float64] = []
    seen: list[Float64] = []
    for sample in samples:
        region = " ".join(str(p) for p in (sample.origin.country, sample.origin.year or "", sample.origin.tile) if p)
        sums += [part.assign(region=region) for part in _ndvi_sums(sample)]
        found, total, n = _objects(sample)
        place = hash(sample.origin.grid or sample.origin.sample_id)
        objects.append(found.assign(region=region, place=place))
        totals.append(total)
        seen.append(n)
    if not objects:
        return Signatures(_ndvi_means(sums), pd.DataFrame(), np.empty((0, 0)))
    rows = pd.concat(objects, ignore_index=True)
    which = rows.groupby(["region", "place", "number"], sort=False).ngroup().to_numpy()
    parcels = rows.drop(columns="place")[~pd.Series(which).duplicated()].reset_index(drop=True)
    belongs = csr_array((np.ones(len(which)), (which, np.arange(len(which)))), shape=(len(parcels), len(which)))
    return Signatures(
        _ndvi_means(sums), parcels, _means(belongs @ np.concatenate(totals), belongs @ np.concatenate(seen))
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


def _objects(sample: Sample) -> tuple[pd.DataFrame, Float64, Float64]:
    """Crop parcels of a sample, sums of reflectance (objects, 12 months × bands), valid pixels (objects, 12)."""
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
    total = np.einsum("otb,tm->omb", sums, of_month).reshape(len(numbers), 12 * n_bands)
    return table.assign(sample_id=sample.origin.sample_id), total, seen @ of_month


def _means(totals: Float64, n: Float64) -> Float64:
    """Sums (objects, 12 months × bands) by their pixels n (objects, 12); the mean of the others where unseen."""
    counts = np.repeat(n, totals.shape[1] // n.shape[1], axis=1)
    means = np.divide(totals, counts, out=np.zeros_like(totals), where=counts > 0)
    return np.where(counts > 0, means, means.sum(axis=0) / np.maximum((counts > 0).sum(axis=0), 1))

"""What a model must beat: baselines that learn no more than counts, means and last year's map. Pure.

`majority`: every pixel gets the most frequent training class. `spectral_centroid`: every pixel gets the class whose
mean training spectrum is nearest, each feature divided by its standard deviation within classes; where samples differ
in their number of dates, a pixel's spectrum is its mean over the dates that show it. `random_parcel_class`: every
parcel gets a class drawn by how many training parcels have it; land without a parcel is background. `last_year`: every
parcel gets the class that most of its ground had the year before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bocage.core.arrays import BACKGROUND, IGNORE, NO_PARCEL, Bool, Float32, Float64, Int32, Int64, UInt8, UInt32
from bocage.core.errors import DataError, NothingLeft
from bocage.core.sample import Sample
from bocage.metrics.parcels import ParcelCounts, count_parcels, merge_parcels

SMALLEST_STD = 1e-4  # reflectance; the step of stored values


@dataclass(frozen=True)
class TrainingSummary:
    """Counts and means of the training part; F = T · C features, dates outer, bands inner, or C where T differs.

    Attributes:
        px_by_class: (K,) labelled pixels.
        parcels_by_class: (K,) parcels by the majority of their labels.
        mean: (K, F) mean reflectance of each class; the overall mean where a class shows no valid pixel.
        std: (F,) standard deviation within classes.
        n_dates: T; None where samples differ: features are means over the dates that show a pixel.
    """

    px_by_class: Int64
    parcels_by_class: Int64
    mean: Float64
    std: Float64
    n_dates: int | None


def summarise_training(
    samples: Iterable[tuple[Sample, UInt8]], n_classes: int, *, n_dates: int | None
) -> TrainingSummary:
    """One pass over training samples with their labels (255 is left out).

    Args:
        n_dates: dates of every sample; None where they differ.

    Raises:
        NothingLeft: if no pixel has a label.
        DataError: if a sample has another number of dates.
    """
    px_by_class = np.zeros(n_classes, np.int64)
    parcels: list[ParcelCounts] = []
    moments: Float64 | None = None  # (3, K, F): valid pixels, sums, sums of squares
    for sample, labels in samples:
        px_by_class += np.bincount(labels.ravel(), minlength=256)[:n_classes]
        parcels.append(count_parcels(labels, labels, sample.parcel_ids, n_classes))
        if n_dates not in (None, len(sample.days)):
            raise DataError(
                f"Sample '{sample.origin.sample_id}' has {len(sample.days)} dates, the data set says {n_dates}. "
                "Look at it with `bocage dataset verify`, and build it again."
            )
        image, valid = sample.image, sample.valid
        if n_dates is None:
            image, valid = _mean_of_dates(image, valid)
        added = _class_moments(image, valid, labels, n_classes)
        moments = added if moments is None else moments + added
    if moments is None or not px_by_class.any():
        raise NothingLeft(
            "The training part has no labelled pixel to learn the baselines from. Check split and labels."
        )
    votes = merge_parcels(parcels, n_classes).reference.argmax(1)
    n, sums, squares = moments
    overall = sums.sum(0) / np.maximum(n.sum(0), 1)
    mean = np.where(n > 0, sums / np.maximum(n, 1), overall)
    variance = (squares - n * mean**2).sum(0) / np.maximum(n.sum(0), 1)
    return TrainingSummary(
        px_by_class=px_by_class,
        parcels_by_class=np.bincount(votes, minlength=n_classes).astype(np.int64),
        mean=mean,
        std=np.maximum(np.sqrt(np.maximum(variance, 0)), SMALLEST_STD),
        n_dates=n_dates,
    )


def _mean_of_dates(image: Float32, valid: Bool) -> tuple[Float32, Bool]:
    """(…, T, C, H, W) and (…, T, H, W) → the mean over the valid dates and where there is one, as one date."""
    n_seen = valid.sum(-3, keepdims=True)
    total = (image * valid[..., None, :, :]).sum(-4, keepdims=True)
    mean: Float32 = (total / np.maximum(n_seen, 1)[..., None, :, :]).astype(np.float32)
    return mean, n_seen > 0


def _class_moments(image: Float32, valid: Bool, labels: UInt8, n_classes: int) -> Float64:
    """(3, K, F): valid pixels, sums and sums of squares of each feature by class."""
    t, c = image.shape[:2]
    labelled = labels != IGNORE
    one_hot = (labels[labelled] == np.arange(n_classes)[:, None]).astype(np.float64)
    values = image[:, :, labelled].reshape(t * c, -1).astype(np.float64)
    seen = np.repeat(valid[:, labelled], c, axis=0).astype(np.float64)
    values *= seen
    return np.stack([one_hot @ features.T for features in (seen, values, values**2)])


class MajorityPredictor:
    """The training class frequencies on every pixel; so the class is the most frequent one."""

    n_dates = None

    def __init__(self, summary: TrainingSummary, bands: Sequence[str], class_names: Sequence[str]) -> None:
        self.bands, self.class_names = tuple(bands), tuple(class_names)
        self._shares = (summary.px_by_class / summary.px_by_class.sum()).astype(np.float32)

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        b, _, _, h, w = image.shape
        return np.broadcast_to(self._shares[:, None, None], (b, len(self._shares), h, w)).copy()


class CentroidPredictor:
    """Nearest class mean. Probabilities: normal densities of one diagonal covariance, equal priors.

    Only valid dates of a pixel enter its distance; classes without a training pixel are never given.
    """

    def __init__(self, summary: TrainingSummary, bands: Sequence[str], class_names: Sequence[str]) -> None:
        self.bands, self.class_names, self.n_dates = tuple(bands), tuple(class_names), summary.n_dates
        # −½ d² without the part that all classes share: x · m/s² − ½ Σ m²/s² over valid features.
        self._slope = (summary.mean / summary.std**2).astype(np.float32)
        self._half_norm = (0.5 * (summary.mean / summary.std) ** 2).astype(np.float32)
        self._known = summary.px_by_class > 0

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        if self.n_dates is None:
            image, valid = _mean_of_dates(image, valid)
        b, t, c, h, w = image.shape
        seen = np.repeat(valid.reshape(b, t, h * w), c, axis=1).astype(np.float32)
        features = image.reshape(b, t * c, h * w) * seen
        logits = self._slope @ features - self._half_norm @ seen
        logits[:, ~self._known] = -np.inf
        weights = np.exp(logits - logits.max(1, keepdims=True))
        return (weights / weights.sum(1, keepdims=True)).reshape(b, -1, h, w)  # type: ignore[no-any-return]


def parcel_uniforms(parcel_ids: UInt32, seed: int) -> Float64:
    """One number in [0, 1) a parcel, the same wherever it shows: SplitMix64 of its number (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        x = parcel_ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)) / float(1 << 53)


def draw_parcel_classes(parcel_ids: UInt32, parcels_by_class: Int64, seed: int) -> UInt8:
    """A class for every pixel: one draw a parcel from the training parcels' frequencies, background elsewhere."""
    if not parcels_by_class.any():
        return np.full(parcel_ids.shape, BACKGROUND, np.uint8)
    upper = np.cumsum(parcels_by_class) / parcels_by_class.sum()
    drawn = np.searchsorted(upper, parcel_uniforms(parcel_ids, seed), side="right").astype(np.uint8)
    return np.where(parcel_ids == NO_PARCEL, np.uint8(BACKGROUND), drawn)


def carry_last_year(parcel_ids: UInt32, before: UInt8, n_classes: int, *, otherwise: int) -> tuple[UInt8, Bool]:
    """A class for every pixel: what most of its parcel's ground in this sample had the year before.

    Args:
        parcel_ids: (H, W) parcels of this year.
        before: (H, W) class ids of the year before, 255 where they are not known.
        otherwise: the class of parcels whose ground is not known; land without a parcel is background.

    Returns:
        Classes (H, W), and the pixels of parcels that have been known.
    """
    known = count_parcels(before, before, parcel_ids, n_classes)
    if not len(known.ids):
        return np.where(parcel_ids == NO_PARCEL, BACKGROUND, otherwise).astype(np.uint8), np.zeros(before.shape, bool)
    at = np.minimum(np.searchsorted(known.ids, parcel_ids), len(known.ids) - 1)
    is_known = known.ids[at] == parcel_ids
    carried = np.where(is_known, known.reference.argmax(1)[at], otherwise)
    return np.where(parcel_ids == NO_PARCEL, BACKGROUND, carried).astype(np.uint8), is_known

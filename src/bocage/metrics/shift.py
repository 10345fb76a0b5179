"""Two sets of samples -> what differs between them, and the likely cause. Pure.

Band quantiles of the new set are compared with those of the training data. Where they differ, each known mistake is
undone in turn; the one that brings the quantiles closest to the training data is named, if it explains most of it.
Seasons and countries differ by nature: a finding is a reason to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bocage.core.arrays import IGNORE, SCALE, Float64, Int64
from bocage.core.bands import BANDS
from bocage.core.errors import MissingBand, NothingLeft
from bocage.core.sample import Sample

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MAX_PX_PER_SAMPLE = 2000
# mean difference of the quantiles, in units of each band's spread in training
NOTABLE = 0.1  # beyond it a cause is sought
LARGE = 0.35  # beyond it a difference without a known cause is reported too
EXPLAINED = 0.5  # a cause is named if undoing it leaves at most this share of the difference
SMALLEST_SPREAD = 0.02  # reflectance
OFFSET = 0.1  # reflectance of the radiometric offset, 1000 DN
REVISIT_DAYS = 5  # of the two satellites: orbits move a season by so much from year to year
LEAST_HAZE = 0.02  # reflectance at 490 nm: what a clear atmosphere adds at least to blue


@dataclass(frozen=True)
class Summary:
    """What is compared of a set.

    Attributes:
        quantiles: (C, 5) reflectance of each band at `QUANTILES`.
        px_by_class: (K,) labelled pixels.
        day_of_year: first and last, of all samples.
    """

    bands: tuple[str, ...]
    quantiles: Float64
    px_by_class: Int64
    day_of_year: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        return {
            "bands": list(self.bands),
            "quantiles": self.quantiles.round(6).tolist(),
            "px_by_class": self.px_by_class.tolist(),
            "day_of_year": list(self.day_of_year),
        }

    @classmethod
    def from_json(cls, about: Mapping[str, Any]) -> Summary:
        first, last = about["day_of_year"]
        quantiles = np.array(about["quantiles"], np.float64)
        return cls(tuple(about["bands"]), quantiles, np.array(about["px_by_class"], np.int64), (first, last))


def summarise(samples: Iterable[Sample], n_classes: int, rng: np.random.Generator) -> Summary:
    """One pass; at most 2,000 valid pixels of each sample enter the quantiles.

    Raises:
        NothingLeft: if no pixel is valid.
    """
    drawn: list[Float64] = []
    px_by_class = np.zeros(n_classes, np.int64)
    days: set[int] = set()
    bands: tuple[str, ...] = ()
    for sample in samples:
        pixels = sample.image.transpose(1, 0, 2, 3)[:, sample.valid]
        if pixels.shape[1] > MAX_PX_PER_SAMPLE:
            pixels = pixels[:, rng.choice(pixels.shape[1], MAX_PX_PER_SAMPLE, replace=False)]
        drawn.append(pixels.astype(np.float64))
        px_by_class += np.bincount(sample.labels[sample.labels != IGNORE], minlength=n_classes)[:n_classes]
        dates = sample.days.astype("datetime64[D]")
        days |= set(((dates - dates.astype("datetime64[Y]")).astype(int) + 1).tolist())
        bands = sample.bands
    if not drawn or not any(p.shape[1] for p in drawn):
        raise NothingLeft("No sample with a valid pixel to compare. Check the data set.")
    return Summary(
        bands, np.quantile(np.concatenate(drawn, axis=1), QUANTILES, axis=1).T, px_by_class, (min(days), max(days))
    )


def find_shifts(found: Summary, training: Summary, class_names: Sequence[str] | None) -> list[dict[str, Any]]:
    """Findings, radiometry first: each has `kind`, `cause` (or null), `size` and a `message`.

    Args:
        class_names: of both sets; None if they differ, then labels are not compared.

    Raises:
        MissingBand: if the new set lacks a band of the training data.
    """
    labels = [] if class_names is None else _labels(found, training, class_names)
    return [*_radiometry(found, training), *labels, *_season(found, training)]


def _radiometry(found: Summary, training: Summary) -> list[dict[str, Any]]:
    if missing := [b for b in training.bands if b not in found.bands]:
        raise MissingBand(
            f"The data have {', '.join(found.bands)}; the training data also {', '.join(missing)}. Add them."
        )
    values = found.quantiles[[found.bands.index(b) for b in training.bands]]
    target = training.quantiles
    size = _difference(values, target)
    if size < NOTABLE:
        return []
    known = _corrections(values, training) if BANDS.keys() >= set(training.bands) else {}  # not of parcels' statistics
    undone = {cause: _difference(corrected, target) for cause, corrected in known.items()}
    cause = min(undone, key=lambda name: undone[name], default="")
    if not cause or undone[cause] > min(LARGE, EXPLAINED * size):
        if size < LARGE:
            return []
        message = f"The bands differ by {size:.1f} times their spread in training; no known mistake explains it."
        return [{"kind": "radiometry", "cause": None, "size": size, "message": message}]
    message = (
        f"The bands differ by {size:.2f} times their spread in training, by {undone[cause]:.2f} once this is undone: "
        f"{cause}."
    )
    return [{"kind": "radiometry", "cause": cause, "size": size, "message": message}]


def _difference(values: Float64, target: Float64) -> float:
    spread = np.maximum(target[:, -1] - target[:, 0], SMALLEST_SPREAD)
    return float((np.abs(values - target) / spread[:, None]).mean())


def _corrections(values: Float64, training: Summary) -> dict[str, Float64]:
    """Cause → quantiles as they were without it."""
    from scipy.optimize import linear_sum_assignment

    target = training.quantiles
    cost = np.abs(values[:, None] - target[None]).sum(-1)  # of calling found band i training band j
    rows, names = linear_sum_assignment(cost)
    order = np.empty(len(rows), int)
    order[names] = rows
    moved = [training.bands[j] for j in range(len(order)) if order[j] != j]
    nm = np.array([BANDS[b].centre_nm for b in training.bands])
    haze = ((nm / 490) ** -4)[:, None]  # Rayleigh: the fourth power of the wavelength
    added = max(float((haze * (values - target)).sum() / (haze**2).sum() / len(QUANTILES)), 0.0)
    result = {
        "the radiometric offset of 0.1 was left in": values - OFFSET,
        "the radiometric offset of 0.1 was taken off twice": values + OFFSET,
        "numbers were not divided by 10,000": values / SCALE,
        "numbers were divided by 10,000 twice": values * SCALE,
    }
    if moved:
        result[f"bands in another order ({', '.join(moved)})"] = values[order]
    if added >= LEAST_HAZE:
        result["level 1C instead of 2A: the atmosphere is still in it"] = values - added * haze
    return result


def _labels(found: Summary, training: Summary, class_names: Sequence[str]) -> list[dict[str, Any]]:
    """Half the summed difference of the class shares (total variation), if it is over a fifth."""
    if not found.px_by_class.any() or not training.px_by_class.any():
        return []
    change = found.px_by_class / found.px_by_class.sum() - training.px_by_class / training.px_by_class.sum()
    size = float(np.abs(change).sum() / 2)
    most = int(np.abs(change).argmax())
    message = (
        f"{size:.0%} of the labels would have to change class; most of all {class_names[most]} ({change[most]:+.0%})."
    )
    return [{"kind": "labels", "cause": None, "size": size, "message": message}] if size > 0.2 else []


def _season(found: Summary, training: Summary) -> list[dict[str, Any]]:
    """Days of the year outside those of the training data, if they are more than a revisit."""
    outside = max(training.day_of_year[0] - found.day_of_year[0], found.day_of_year[1] - training.day_of_year[1], 0)
    message = (
        f"Dates from day {found.day_of_year[0]} to {found.day_of_year[1]} of the year; in training "
        f"{training.day_of_year[0]} to {training.day_of_year[1]}: up to {outside} days outside."
    )
    return [{"kind": "season", "cause": None, "size": outside, "message": message}] if outside > REVISIT_DAYS else []

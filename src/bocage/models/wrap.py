"""Predictors around Predictors. Pure; numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bocage.core.arrays import Bool, Float32, Int32
from bocage.models.predictor import Predictor, check_input, reach_of


@dataclass(frozen=True)
class BandStatistics:
    """Mean and standard deviation of each band (reflectance, unitless), from training pixels only."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        return {"mean": list(self.mean), "std": list(self.std)}


def standardize(image: Float32, valid: Bool, statistics: BandStatistics) -> Float32:
    """(… T, C, H, W) minus mean over deviation, band by band; pixels that are not valid stay 0."""
    mean, std = (np.array(v, np.float32)[:, None, None] for v in (statistics.mean, statistics.std))
    return np.where(valid[..., None, :, :], (image - mean) / std, np.float32(0))


class Standardized:
    """A Predictor that was trained on standardized bands, given reflectance."""

    def __init__(self, inner: Predictor, statistics: BandStatistics) -> None:
        self._inner, self.statistics = inner, statistics
        self.bands, self.class_names, self.n_dates = inner.bands, inner.class_names, inner.n_dates
        self.reach_px = reach_of(inner)

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        check_input(self, image, valid, days)
        return self._inner.predict_proba(standardize(image, valid, self.statistics), valid, days)


class BandStatisticsCounter:
    """Adds up samples to `BandStatistics`, in float64."""

    def __init__(self, n_bands: int) -> None:
        self._n, self._sum, self._square = 0, np.zeros(n_bands), np.zeros(n_bands)

    def add(self, image: Float32, valid: Bool) -> None:
        """One sample: image (T, C, H, W), valid (T, H, W)."""
        pixels = image.transpose(1, 0, 2, 3)[:, valid].astype(np.float64)
        self._n += pixels.shape[1]
        self._sum += pixels.sum(1)
        self._square += (pixels**2).sum(1)

    def result(self) -> BandStatistics:
        mean = self._sum / max(self._n, 1)
        std = np.sqrt(np.maximum(self._square / max(self._n, 1) - mean**2, 0))
        return BandStatistics(tuple(map(float, mean)), tuple(float(s) if s > 1e-6 else 1.0 for s in std))

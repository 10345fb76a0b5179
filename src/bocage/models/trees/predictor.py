"""Trees as Predictors. Pure; scikit-learn, XGBoost."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from xgboost import Booster

from bocage.core.arrays import Bool, Float32, Int32
from bocage.models.predictor import check_input
from bocage.models.trees.boosted import MISSING
from bocage.models.trees.features import PixelFeatures

CHUNK_PX = 1 << 18  # scikit-learn starts its threads once a call; larger chunks were not faster


class ForestPredictor:
    """A fitted forest behind the Predictor protocol. Classes without a training pixel have probability 0."""

    def __init__(
        self,
        forest: RandomForestClassifier,
        features: PixelFeatures,
        *,
        class_names: tuple[str, ...],
        n_dates: int | None,
    ) -> None:
        self.bands, self.class_names, self.n_dates = features.bands, class_names, n_dates
        self.reach_px = features.reach_px
        self._forest, self._features = forest, features

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        check_input(self, image, valid, days)
        rows = pixel_rows(self._features, image, valid)
        result = np.zeros((len(rows), len(self.class_names)), np.float32)
        for start in range(0, len(rows), CHUNK_PX):
            chunk = slice(start, start + CHUNK_PX)
            result[chunk, self._forest.classes_] = self._forest.predict_proba(rows[chunk])
        return as_maps(result, valid)


class BoosterPredictor:
    """Boosted trees behind the Predictor protocol."""

    def __init__(
        self, booster: Booster, features: PixelFeatures, *, class_names: tuple[str, ...], n_dates: int | None
    ) -> None:
        self.bands, self.class_names, self.n_dates = features.bands, class_names, n_dates
        self.reach_px = features.reach_px
        self._booster, self._features = booster, features

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        check_input(self, image, valid, days)
        rows = pixel_rows(self._features, image, valid)
        result = self._booster.inplace_predict(rows, missing=MISSING)
        return as_maps(result.reshape(len(rows), len(self.class_names)), valid)


def pixel_rows(features: PixelFeatures, image: Float32, valid: Bool) -> Float32:
    """Features of every pixel (B·H·W, F) of images (B, T, C, H, W)."""
    maps = np.stack([features(one, of_one) for one, of_one in zip(image, valid, strict=True)])
    rows: Float32 = maps.transpose(0, 2, 3, 1).reshape(-1, maps.shape[1])
    return rows


def as_maps(rows: Float32, valid: Bool) -> Float32:
    """(B·H·W, K) -> (B, K, H, W), with B, H and W of `valid` (B, T, H, W)."""
    b, _, h, w = valid.shape
    return np.ascontiguousarray(rows.reshape(b, h, w, -1).transpose(0, 3, 1, 2), dtype=np.float32)

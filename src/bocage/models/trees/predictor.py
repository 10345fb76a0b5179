"""A forest as a Predictor. Pure; scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from bocage.core.arrays import Bool, Float32, Int32
from bocage.models.predictor import check_input
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
        n_dates: int,
    ) -> None:
        self.bands, self.class_names, self.n_dates = features.bands, class_names, n_dates
        self._forest, self._features = forest, features

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        check_input(self, image, valid, days)
        b, _, _, h, w = image.shape
        features = np.stack([self._features(image[i], valid[i]) for i in range(b)])
        rows = features.transpose(0, 2, 3, 1).reshape(b * h * w, -1)
        result = np.zeros((len(rows), len(self.class_names)), np.float32)
        for start in range(0, len(rows), CHUNK_PX):
            chunk = slice(start, start + CHUNK_PX)
            result[chunk, self._forest.classes_] = self._forest.predict_proba(rows[chunk])
        return np.ascontiguousarray(result.reshape(b, h, w, -1).transpose(0, 3, 1, 2))

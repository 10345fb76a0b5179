"""A forest of 100 trees on 26 features of every pixel: ours beside scikit-learn on all rows at once.

Ours is scikit-learn's forest behind the Predictor, in chunks of pixels. Both compute the features on the way. Tried and
left: ONNX Runtime (0.43 of scikit-learn's speed), our own walk in numba (0.34), treelite (0.09). The limit reads the
features once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bocage.models.options import ContextForestOptions
from bocage.models.trees.forests import build_forest, context_features
from bocage.models.trees.predictor import ForestPredictor, pixel_rows
from perf.frame import Entry

BANDS = ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12")
N_CLASSES, N_FIT, SIZE_PX = 11, 20_000, 1024
GOAL_RATIO = 1.0


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    options = ContextForestOptions(n_trees=100, max_depth=20)
    features = context_features(options, BANDS)
    rng = np.random.default_rng(0)
    centres = rng.normal(0.3, 0.1, (N_CLASSES, len(BANDS)))
    fields = rng.integers(N_CLASSES, size=(1 + size_px // 16, 1 + size_px // 16))
    truth = fields.repeat(16, 0).repeat(16, 1)[:size_px, :size_px]
    image = np.moveaxis(centres[truth] + rng.normal(0, 0.1, (size_px, size_px, len(BANDS))), -1, 0)
    image = image.astype(np.float32)[None, None]
    valid, days = np.ones((1, 1, size_px, size_px), bool), np.zeros((1, 1), np.int32)
    rows = pixel_rows(features, image, valid)
    some = rng.permutation(len(rows))[:N_FIT]
    forest = build_forest(options, 0, None).fit(rows[some], truth.ravel()[some])
    predictor = ForestPredictor(forest, features, class_names=tuple(map(str, range(N_CLASSES))), n_dates=1)
    return Entry(
        name="forest",
        title=f"Forest of 100 trees, {features.count(1)} features of {size_px} x {size_px} pixels",
        ours=lambda: predictor.predict_proba(image, valid, days)[0].argmax(0).ravel(),
        peer=lambda: forest.predict(pixel_rows(features, image, valid)),
        peer_name="scikit-learn on all rows",
        limit=lambda: rows.max(),
        limit_name="reading the features once",
        equal=np.array_equal,
        goal_ratio=GOAL_RATIO,
    )

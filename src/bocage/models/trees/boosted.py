"""Boosted trees on flattened bands × dates, as in the RPG project. Pure; XGBoost."""

from __future__ import annotations

from xgboost import Booster, DMatrix, train

from bocage.core.arrays import Float32, UInt8
from bocage.models.options import XGBoostOptions
from bocage.models.registry import MODELS, BoosterKind
from bocage.models.trees.features import PixelFeatures

MISSING = 0.0  # what a pixel holds where it is not valid; each split learns which way such a pixel goes


def fit_booster(
    options: XGBoostOptions, features: Float32, labels: UInt8, n_classes: int, seed: int, threads: int | None
) -> Booster:
    """Trees fitted to features (N, F) and class ids (N,); `threads` None uses all cores."""
    parameters = {
        "objective": "multi:softprob",
        "num_class": n_classes,
        "tree_method": "hist",
        "max_depth": options.max_depth,
        "learning_rate": options.learning_rate,
        "subsample": options.subsample,
        "nthread": threads or 0,
        "seed": seed % 2**31,
    }
    return train(parameters, DMatrix(features, labels, missing=MISSING), num_boost_round=options.n_rounds)


def flat_features(options: XGBoostOptions, bands: tuple[str, ...]) -> PixelFeatures:
    return PixelFeatures(bands)


MODELS.register("xgboost")(
    BoosterKind(
        name="xgboost",
        family="pixel",
        input="bands × dates of one pixel",
        dates="fixed",
        source="RPG project; Chen and Guestrin 2016",
        options=XGBoostOptions,
        features=flat_features,
        fit=fit_booster,
    )
)

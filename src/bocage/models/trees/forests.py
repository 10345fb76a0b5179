"""The EuroCrops paper's two random forests (its section 3.3). Pure; scikit-learn."""

from __future__ import annotations

from sklearn.ensemble import RandomForestClassifier

from bocage.models.options import ContextForestOptions, ForestOptions
from bocage.models.registry import MODELS, ForestKind
from bocage.models.trees.features import PixelFeatures


def build_forest(options: ForestOptions, seed: int, threads: int | None) -> RandomForestClassifier:
    """An unfitted forest; `threads` None uses all cores."""
    return RandomForestClassifier(
        n_estimators=options.n_trees,
        max_samples=options.max_samples,
        max_depth=options.max_depth,
        min_samples_leaf=options.min_samples_leaf,
        bootstrap=True,
        n_jobs=threads or -1,
        random_state=seed % 2**32,
    )


def spectral_features(options: ForestOptions, bands: tuple[str, ...]) -> PixelFeatures:
    return PixelFeatures(bands)


def context_features(options: ContextForestOptions, bands: tuple[str, ...]) -> PixelFeatures:
    return PixelFeatures(bands, options.context_bands, options.windows_px)


MODELS.register("random_forest")(
    ForestKind(
        name="random_forest",
        family="pixel",
        input="bands × dates of one pixel: 10 features for ten bands of one date",
        dates="fixed",
        source="EuroCrops paper, section 3.3",
        options=ForestOptions,
        features=spectral_features,
        build=build_forest,
    )
)
MODELS.register("random_forest_context")(
    ForestKind(
        name="random_forest_context",
        family="pixel",
        input="the same, and mean and deviation of four bands in two windows: 26 features for ten bands of one date",
        dates="fixed",
        source="EuroCrops paper, section 3.3 (window sizes are ours)",
        options=ContextForestOptions,
        features=context_features,
        build=build_forest,
    )
)

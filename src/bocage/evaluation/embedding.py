"""Rows of numbers → a plane in which like rows lie together. Pure."""

from __future__ import annotations

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bocage.core.arrays import Float64

PERPLEXITY = 30.0  # neighbours that t-SNE looks at (van der Maaten and Hinton 2008 advise 5 to 50)


def embed(features: Float64, *, seed: int = 0) -> Float64:
    """Rows (N, F) → a plane (N, 2) in which like rows lie together: t-SNE (van der Maaten and Hinton 2008).

    It stands for UMAP, which shows the same, parcels by their neighbours, but needs more packages.
    Columns are standardised; those that never change are left out. One thread, so the same rows give the same plane.
    """
    spread = features.std(axis=0)
    standard = ((features - features.mean(axis=0)) / np.where(spread > 0, spread, 1))[:, spread > 0]
    if standard.shape[1] < 2:
        return np.pad(standard, ((0, 0), (0, 2 - standard.shape[1])))
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    with threadpool_limits(1):
        plane = TSNE(perplexity=perplexity, init="pca", max_iter=500, random_state=seed).fit_transform(standard)
    return np.asarray(plane, np.float64)

"""Mean and standard deviation around every pixel, as a forest's features need them: ours beside scipy's filters.

The peer filters the values and their squares, which is right where all pixels are valid; ours also counts the valid
pixels of each window. The limit writes the result.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter

from bocage.core.arrays import Float32
from bocage.models.options import ContextForestOptions
from bocage.models.trees.features import local_statistics
from perf.frame import Entry

SIZE_PX = 2048
GOAL_RATIO = 1 / 3
TOLERANCE = 2e-6  # reflectance; of squares filtered in float64 and rooted


def scipy_statistics(image: Float32, side_px: int) -> tuple[Float32, Float32]:
    """Means and standard deviations (C, H, W) in float64, since squares in float32 lose small deviations."""
    values = image.astype(np.float64)
    mean, square = (uniform_filter(a, size=(1, side_px, side_px)) for a in (values, values**2))
    return mean.astype(np.float32), np.sqrt(np.maximum(square - mean**2, 0)).astype(np.float32)


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    options = ContextForestOptions()
    image = np.random.default_rng(0).normal(0.3, 0.1, (len(options.context_bands), size_px, size_px))
    image, valid = image.astype(np.float32), np.ones((size_px, size_px), bool)
    source, target = (np.ones((2 * len(options.windows_px), *image.shape), np.float32) for _ in range(2))
    return Entry(
        name="filters",
        title=f"Mean and deviation of {len(image)} bands in windows of {options.windows_px} px, {size_px} x {size_px}",
        ours=lambda: [part for side in options.windows_px for part in local_statistics(image, valid, side)],
        peer=lambda: [part for side in options.windows_px for part in scipy_statistics(image, side)],
        peer_name="scipy.ndimage.uniform_filter of values and squares",
        limit=lambda: np.copyto(target, source),
        limit_name="writing the result",
        equal=lambda a, b: all(np.allclose(x, y, rtol=0, atol=TOLERANCE) for x, y in zip(a, b, strict=True)),
        goal_ratio=GOAL_RATIO,
    )

"""Fields and spectra for the miniatures. Pure.

Reflectance says band and class, so that a model can be right for the right reason: band number b (0 …) of class k is
0.02 + 0.02 b + 0.002 k. A reader that swaps bands, or a crosswalk that swaps classes, is found at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bocage.core.arrays import AnyArray, Float64, Int64, UInt32


def draw_fields(
    shape: tuple[int, int], classes: Sequence[int], rng: np.random.Generator, *, field_px: int = 32
) -> tuple[Int64, UInt32]:
    """Square fields of drawn classes with a strip of class 0 between them: labels and parcel ids, both (H, W)."""
    rows, cols = (np.arange(n) // field_px for n in shape)
    number = rows[:, None] * (cols[-1] + 1) + cols[None]
    labels = rng.choice(np.array(classes), size=int(number.max()) + 1)[number]
    strip = (np.arange(shape[0]) % field_px == 0)[:, None] | (np.arange(shape[1]) % field_px == 0)[None]
    labels = np.where(strip, 0, labels).astype(np.int64)
    return labels, np.where(labels == 0, 0, number + 1).astype(np.uint32)


def paint(labels: AnyArray, n_bands: int) -> Float64:
    """Reflectance (n_bands, H, W) of class ranks."""
    return 0.02 + 0.02 * np.arange(n_bands)[:, None, None] + 0.002 * labels[None]

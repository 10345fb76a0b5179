"""A raster's size -> overlapping windows with blend weights. Pure.

Windows form a grid, so weights are made axis by axis: at every row (and column) the weights of the tiles over it sum to
one, hence the products sum to one at every pixel, at the borders too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bocage.core.arrays import Float32, Float64


@dataclass(frozen=True)
class AxisTile:
    """One tile along one axis: pixels start … start + len(weights), with their blend weights."""

    start: int
    weights: Float32

    @property
    def size(self) -> int:
        return len(self.weights)

    @property
    def span(self) -> slice:
        return slice(self.start, self.start + self.size)


def plan_axis(length_px: int, window_px: int, overlap_px: int, *, reach_px: int | None = None) -> list[AxisTile]:
    """Tiles of equal size over one axis, the last one aligned with its end; a short axis is one tile.

    Where tiles overlap, weights go from one to the other along a squared sine. If the reach of the model is known,
    nothing is blended: tiles overlap by no more than that, and each pixel comes from a tile that holds all that its
    prediction looks at, so that the tiling leaves no trace.
    """
    size = min(window_px, length_px)
    if reach_px is not None and 4 * reach_px >= window_px:
        reach_px = None  # such a window would be mostly edge
    step = window_px - (overlap_px if reach_px is None else 2 * reach_px)
    starts = [*range(0, length_px - size, step), length_px - size]
    raw = [taper(size, overlap_px) if reach_px is None else sees(s, size, length_px, reach_px) for s in starts]
    total = np.zeros(length_px)
    for start, weights in zip(starts, raw, strict=True):
        total[start : start + size] += weights
    return [AxisTile(s, (w / total[s : s + size]).astype(np.float32)) for s, w in zip(starts, raw, strict=True)]


def sees(start: int, size: int, length_px: int, reach_px: int) -> Float64:
    """1 where a tile holds all within the reach of a pixel that the axis has, else 0."""
    pixels = np.arange(start, start + size)
    first, last = np.maximum(pixels - reach_px, 0), np.minimum(pixels + reach_px, length_px - 1)
    return ((first >= start) & (last < start + size)).astype(np.float64)


def taper(size: int, overlap_px: int) -> Float64:
    """1 in the middle, falling to nearly 0 over the last `overlap_px` pixels on both sides; never 0."""
    if overlap_px == 0:
        return np.ones(size)
    centres = np.arange(size) + 0.5
    from_edge = np.minimum(centres, size - centres)
    rising: Float64 = np.sin(np.pi / 2 * np.minimum(from_edge / overlap_px, 1))
    return rising**2

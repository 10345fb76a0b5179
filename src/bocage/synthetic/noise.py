"""Smooth random fields. Pure; the same generator state gives the same numbers whatever the number of threads."""

from __future__ import annotations

import numpy as np
from numba import njit

from bocage.core.arrays import Float32


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], scale_px: float) -> Float32:
    """Correlated noise of mean about 0 and standard deviation 1 over many samples; `scale_px` is its grain.

    White noise on a coarse lattice, interpolated with cubic B-splines.
    """
    knots = [int(np.ceil(side / scale_px)) + 4 for side in shape]
    white = rng.standard_normal(knots, dtype=np.float32)
    offset = rng.random(2)
    rows = _spline(white, shape[0], scale_px, offset[0])
    field: Float32 = _spline(np.ascontiguousarray(rows.T), shape[1], scale_px, offset[1]).T
    return np.ascontiguousarray(field / _SPLINE_STD**2, dtype=np.float32)


# Standard deviation of a cubic B-spline of unit white noise along one axis, averaged over the phase: sqrt(151/315).
_SPLINE_STD = float(np.sqrt(151 / 315))


@njit(cache=True)
def _spline(knots: Float32, n: int, scale_px: float, offset: float) -> Float32:
    """Cubic B-spline along the first axis: (k, m) knots -> (n, m) values, `scale_px` apart."""
    out = np.zeros((n, knots.shape[1]), dtype=np.float32)
    for i in range(n):
        position = i / scale_px + offset
        k = int(position)
        t = position - k
        weights = (
            (1 - t) ** 3 / 6,
            (3 * t**3 - 6 * t**2 + 4) / 6,
            (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
            t**3 / 6,
        )
        for p in range(4):
            weight = np.float32(weights[p])
            for j in range(knots.shape[1]):
                out[i, j] += weight * knots[k + p, j]
    return out


def fractal_noise(rng: np.random.Generator, shape: tuple[int, int], scale_px: float, octaves: int) -> Float32:
    """Noise of halving grain and amplitude, `octaves` of them; standard deviation about 1."""
    layers = [0.5**k * smooth_noise(rng, shape, max(scale_px * 0.5**k, 1.0)) for k in range(octaves)]
    norm = np.sqrt(sum(0.25**k for k in range(octaves)))
    return np.asarray(np.sum(layers, axis=0) / norm, dtype=np.float32)

"""Reflectance of one patch -> features of every pixel. Pure; numpy and numba."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numba
import numpy as np

from bocage.core.arrays import Bool, Float32, Float64
from bocage.core.errors import ConfigError
from bocage.core.threads import side_by_side

BLOCK_ROWS = 64  # that one thread takes at a time: sums start anew, so rounding does not pile up


@dataclass(frozen=True)
class PixelFeatures:
    """Which features a pixel has: every band of every date, then local statistics of some bands.

    Attributes:
        bands: the bands of the image, in order.
        context_bands: the bands with local statistics; none for a purely spectral forest.
        windows_px: odd sides of the windows, in pixels.
    """

    bands: tuple[str, ...]
    context_bands: tuple[str, ...] = ()
    windows_px: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        missing = [b for b in self.context_bands if b not in self.bands]
        if missing:
            raise ConfigError(
                f"context_bands asks for {', '.join(missing)}, but the data set has {', '.join(self.bands)}. "
                "Choose among these, or add the band to cubes.bands."
            )

    def count(self, n_dates: int) -> int:
        """Features a pixel: 10 for ten bands of one date, 26 with two statistics of four bands in two windows."""
        return n_dates * (len(self.bands) + 2 * len(self.context_bands) * len(self.windows_px))

    @property
    def reach_px(self) -> int:
        """How far from a pixel its features look."""
        return max(self.windows_px, default=1) // 2

    def __call__(self, image: Float32, valid: Bool) -> Float32:
        """Features (F, H, W) float32 of an image (T, C, H, W) with validity (T, H, W); F = count(T).

        Order: all dates and bands; then for each date and window the means, then the standard deviations.
        """
        t, _, h, w = image.shape
        context = image[:, [self.bands.index(b) for b in self.context_bands]]
        parts = [image.reshape(-1, h, w)]
        for date in range(t):
            for side in self.windows_px:
                parts.extend(local_statistics(context[date], valid[date], side))
        return np.concatenate(parts).astype(np.float32, copy=False)


def local_statistics(image: Float32, valid: Bool, side_px: int) -> tuple[Float32, Float32]:
    """Mean and standard deviation of the valid pixels in the square window around each pixel.

    Beyond the border the image is mirrored (d c b a | a b c d | d c b a). Summed in float64 around each block of rows'
    own mean, so that a bright, even area does not lose its small deviation to rounding. Blocks of rows are taken by the
    threads one after the other; the result does not depend on how many there are.

    Args:
        image: (C, H, W).
        valid: (H, W).
        side_px: odd side of the window.

    Returns:
        Means and population standard deviations, each (C, H, W) float32; 0 where the window has no valid pixel.
    """
    means, deviations = np.empty(image.shape, np.float32), np.empty(image.shape, np.float32)
    blocks = [(first, min(first + BLOCK_ROWS, len(valid))) for first in range(0, len(valid), BLOCK_ROWS)]
    side_by_side(partial(_statistics_of_rows, image, valid, side_px // 2, means, deviations), blocks)
    return means, deviations


@numba.njit(nogil=True, cache=True)
def _mirrored(index: int, length: int) -> int:
    """Where a pixel beyond the border is taken from, however far beyond."""
    inside = index % (2 * length)
    return min(inside, 2 * length - 1 - inside)


@numba.njit(nogil=True, cache=True)
def _statistics_of_rows(
    image: Float32, valid: Bool, reach: int, means: Float32, deviations: Float32, first: int, last: int
) -> None:
    """Rows first … last − 1 of `local_statistics`. Columns are summed as the window goes down, then along each row."""
    n_bands, height, width = image.shape
    side = 2 * reach + 1
    counts, sums, squares = np.empty((3, width + 2 * reach))
    n, s, q = np.empty((3, width))
    for band in range(n_bands):
        values = image[band]
        centre = _mean_of_rows(values, valid, first, last)
        counts[:], sums[:], squares[:] = 0, 0, 0
        for row in range(first - reach, first + reach):
            _add_row(values, valid, _mirrored(row, height), centre, 1.0, reach, counts, sums, squares)
        for row in range(first, last):
            _add_row(values, valid, _mirrored(row + reach, height), centre, 1.0, reach, counts, sums, squares)
            _mirror_ends(counts, reach, width)
            _mirror_ends(sums, reach, width)
            _mirror_ends(squares, reach, width)
            n[:], s[:], q[:] = counts[:width], sums[:width], squares[:width]
            for step in range(1, side):
                for col in range(width):
                    n[col] += counts[col + step]
                    s[col] += sums[col + step]
                    q[col] += squares[col + step]
            for col in range(width):
                seen = n[col] > 0.5
                share = 1 / max(n[col], 1.0)
                mean = s[col] * share
                means[band, row, col] = mean + centre if seen else 0.0
                deviations[band, row, col] = np.sqrt(max(q[col] * share - mean * mean, 0.0))
            _add_row(values, valid, _mirrored(row - reach, height), centre, -1.0, reach, counts, sums, squares)


@numba.njit(nogil=True, cache=True)
def _mean_of_rows(values: Float32, valid: Bool, first: int, last: int) -> float:
    total, n = 0.0, 0
    for row in range(first, last):
        for col in range(values.shape[1]):
            if valid[row, col]:
                total += values[row, col]
                n += 1
    return total / max(n, 1)


@numba.njit(nogil=True, cache=True)
def _add_row(
    values: Float32,
    valid: Bool,
    row: int,
    centre: float,
    sign: float,
    reach: int,
    counts: Float64,
    sums: Float64,
    squares: Float64,
) -> None:
    """Add a row, or take it away (sign −1), to the sums of the columns, which start `reach` before the first pixel."""
    for col in range(values.shape[1]):
        weight = sign if valid[row, col] else 0.0
        value = values[row, col] - centre
        counts[col + reach] += weight
        sums[col + reach] += weight * value
        squares[col + reach] += weight * value * value


@numba.njit(nogil=True, cache=True)
def _mirror_ends(columns: Float64, reach: int, width: int) -> None:
    for beyond in range(1, reach + 1):
        columns[reach - beyond] = columns[reach + _mirrored(-beyond, width)]
        columns[reach + width - 1 + beyond] = columns[reach + _mirrored(width - 1 + beyond, width)]

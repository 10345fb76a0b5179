"""Reflectance of one patch -> features of every pixel. Pure; numpy and scipy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

from bocage.core.arrays import Bool, Float32, Float64
from bocage.core.errors import ConfigError


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

    Beyond the border the image is mirrored (d c b a | a b c d | d c b a). Computed in float64 around each band's own
    mean, so that a bright, even area does not lose its small deviation to rounding.

    Args:
        image: (C, H, W).
        valid: (H, W).
        side_px: odd side of the window.

    Returns:
        Means and population standard deviations, each (C, H, W) float32; 0 where the window has no valid pixel.
    """
    share = _window_mean(valid[None].astype(np.float64), side_px)
    anything = share > 0.5 / side_px**2
    share = np.where(anything, share, 1.0)
    centre = np.array([band[valid].mean() if valid.any() else 0.0 for band in image.astype(np.float64)])
    shifted = np.where(valid, image - centre[:, None, None], 0.0)
    mean = _window_mean(shifted, side_px) / share
    variance = np.maximum(_window_mean(shifted**2, side_px) / share - mean**2, 0.0)
    means = np.where(anything, mean + centre[:, None, None], 0.0)
    deviations = np.where(anything, np.sqrt(variance), 0.0)
    return means.astype(np.float32), deviations.astype(np.float32)


def _window_mean(image: Float64, side_px: int) -> Float64:
    result: Float64 = uniform_filter(image, size=(1, side_px, side_px), mode="reflect")
    return result

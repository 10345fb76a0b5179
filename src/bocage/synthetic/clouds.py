"""Clouds, their shadows, haze, the edge of the swath, and the scene classification. Pure; 10 m grid.

The scene classification is imperfect as the real one is: thin cloud edges pass as clear, some bright ground as cloud.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import shift

from bocage.core.arrays import Bool, Float32, UInt8
from bocage.synthetic.noise import fractal_noise, smooth_noise
from bocage.synthetic.optics import shrink

# Reflectance of a thick cloud and share of sunlight that still reaches its shadow (scattered light is blue).
_CLOUD = {"B01": 0.62, "B02": 0.60, "B03": 0.59, "B04": 0.60, "B05": 0.61, "B11": 0.42, "B12": 0.31}
_SHADE = {"B01": 0.62, "B02": 0.56, "B03": 0.48, "B04": 0.43, "B05": 0.42, "B11": 0.34, "B12": 0.32}
_HAZE = {"B01": 1.0, "B02": 0.85, "B03": 0.68, "B04": 0.55, "B05": 0.50, "B11": 0.18, "B12": 0.12}
_NEAR_INFRARED_CLOUD, _NEAR_INFRARED_SHADE, _NEAR_INFRARED_HAZE = 0.64, 0.40, 0.42
_HAZE_REFLECTANCE = 0.38


@dataclass(frozen=True)
class Sun:
    """Direction to the sun in degrees: zenith, and azimuth clockwise from north."""

    zenith_deg: float
    azimuth_deg: float


@dataclass(frozen=True)
class Sky:
    """What stands between the sensor and the ground, on the 10 m grid.

    Attributes:
        opacity: 0 clear – 1 opaque cloud.
        shade: 0 sunlit – 1 fully in a cloud's shadow.
        haze: 0 – about 0.3, share of light from the haze.
        swath: True where the sensor looked.
    """

    opacity: Float32
    shade: Float32
    haze: Float32
    swath: Bool

    @property
    def cloud_cover_fraction(self) -> float:
        """Share of the seen pixels under cloud."""
        return float((self.opacity[self.swath] > 0.25).mean()) if self.swath.any() else 0.0


def sun_on(day: int, latitude: float) -> Sun:
    """The sun at the overpass, about 10:45 local solar time, on a day of the year."""
    declination = np.deg2rad(-23.44 * np.cos(2 * np.pi * (day + 10) / 365.25))
    hour, lat = np.deg2rad(15 * (10.75 - 12)), np.deg2rad(latitude)
    height = np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(hour)
    zenith = np.arccos(height)
    south = (np.sin(lat) * height - np.sin(declination)) / (np.cos(lat) * np.sin(zenith))
    return Sun(float(np.rad2deg(zenith)), float(180 - np.rad2deg(np.arccos(np.clip(south, -1, 1)))))


def draw_sky(
    rng: np.random.Generator, shape: tuple[int, int], sun: Sun, *, cloud_fraction: float, hazy: bool, swath_edge: bool
) -> Sky:
    """The sky of one date; `cloud_fraction` (0–1) is the share of pixels under cloud."""
    opacity, shade = _clouds(rng, shape, sun, cloud_fraction)
    haze = np.zeros(shape, dtype=np.float32)
    if hazy:
        veil = np.clip(0.5 + 0.5 * smooth_noise(rng, shape, 260) + 0.12 * smooth_noise(rng, shape, 60), 0, 1)
        haze = np.asarray(rng.uniform(0.06, 0.2) * veil, dtype=np.float32)
    return Sky(opacity, shade, haze, _swath(rng, shape, swath_edge))


def shadow_step_px(sun: Sun, height_m: float) -> tuple[float, float]:
    """How far from a cloud at this height its shadow falls, in 10 m pixels (down, right): away from the sun."""
    length = height_m * np.tan(np.deg2rad(min(sun.zenith_deg, 75.0))) / 10
    away = np.deg2rad(sun.azimuth_deg + 180)
    return float(-length * np.cos(away)), float(length * np.sin(away))


def _clouds(rng: np.random.Generator, shape: tuple[int, int], sun: Sun, fraction: float) -> tuple[Float32, Float32]:
    """Opacity of clouds and depth of their shadows, which fall away from the sun, also from clouds off the image."""
    if fraction == 0:
        return np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    step = shadow_step_px(sun, rng.uniform(700, 1900))
    pad = int(np.ceil(np.hypot(*step))) + 1
    around = (shape[0] + 2 * pad, shape[1] + 2 * pad)
    image = (slice(pad, -pad), slice(pad, -pad))
    noise = fractal_noise(rng, around, 55, 5) + 0.8 * smooth_noise(rng, around, 220)
    base = float(np.quantile(noise[image], 1 - fraction))
    ramp = np.clip((noise - base + 0.14) / 0.55, 0, 1)
    opacity = np.asarray(ramp * ramp * (3 - 2 * ramp), dtype=np.float32)
    shade = np.clip(shift(opacity, step, order=1), 0, 1) * (1 - opacity)
    return np.ascontiguousarray(opacity[image]), np.ascontiguousarray(shade[image], dtype=np.float32)


def _swath(rng: np.random.Generator, shape: tuple[int, int], edge: bool) -> Bool:
    """True inside the swath; an edge cuts a corner along the satellite's track (about 13° off north)."""
    if not edge:
        return np.ones(shape, dtype=bool)
    rows, cols = np.indices(shape, dtype=np.float32)
    track = np.deg2rad(13)
    across = cols * np.cos(track) + rows * np.sin(track) * (1 if rng.random() < 0.5 else -1)
    if rng.random() < 0.5:
        across = -across
    return np.asarray(across > np.quantile(across, rng.uniform(0.08, 0.22)))


def through_sky(surface: Float32, band: str, sky: Sky) -> Float32:
    """Surface reflectance as it appears under this sky: shaded, hazed, clouded."""
    cloud = _CLOUD.get(band, _NEAR_INFRARED_CLOUD)
    shade = _SHADE.get(band, _NEAR_INFRARED_SHADE)
    veil = sky.haze * np.float32(_HAZE.get(band, _NEAR_INFRARED_HAZE))
    lit = surface * (1 - sky.shade * np.float32(1 - shade))
    hazed = lit * (1 - veil) + np.float32(_HAZE_REFLECTANCE) * veil
    texture = np.float32(cloud) * (np.float32(0.72) + np.float32(0.45) * sky.opacity)
    return np.asarray(hazed * (1 - sky.opacity) + texture * sky.opacity, dtype=np.float32)


def cirrus_band(sky: Sky) -> Float32:
    """What B10 sees: nothing of the ground, high haze and a little of the clouds."""
    return np.asarray(0.0012 + 0.06 * sky.haze + 0.012 * sky.opacity, dtype=np.float32)


def classify_scene(
    rng: np.random.Generator, sky: Sky, red: Float32, near_infrared: Float32, blue: Float32, water: Float32
) -> UInt8:
    """SCL on the 20 m grid, from the sky and the reflectance seen (20 m arrays); `water` is its share of each pixel.

    Classes: 0 no data, 2 dark, 3 cloud shadow, 4 vegetation, 5 not vegetated, 6 water, 7 unclassified, 8 and 9 cloud,
    10 thin cirrus.
    """
    opacity, shade, haze = shrink(sky.opacity, 2), shrink(sky.shade, 2), shrink(sky.haze, 2)
    doubt = 0.06 * smooth_noise(rng, red.shape, 6)
    ndvi = (near_infrared - red) / np.maximum(near_infrared + red, 1e-3)
    scl = np.where(ndvi > 0.4 + doubt, 4, 5)
    scl = np.where((ndvi > 0.3 + doubt) & (ndvi <= 0.4 + doubt) & (red > 0.12), 7, scl)
    scl = np.where((near_infrared < 0.09) & (red < 0.06), 2, scl)
    scl = np.where((water > 0.5) & (ndvi < 0.15), 6, scl)
    scl = np.where((blue > 0.21 + doubt) & (opacity < 0.1), 8, scl)  # bright roofs and quarries pass as cloud
    scl = np.where(haze > 0.13 + doubt, 10, scl)
    scl = np.where(shade > 0.3 + doubt, 3, scl)
    scl = np.where(opacity > 0.16 + doubt, 7, scl)
    scl = np.where(opacity > 0.28 + doubt, 8, scl)
    scl = np.where(opacity > 0.6 + doubt, 9, scl)
    return np.where(shrink(sky.swath.astype(np.float32), 2) < 1, 0, scl).astype(np.uint8)

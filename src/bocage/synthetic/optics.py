"""From what covers the ground to what the sensor reports: mixing, point spread, noise, top of atmosphere. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.ndimage import convolve1d

from bocage.core.arrays import Float32, UInt16
from bocage.core.bands import BANDS
from bocage.synthetic.crops import COVERS, SPECTRA, SURFACE_BANDS

# Signal-to-noise at the reference radiance, ESA mission requirements (Sentinel-2 user handbook, radiometric table).
SNR = {
    "B01": 129, "B02": 154, "B03": 168, "B04": 142, "B05": 117, "B06": 89, "B07": 105, "B08": 174,
    "B8A": 72, "B09": 114, "B10": 50, "B11": 100, "B12": 100,
}  # fmt: skip
FLOOR_NOISE = 0.0012  # reflectance; what atmospheric correction and dark signal leave over dark ground

# Modulation transfer at the Nyquist frequency. The mission requires 0.15-0.30 (10, 20 m) and less than 0.45 (60 m).
MTF_AT_NYQUIST = {10: 0.25, 20: 0.25, 60: 0.35}
_BOX_MTF_AT_NYQUIST = 2 / np.pi  # averaging over one pixel

# Share of light scattered back by a clean atmosphere and share let through (two ways), 440-2200 nm: a round Rayleigh
# and aerosol model, only for L1C.
PATH_REFLECTANCE = {
    "B01": 0.085, "B02": 0.060, "B03": 0.036, "B04": 0.021, "B05": 0.017, "B06": 0.014, "B07": 0.012, "B08": 0.010,
    "B8A": 0.009, "B09": 0.004, "B10": 0.0012, "B11": 0.003, "B12": 0.002,
}  # fmt: skip
TRANSMITTANCE = {
    "B01": 0.80, "B02": 0.84, "B03": 0.87, "B04": 0.90, "B05": 0.90, "B06": 0.91, "B07": 0.93, "B08": 0.92,
    "B8A": 0.95, "B09": 0.32, "B10": 0.0, "B11": 0.95, "B12": 0.93,
}  # fmt: skip


@dataclass(frozen=True)
class Looks:
    """Spectra of every unit: (units, surface bands) float32 of canopy, dry matter, flowers and dry ground.

    `vigour`, `canopy`, `soil` (units,): how strongly each varies inside the unit.
    """

    green: Float32
    dry: Float32
    flower: Float32
    ground: Float32
    vigour: Float32
    canopy: Float32
    soil: Float32


def draw_looks(rng: np.random.Generator, covers: list[str]) -> Looks:
    """Spectra of every unit around those of its cover.

    Fields differ in pigments (visible bands), structure (near infrared) and water (short wave), each log-normal, plus
    a little in every band by itself; grounds differ in brightness and colour.
    """
    n, n_bands = len(covers), len(SURFACE_BANDS)
    kinds = [COVERS[name] for name in covers]
    visible = np.array([band in ("B01", "B02", "B03", "B04", "B05") for band in SURFACE_BANDS])
    water = np.array([band in ("B11", "B12") for band in SURFACE_BANDS])

    def spectra(names: list[str]) -> Float32:
        return np.stack([SPECTRA[name] for name in names])

    def spread(sd: float) -> Float32:
        return np.asarray(sd * rng.standard_normal((n, 1)), dtype=np.float32)

    pigment, structure, moisture = spread(0.23), spread(0.13), spread(0.18)
    own = np.asarray(0.025 * rng.standard_normal((n, n_bands)), dtype=np.float32)
    leaf = np.exp(np.where(visible, pigment, np.where(water, moisture + 0.5 * structure, structure)) + own)
    brightness, colour = spread(0.24), spread(0.07)
    slope = np.linspace(1.0, -1.0, n_bands, dtype=np.float32)  # redder soils are darker in the blue
    earth = np.exp(brightness - colour * slope + own)
    return Looks(
        green=(spectra([k.green for k in kinds]) * leaf).astype(np.float32),
        dry=(spectra([k.dry for k in kinds]) * np.exp(spread(0.20) + own)).astype(np.float32),
        flower=(spectra([k.flower.spectrum if k.flower else k.green for k in kinds]) * np.exp(own)).astype(np.float32),
        ground=(spectra([k.ground for k in kinds]) * earth).astype(np.float32),
        vigour=np.array([k.vigour for k in kinds], dtype=np.float32),
        canopy=np.array([k.canopy for k in kinds], dtype=np.float32),
        soil=np.array([k.soil for k in kinds], dtype=np.float32),
    )


def moisten(ground: Float32, moisture: Float32) -> Float32:
    """Darken grounds (units, bands) by their moisture (units,), 0–1: a wet one reflects about half."""
    loss = np.array([0.50 if band in ("B11", "B12") else 0.40 for band in SURFACE_BANDS], dtype=np.float32)
    return np.asarray(ground * (1 - moisture[:, None] * loss), dtype=np.float32)


@njit(cache=True)
def mix(
    units: UInt16,
    vigour: Float32,
    canopy: Float32,
    soil: Float32,
    green: Float32,
    dry: Float32,
    flower: Float32,
    amplitudes: Float32,
    spectra: Float32,
) -> Float32:
    """Reflectance of one band on the fine grid.

    Args:
        units: (h, w) unit of every cell.
        vigour, canopy, soil: (h, w) noise of standard deviation about 1.
        green, dry, flower: (units,) shares of the ground.
        amplitudes: (units, 3) of vigour, canopy and soil noise.
        spectra: (units, 4) reflectance of canopy, dry matter, flowers and ground in this band.

    Returns:
        (h, w) float32 reflectance. Vigour moves ground between canopy and soil, most where the canopy is not closed.
    """
    height, width = units.shape
    out = np.empty((height, width), dtype=np.float32)
    for i in range(height):
        for j in range(width):
            u = units[i, j]
            factor = 1 + amplitudes[u, 0] * vigour[i, j]
            g, f, d = green[u], flower[u], dry[u]
            living = g + f
            grown = min(max(living * (1 + (factor - 1) * (1.3 - living)), np.float32(0)), np.float32(0.99))
            if living > 0:
                g, f = g * grown / living, f * grown / living
            d = min(d, 1 - grown)
            bare = 1 - grown - d
            light = 1 + amplitudes[u, 1] * canopy[i, j]
            earth = 1 + amplitudes[u, 2] * soil[i, j]
            plants = g * spectra[u, 0] + d * spectra[u, 1] + f * spectra[u, 2]
            out[i, j] = max(plants * light + bare * spectra[u, 3] * earth, np.float32(0.001))
    return out


def shrink(image: Float32, factor: int) -> Float32:
    """Mean of factor × factor cells."""
    height, width = image.shape
    cells = image.reshape(height // factor, factor, width // factor, factor)
    return np.asarray(cells.mean(axis=(1, 3), dtype=np.float32))


def psf_sigma_m(resolution_m: int) -> float:
    """Standard deviation of the Gaussian which, after averaging over a pixel, gives the band's MTF at Nyquist.

    A Gaussian passes exp(−2π²σ²f²) of frequency f; Nyquist is 1 / (2 · resolution).
    """
    wanted = MTF_AT_NYQUIST[resolution_m] / _BOX_MTF_AT_NYQUIST
    return float(np.sqrt(-np.log(wanted) / 2) * 2 * resolution_m / np.pi)


def blur(image: Float32, sigma_px: float, shift_px: tuple[float, float]) -> Float32:
    """Gaussian point spread, displaced by a fraction of a pixel (y, x); edges are reflected."""
    for axis in (0, 1):
        reach = int(np.ceil(3 * sigma_px + abs(shift_px[axis])))
        at = np.arange(-reach, reach + 1) - shift_px[axis]
        weights = np.exp(-0.5 * (at / sigma_px) ** 2)
        image = convolve1d(image, (weights / weights.sum()).astype(np.float32), axis=axis, mode="reflect")
    return image


def observe(
    surface: Float32, cell_m: float, band: str, shift_m: tuple[float, float], resolution_m: int | None = None
) -> Float32:
    """What a band sees of `surface` (reflectance on `cell_m` cells): point spread, then the mean over its pixels."""
    resolution_m = resolution_m or BANDS[band].resolution_m
    shift_px = (shift_m[0] / cell_m, shift_m[1] / cell_m)
    return shrink(blur(surface, psf_sigma_m(resolution_m) / cell_m, shift_px), round(resolution_m / cell_m))


def add_noise(rng: np.random.Generator, image: Float32, band: str, multiple: float) -> Float32:
    """Sensor noise: signal-dependent part from the band's SNR and a floor, `multiple` times the instrument's."""
    deviation = multiple * (FLOOR_NOISE + np.abs(image) / SNR[band])
    return np.asarray(image + deviation * rng.standard_normal(image.shape, dtype=np.float32), dtype=np.float32)


def top_of_atmosphere(surface: Float32, band: str) -> Float32:
    """Reflectance above a clean atmosphere: path reflectance plus what comes through of the surface's."""
    return np.asarray(PATH_REFLECTANCE[band] + TRANSMITTANCE[band] * surface, dtype=np.float32)

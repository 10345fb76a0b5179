"""A miniature of DACIA5: two years, three scenes each, full size. IO: writes one folder."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

from bocage.benchmarks.invent import draw_fields, paint

SHAPE = (800, 450)
N_BANDS = 12
CLASSES_BY_YEAR = {2020: (0, 1, 2, 6, 9, 10, 12, 13, 14, 15, 16), 2024: (0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 16, 17)}
DAYS = ("0214", "0519", "0722")
FIELDS = (slice(0, 416), slice(0, 450))  # no field below: those windows hold background only


def write_dacia5(folder: Path) -> Path:
    """Write it; returns the folder that holds Dataset/."""
    for year, classes in CLASSES_BY_YEAR.items():
        rng = np.random.default_rng(year)
        labels = np.zeros(SHAPE, np.int64)
        drawn, _ = draw_fields((416, 450), classes, rng, field_px=40)
        labels[FIELDS] = drawn
        _write_mask(folder / "Dataset" / "Masks_and_legend" / f"Sentinel2_{year}", year, labels)
        for day in DAYS:
            _write_scene(folder / "Dataset" / "Images_Sentinel2_GeoTIFF" / f"Sentinel2_{year}", f"{year}{day}", labels)
    return folder


def _write_mask(folder: Path, year: int, labels: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"Labels_mask_{year}.png"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a plain picture
        with rasterio.open(file, "w", driver="PNG", height=SHAPE[0], width=SHAPE[1], count=1, dtype="uint8") as raster:
            raster.write(labels.astype(np.uint8), 1)


def _write_scene(folder: Path, day: str, labels: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stored = np.rint(1e4 * paint(labels, N_BANDS)).astype(np.uint16)
    stored[:, 100:104, 100:104] = 0  # no data
    with rasterio.open(
        folder / f"Sentinel2_L2A_{day}.tif",
        "w",
        driver="GTiff",
        height=SHAPE[0],
        width=SHAPE[1],
        count=N_BANDS,
        dtype="uint16",
        crs="EPSG:32635",
        transform=from_origin(390_000, 5_080_000, 10, 10),
        compress="deflate",
    ) as raster:
        raster.write(stored)

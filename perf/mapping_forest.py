"""Mapping with a forest on 26 features: a cube on disk to a class map and its confidence.

The peer is what one writes by hand: the whole image at once, scipy's filters, scikit-learn's forest on all rows.
Memory is measured over the area and over four times as much.

`python -m perf.mapping_forest ours|peer FOLDER` maps what `prepare` has put into a folder, for measuring its memory.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from bocage.cubes.store import open_cube
from bocage.mapping.map_area import map_area
from bocage.mapping.options import MappingOptions
from bocage.models.checkpoint import FOREST_FILE, load_forest, save_forest
from bocage.models.options import ContextForestOptions
from bocage.models.trees.forests import build_forest, context_features
from bocage.models.trees.predictor import ForestPredictor, pixel_rows
from perf.building import peak_gb
from perf.filters import scipy_statistics
from perf.frame import Entry
from perf.mapping_unet import BANDS, CLASSES, COLORS, write_cube, write_source

SIZE_PX, N_FIT = 1018, 20_000  # two windows of 512 px that overlap by 6, twice the reach of the features
GOAL_RATIO = 1.0
LEAST_EQUAL = 0.9999  # share of pixels with one class; a last bit of a deviation can lie on either side of a threshold
OPTIONS = ContextForestOptions(n_trees=100, max_depth=20)
N_FEATURES = context_features(OPTIONS, BANDS).count(1)


def prepare(folder: Path, size_px: int) -> None:
    """Cube, the same as a GeoTIFF, and a forest fitted to some of its pixels."""
    cube = write_cube(folder / "cube", size_px)
    write_source(folder / "source.tif", cube)
    part = cube.read().reflectance[:, :, :512, :512]
    rows = pixel_rows(context_features(OPTIONS, BANDS), part[None], np.ones((1, 1, *part.shape[2:]), bool))
    rng = np.random.default_rng(0)
    some = rng.permutation(len(rows))[:N_FIT]
    labels = (rows[some, :3] * 7 + rng.normal(0, 0.3, (len(some), 3))).sum(1).clip(0, len(CLASSES) - 1).astype(np.uint8)
    save_forest(build_forest(OPTIONS, 0, None).fit(rows[some], labels), folder / FOREST_FILE)


def ours(folder: Path) -> Any:
    predictor = ForestPredictor(
        load_forest(folder / FOREST_FILE), context_features(OPTIONS, BANDS), class_names=CLASSES, n_dates=1
    )
    map_area(predictor, open_cube(folder / "cube"), None, folder / "ours", MappingOptions(), colors=COLORS)
    with rasterio.open(folder / "ours" / "class_map.tif") as raster:
        return raster.read(1)


def by_hand(folder: Path) -> Any:
    forest = load_forest(folder / FOREST_FILE)
    with rasterio.open(folder / "source.tif") as raster:
        image, profile = raster.read().astype(np.float32) / 10_000, raster.profile
    around = image[[BANDS.index(band) for band in OPTIONS.context_bands]]
    parts = [image, *(part for side in OPTIONS.windows_px for part in scipy_statistics(around, side))]
    probabilities = forest.predict_proba(np.concatenate(parts).reshape(N_FEATURES, -1).T)
    classes = forest.classes_[probabilities.argmax(1)].reshape(image.shape[1:])
    profile |= {"dtype": "uint8", "count": 2, "compress": "deflate", "nodata": 255}
    with rasterio.open(folder / "by_hand.tif", "w", **profile) as out:
        out.write(classes, 1)
        out.write(np.rint(100 * probabilities.max(1)).astype(np.uint8).reshape(classes.shape), 2)
    return classes


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    once, four_times = folder / "once", folder / "four_times"
    prepare(once, size_px)
    source = once / "source.tif"

    def memory() -> dict[str, float]:
        prepare(four_times, 2 * size_px)
        return {
            f"{way}{words}": peak_gb("perf.mapping_forest", [way, str(where)], folder / "cache", folder / "out")
            for way in ("ours", "peer")
            for words, where in (("", once), (" over four times the area", four_times))
        }

    def limit() -> None:
        with rasterio.open(source) as raster:
            raster.read()

    return Entry(
        name="mapping_forest",
        title=f"A forest of 100 trees and {N_FEATURES} features over {size_px} x {size_px} pixels, to a class map",
        ours=lambda: ours(once),
        peer=lambda: by_hand(once),
        peer_name="scikit-learn on the whole image, with scipy's filters",
        limit=limit,
        limit_name="reading the image",
        equal=lambda a, b: float((a == b).mean()) >= LEAST_EQUAL,
        goal_ratio=GOAL_RATIO,
        memory=memory,
    )


if __name__ == "__main__":
    {"ours": ours, "peer": by_hand}[sys.argv[1]](Path(sys.argv[2]))

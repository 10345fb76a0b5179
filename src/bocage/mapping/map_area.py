"""A Predictor + a cube (+ parcels) -> a folder with class_map.tif, confidence.tif, parcels.parquet, map.json."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np

from bocage.core.arrays import IGNORE, Int64, UInt8
from bocage.core.artifacts import write_json
from bocage.core.errors import ConfigError
from bocage.cubes.store import CubeStore
from bocage.mapping.options import MappingOptions
from bocage.mapping.parcels import ParcelVotes
from bocage.mapping.predict import MapBand, check_model, predict_bands
from bocage.mapping.write import class_colormap, open_cog, write_votes
from bocage.models.predictor import Predictor

CLASS_MAP, CONFIDENCE, PARCELS, RECORD = "class_map.tif", "confidence.tif", "parcels.parquet", "map.json"


def map_area(
    predictor: Predictor,
    cube: CubeStore,
    parcels: gpd.GeoDataFrame | None,
    folder: Path,
    options: MappingOptions,
    *,
    colors: Sequence[str],
) -> dict[str, Any]:
    """Map one cube.

    Args:
        parcels: declared fields to vote for, in any CRS; with `class_name` the declared class stands beside the vote.
        folder: gets the files; 255 in both rasters is a pixel without a valid date.
        colors: "#rrggbb" of each of the model's classes, by id.

    Returns:
        The content of map.json: file names `class_map`, `confidence_map`, `parcels` (None without parcels), `mpx_per_s`
        and counts.

    Raises:
        MissingBand, DataError: if the cube does not fit the model.
        NothingLeft: if parcels are given and none lies on the map.
    """
    class_names = predictor.class_names
    if len(colors) != len(class_names):
        raise ConfigError(f"{len(colors)} colours for {len(class_names)} classes ({', '.join(class_names)})")
    check_model(predictor, cube)
    folder.mkdir(parents=True, exist_ok=True)
    votes = None if parcels is None else ParcelVotes(parcels, cube.grid, len(class_names))
    px_by_value = np.zeros(256, np.int64)
    start = time.perf_counter()
    with ExitStack() as stack:
        write_classes = stack.enter_context(
            open_cog(
                folder / CLASS_MAP,
                cube.grid,
                description="class",
                overviews="MODE",
                colormap=class_colormap(colors),
                tags={f"CLASS_{i}": name for i, name in enumerate(class_names)},
            )
        )
        write_confidence = stack.enter_context(
            open_cog(folder / CONFIDENCE, cube.grid, description="confidence in per cent", overviews="AVERAGE")
        )
        for band in predict_bands(predictor, cube, options):
            classes, confidence = to_map(band)
            write_classes(band.row, classes)
            write_confidence(band.row, confidence)
            px_by_value += np.bincount(classes.ravel(), minlength=256)
            if votes is not None:
                votes.add(band.row, classes, band.probabilities, band.seen)
    seconds = time.perf_counter() - start
    record = _record(class_names, px_by_value, len(cube.days), options, seconds)
    if votes is not None:
        table, tally = votes.result(class_names)
        write_votes(table, folder / PARCELS)
        record |= {"parcels": PARCELS, "tally": tally.to_json()}
    write_json(folder / RECORD, record)
    return record


def to_map(band: MapBand) -> tuple[UInt8, UInt8]:
    """Class ids and confidence (largest probability in per cent, 0–100), both (rows, W), 255 where nothing is seen."""
    empty = np.uint8(IGNORE)
    classes = np.where(band.seen, band.probabilities.argmax(0).astype(np.uint8), empty)
    per_cent = np.rint(100 * np.clip(band.probabilities.max(0), 0, 1)).astype(np.uint8)
    return classes, np.where(band.seen, per_cent, empty)


def _record(
    class_names: Sequence[str], px_by_value: Int64, n_dates: int, options: MappingOptions, seconds: float
) -> dict[str, Any]:
    n_px = int(px_by_value.sum())
    return {
        "class_map": CLASS_MAP,
        "confidence_map": CONFIDENCE,
        "parcels": None,
        "n_px": n_px,
        "n_unseen_px": int(px_by_value[IGNORE]),
        "px_by_class": {name: int(px_by_value[i]) for i, name in enumerate(class_names)},
        "n_dates": n_dates,
        "window_px": options.window_px,
        "overlap_px": options.overlap_px,
        "seconds": round(seconds, 3),
        "mpx_per_s": round(n_px / 1e6 / seconds, 4),
    }

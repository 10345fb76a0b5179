"""A finished map -> points to be visited, as a file; the file filled in -> a table. IO."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio

from bocage.core.arrays import IGNORE
from bocage.core.errors import ConfigError, CorruptFile, MissingFile, NothingLeft
from bocage.core.seeds import generator
from bocage.mapping.points import COLUMNS, draw_ranks, find_ranks

BAND_ROWS = 512
CLASS_MAP, LEGEND = "class_map.tif", "legend.csv"


def read_class_names(folder: Path) -> tuple[str, ...]:
    """Class names of a map, by id.

    Raises:
        MissingFile: if the folder is no map.
    """
    if not (folder / LEGEND).is_file() or not (folder / CLASS_MAP).is_file():
        raise MissingFile(f"{folder} holds no map: {CLASS_MAP} and {LEGEND} are needed. Give the folder of one map.")
    return tuple(pd.read_csv(folder / LEGEND, keep_default_na=False)["name"])


def draw_points(folder: Path, per_class: int, *, seed: int) -> gpd.GeoDataFrame:
    """Random points in each mapped class, at the centres of their pixels, in random order; see `mapping.points`.

    Returns:
        point, map_class, class_px (pixels of that class), class_points (points in it), px_ha, reference_class (empty),
        geometry in the map's CRS. Pixels that no date showed are in no class.

    Raises:
        MissingFile: if the folder is no map.
        NothingLeft: if the map is empty.
    """
    names = read_class_names(folder)
    rng = generator(seed, "mapping", "points")
    with rasterio.open(folder / CLASS_MAP) as file:
        windows = [
            rasterio.windows.Window(0, row, file.width, min(BAND_ROWS, file.height - row))
            for row in range(0, file.height, BAND_ROWS)
        ]
        counts = [np.bincount(file.read(1, window=w).ravel(), minlength=256).astype(np.int64) for w in windows]
        px_by_class = np.sum(counts, axis=0)
        px_by_class[IGNORE] = 0
        if not px_by_class.any():
            raise NothingLeft(f"{folder / CLASS_MAP} shows no class anywhere.")
        ranks = draw_ranks(px_by_class, per_class, rng)
        drawn = []
        for i, window in enumerate(windows):
            before = np.sum(counts[:i], axis=0) if i else np.zeros(256, np.int64)
            found = find_ranks(file.read(1, window=window), before, ranks)
            drawn += [(c, *file.xy(row + window.row_off, col)) for c, row, col in found]
        crs, px_ha = file.crs, abs(file.transform.a * file.transform.e) / 10_000  # m² a hectare
    classes, x, y = map(np.array, zip(*(drawn[i] for i in rng.permutation(len(drawn))), strict=True))
    table = {
        "point": np.arange(1, len(drawn) + 1),
        "map_class": np.array(names)[classes],
        "class_px": px_by_class[classes],
        "class_points": np.array([len(ranks[c]) for c in classes.tolist()]),
        "px_ha": px_ha,
        "reference_class": "",
    }
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=crs)


def write_points(points: gpd.GeoDataFrame, path: Path) -> None:
    """`.gpkg`, or `.csv` with longitude and latitude in degrees.

    Raises:
        ConfigError: for any other ending.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part-{path.name}")
    if path.suffix == ".gpkg":
        points.to_file(part, driver="GPKG", layer="points", engine="pyogrio")
    elif path.suffix == ".csv":
        degrees = points.geometry.to_crs("EPSG:4326")
        points[list(COLUMNS)].assign(longitude=degrees.x, latitude=degrees.y).to_csv(part, index=False)
    else:
        raise ConfigError(f"Points are written as .gpkg or .csv, not as '{path.name}'.")
    part.replace(path)


def read_points(path: Path) -> pd.DataFrame:
    """The table that `write_points` wrote, with what has been filled in.

    Raises:
        MissingFile, CorruptFile: if it is not there or cannot be read.
    """
    if not path.is_file():
        raise MissingFile(f"{path} is not there. Draw points first: bocage areas draw MAP --out {path.name}.")
    try:
        if path.suffix == ".csv":
            return pd.read_csv(path, dtype={"reference_class": str, "map_class": str}, keep_default_na=False)
        return pd.DataFrame(gpd.read_file(path).drop(columns="geometry"))
    except Exception as error:
        raise CorruptFile(f"{path} cannot be read as points ({error}). Check the file.") from error

"""A finished map -> a stratified random sample of its pixels; with their true classes, areas with intervals.

Strata are the classes of the map; within each, every pixel has the same chance to be drawn. So the chance of every
sampled pixel is known, and the estimators of `metrics.areas` hold. IO: reads the map in bands of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely

from bocage.core.arrays import AnyArray, Bool, Int64, UInt8
from bocage.core.errors import DataError, MissingFile, NothingLeft, UnknownName
from bocage.core.grid import Grid, grid_resolution_m, make_grid
from bocage.core.seeds import generator
from bocage.mapping.areas import BASIS, WHOLE, AreaCounts
from bocage.mapping.map_area import CLASS_MAP, LEGEND, RECORD
from bocage.mapping.read import read_class_rows
from bocage.metrics.areas import estimate_areas

OUTSIDE = "outside the region"
SAMPLE_COLUMNS = ("row", "col", "mapped_class", "inclusion_probability", "reference_class")
FEWEST = 20  # sampled pixels of a region; with fewer, a normal interval says little


@dataclass(frozen=True)
class FinishedMap:
    """The class map in a folder of `map_area` or `mosaic_maps`."""

    path: Path
    grid: Grid
    class_names: tuple[str, ...]

    def bands(self) -> Iterator[tuple[int, UInt8]]:
        """(first row, class ids (rows, W)) from top to bottom."""
        return read_class_rows(self.path)


def open_map(folder: Path) -> FinishedMap:
    """The map in a folder.

    Raises:
        MissingFile: if there is none, or it was never finished.
    """
    if missing := [name for name in (RECORD, CLASS_MAP, LEGEND) if not (folder / name).is_file()]:
        raise MissingFile(
            f"{folder} holds no finished map: {', '.join(missing)} is not there. Give a folder that `bocage map` made, "
            "one tile or mosaic."
        )
    with rasterio.open(folder / CLASS_MAP) as raster:
        left, top, size_m = raster.transform.c, raster.transform.f, raster.transform.a
        grid = make_grid(str(raster.crs), left, top, size_m, raster.shape)
    return FinishedMap(folder / CLASS_MAP, grid, tuple(pd.read_csv(folder / LEGEND)["name"].astype(str)))


def draw_sample(of: FinishedMap, *, n: int, least: int, seed: int) -> gpd.GeoDataFrame:
    """Draw pixels: in proportion to the mapped area of each class, but at least `least` of each.

    Returns:
        One point a pixel, at its centre and in the map's CRS, in random order: number, row, col, mapped_class,
        inclusion_probability (0–1), reference_class (None: to be filled in).

    Raises:
        NothingLeft: if the map has no class anywhere.
    """
    k = len(of.class_names)
    px = np.zeros(k, np.int64)
    for _, classes in of.bands():
        px += np.bincount(classes.ravel(), minlength=256)[:k]
    if not px.any():
        raise NothingLeft(f"{of.path} has no classed pixel to draw from. Map a place with a valid date.")
    n_by_class = allocate(px, n, least)
    rng = generator(seed, "mapping", "sample")
    ranks = [np.sort(rng.choice(px[i], n_by_class[i], replace=False)) for i in range(k)]
    row, col, class_id = rng.permutation(_find_pixels(of, ranks)).T
    x = of.grid.affine.c + (col + 0.5) * of.grid.affine.a
    y = of.grid.affine.f + (row + 0.5) * of.grid.affine.e
    table = pd.DataFrame(
        {
            "number": np.arange(1, len(row) + 1),
            "row": row,
            "col": col,
            "mapped_class": np.array(of.class_names, object)[class_id],
            "inclusion_probability": (n_by_class / np.maximum(px, 1))[class_id],
            "reference_class": np.full(len(row), None, object),
        }
    )
    return gpd.GeoDataFrame(table, geometry=shapely.points(x, y), crs=str(of.grid.crs))


def allocate(px: Int64, n: int, least: int) -> Int64:
    """How many pixels to draw of each class, given its pixels (K,): its share of `n`, `least` if that is fewer.

    Proportional numbers serve areas and overall accuracy; Olofsson et al. (2014, section 5.1.2) keep 50 to 100 for
    each rare class, so that its own accuracy can be told.
    """
    wanted = np.maximum(np.rint(n * px / px.sum()).astype(np.int64), least)
    drawn: Int64 = np.minimum(wanted, px)
    return drawn


def _find_pixels(of: FinishedMap, ranks: Sequence[Int64]) -> Int64:
    """(n, 3) row, column and class of the pixels with these ascending places among the pixels of their class."""
    found: list[Int64] = []
    before = np.zeros(len(ranks), np.int64)  # pixels of each class in the bands above
    for top, classes in of.bands():
        for i, own in enumerate(ranks):
            places = np.flatnonzero(classes == i)
            first, last = np.searchsorted(own, (before[i], before[i] + len(places)))
            row, col = np.divmod(places[own[first:last] - before[i]], classes.shape[1])
            found.append(np.column_stack([row + top, col, np.full(len(row), i)]))
            before[i] += len(places)
    return np.concatenate(found)


def look_up(sample: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The sample with `reference_class` from the polygon (column `name`) over each point.

    None where there is no polygon with a name, or where polygons of several classes overlap: that is to be looked at.

    Raises:
        NothingLeft: if no polygon with a name lies over any point.
    """
    polygons = polygons[polygons["name"].notna()]
    shapes = polygons.geometry.to_crs(sample.crs).to_numpy()
    point, polygon = shapely.STRtree(shapes).query(sample.geometry.to_numpy(), predicate="within")
    if not len(point):
        raise NothingLeft(
            "No polygon of the reference with a class lies over a sampled pixel. Check place, CRS and column."
        )
    above = pd.Series(polygons["name"].to_numpy(object)[polygon], index=point).groupby(level=0)
    told = above.first()[above.nunique() == 1]
    reference = sample["reference_class"].to_numpy(object).copy()
    reference[told.index] = told
    return sample.assign(reference_class=reference)


def estimate_map(
    of: FinishedMap, sample: gpd.GeoDataFrame, regions: gpd.GeoDataFrame | None, *, level: float = 0.95
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Areas of the map and its regions, and the map's accuracy, from a sample of `draw_sample` with its true classes.

    A region is a part of the sampled land: the same sample is taken for it, with everything elsewhere as one more
    class. So no region needs a sample of its own, but a small one gets a wide interval.

    Returns:
        region, class_id, class_name, mapped_ha, n_sampled (pixels with this true class), area_ha, low_ha, high_ha,
        basis; the last four say so where a region has fewer than FEWEST sampled pixels or a class was never met.
        And measure (overall_accuracy, users_accuracy, producers_accuracy), class_name, value, low, high (0–1).

    Raises:
        DataError: if the sample is not one of this map, or lacks true classes.
        UnknownName: if a true class is none of the map's.
    """
    k = len(of.class_names)
    areas = AreaCounts(of.grid, regions)
    for row, classes in of.bands():
        areas.add(row, classes)
    mapped, reference = _check_sample(of, sample, areas.px[0, :k])
    mapped_ha = areas.px[:, :k] * grid_resolution_m(of.grid) ** 2 / 10_000  # m² a hectare
    tables, inside = [], _inside(sample, areas)
    strata_ha = np.append(np.where(areas.px[0, :k] > 1, mapped_ha[0], 0), 0)  # a lone pixel has no variance
    for region, here, ha in zip(areas.names, inside, mapped_ha, strict=True):
        counts = np.zeros((k + 1, k + 1), np.int64)
        np.add.at(counts, (np.where(here, reference, k), mapped), 1)
        found = estimate_areas(counts, strata_ha, (*of.class_names, OUTSIDE), level=level)
        tables.append(_area_rows(region, of.class_names, ha, counts[:k].sum(1), found))
        if region == WHOLE:
            accuracy = _accuracy_rows(found, of.class_names)
    return pd.concat(tables, ignore_index=True), accuracy


def _inside(sample: gpd.GeoDataFrame, areas: AreaCounts) -> list[Bool]:
    """Which sampled pixels lie in the whole map and in each region, in the order of `areas.names`."""
    x, y = sample.geometry.x.to_numpy(), sample.geometry.y.to_numpy()
    return [np.ones(len(sample), bool), *(shapely.contains_xy(shape, x, y) for shape in areas.shapes)]


def _check_sample(of: FinishedMap, sample: gpd.GeoDataFrame, px: Int64) -> tuple[Int64, Int64]:
    """Class ids of the sampled pixels: mapped and true; `px` are the pixels of each mapped class (K,)."""
    if absent := [c for c in SAMPLE_COLUMNS if c not in sample.columns]:
        raise DataError(f"The sample lacks {', '.join(absent)}. Give a file that `bocage areas sample` wrote.")
    reference = sample["reference_class"].replace("", None)
    if n_blank := int(reference.isna().sum()):
        raise DataError(
            f"{n_blank} of {len(sample)} sampled pixels have no reference_class. Fill them in: an estimate from the "
            "pixels that were easy to tell is not one of the map."
        )
    ids = {name: i for i, name in enumerate(of.class_names)}
    if unknown := sorted(set(reference) - set(ids)):
        raise UnknownName(
            f"reference_class has {', '.join(map(str, unknown))}; the map has {', '.join(of.class_names)}."
        )
    mapped = sample["mapped_class"].map(ids).to_numpy()
    found = _read_pixels(of, sample["row"].to_numpy(np.int64), sample["col"].to_numpy(np.int64))
    if n_other := int((found != mapped).sum()):
        raise DataError(
            f"{n_other} of {len(sample)} sampled pixels have another class on {of.path} than in the sample. "
            "It was drawn from another map; draw one from this map."
        )
    n = np.bincount(mapped, minlength=len(px))
    stand_for = np.bincount(mapped, 1 / sample["inclusion_probability"].to_numpy(float), minlength=len(px))
    half_a_pixel = 0.5 * px / np.maximum(n, 1)  # of the sample, in pixels of the map
    odd = [name for i, name in enumerate(of.class_names) if not abs(stand_for[i] - px[i]) <= half_a_pixel[i]]
    if odd or sample.duplicated(["row", "col"]).any():
        raise DataError(
            f"Sampled pixels are missing or stand twice ({', '.join(odd) or 'in equal numbers'}). Give the sample with "
            "every row that was drawn, once: an estimate from some of them is not one of the map."
        )
    return mapped.astype(np.int64), reference.map(ids).to_numpy(np.int64)


def _read_pixels(of: FinishedMap, row: Int64, col: Int64) -> AnyArray:
    """Classes of single pixels; −1 outside the map."""
    found = np.full(len(row), -1, np.int64)
    for top, classes in of.bands():
        here = (row >= top) & (row < top + len(classes)) & (col >= 0) & (col < classes.shape[1])
        found[here] = classes[row[here] - top, col[here]]
    return found


def _area_rows(
    region: str, class_names: Sequence[str], mapped_ha: AnyArray, n_sampled: Int64, found: dict[str, Any]
) -> pd.DataFrame:
    """Rows of one region; without an interval where the sample is too thin."""
    n = int(n_sampled.sum())
    design = f"stratified random sample, {n} px in the region, {100 * found['level']:g} % interval"
    known = np.array(n_sampled > 0) & (n >= FEWEST)
    spans = [found["per_class"][name]["area_ha"] for name in class_names]
    ends = {"area_ha": "value", "low_ha": "low", "high_ha": "high"}
    columns = {name: np.array([max(s[end], 0.0) for s in spans]) for name, end in ends.items()}
    return pd.DataFrame(
        {
            "region": region,
            "class_id": np.arange(len(class_names)),
            "class_name": class_names,
            "mapped_ha": np.round(mapped_ha, 4),
            "n_sampled": n_sampled,
            **{name: np.where(known, np.round(values, 4), np.nan) for name, values in columns.items()},
            "basis": np.where(known, design, BASIS),
        }
    )


def _accuracy_rows(found: dict[str, Any], class_names: Sequence[str]) -> pd.DataFrame:
    rows: list[tuple[str, str | None, Any]] = [("overall_accuracy", None, found["overall_accuracy"])]
    rows += [(m, c, found["per_class"][c][m]) for m in ("users_accuracy", "producers_accuracy") for c in class_names]
    spans = [(m, c, *(min(max(s[key], 0.0), 1.0) for key in ("value", "low", "high"))) for m, c, s in rows if s]
    return pd.DataFrame(spans, columns=["measure", "class_name", "value", "low", "high"])

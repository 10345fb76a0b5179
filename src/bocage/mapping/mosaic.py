"""Maps of several tiles of one UTM zone -> one map. Reads rasters in bands of rows; writes COGs.

A pixel that several tiles map is taken whole from one of them, class, confidence and probabilities together:
`edge_distance` takes the tile whose edge is farthest from the pixel, since windows at an edge see less around them;
`first` the first by name. A tile that has not seen a pixel (255) leaves it to the others.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from rasterio.windows import Window as RasterWindow

from bocage.core.arrays import IGNORE, Int32, UInt8
from bocage.core.artifacts import read_json, write_json
from bocage.core.digest import digest_value
from bocage.core.errors import GridMismatch
from bocage.core.grid import Grid, Window, full_window, grid_bounds, grid_resolution_m, make_grid, same_lattice
from bocage.cubes.store import CubeStore
from bocage.mapping.areas import AreaCounts
from bocage.mapping.map_area import (
    CLASS_MAP,
    CONFIDENCE,
    ITEM,
    PARCELS,
    PROBABILITIES,
    RECORD,
    SCRATCH,
    digest_frame,
    read_finished,
    write_parcels,
    write_rasters,
    write_tables,
)
from bocage.mapping.options import MappingOptions, OverlapRule
from bocage.mapping.read import read_class_rows, read_regions
from bocage.mapping.stac import build_item
from bocage.models.predictor import Predictor


def join_grids(grids: Sequence[Grid]) -> tuple[Grid, list[Window]]:
    """The smallest grid that holds all of them, and where each lies in it.

    Raises:
        GridMismatch: if they do not share one projection and pixel lattice.
    """
    first = grids[0]
    if odd := [g for g in grids if not same_lattice(first, g)]:
        raise GridMismatch(f"{odd[0]} is not on the pixel lattice of {first}; a mosaic has one projection and lattice.")
    boxes = np.array([grid_bounds(g) for g in grids])
    size_m = grid_resolution_m(first)
    left, top = boxes[:, 0].min(), boxes[:, 3].max()
    shape = round((top - boxes[:, 1].min()) / size_m), round((boxes[:, 2].max() - left) / size_m)
    places = [
        Window(round((top - b[3]) / size_m), round((b[0] - left) / size_m), *full_window(g).shape)
        for g, b in zip(grids, boxes, strict=True)
    ]
    return make_grid(str(first.crs), float(left), float(top), size_m, shape), places


def merge_rows(parts: Sequence[tuple[UInt8, Window]], row: int, shape: tuple[int, int], rule: OverlapRule) -> UInt8:
    """Rows of a mosaic.

    Args:
        parts: of each tile its (layer, rows, columns) values of the rows it has here, the first layer deciding what is
            seen, and the tile's whole place in the mosaic.
        row: first row of the band in the mosaic.
        shape: (rows, columns) of the band.

    Returns:
        (layer, rows, columns).
    """
    n_layers = len(parts[0][0]) if parts else 1
    out = np.full((n_layers, *shape), IGNORE, np.uint8)
    best = np.zeros(shape, np.int32)
    for values, place in parts:
        first = max(place.row, row)
        here = slice(first - row, first - row + values.shape[1]), slice(place.col, place.col + place.width)
        rank = edge_distance(place, first, values.shape[1]) if rule == "edge_distance" else np.ones(1, np.int32)
        wins = (values[0] != IGNORE) & (rank > best[here])
        best[here] = np.where(wins, rank, best[here])
        out[(slice(None), *here)] = np.where(wins, values, out[(slice(None), *here)])
    return out


def edge_distance(place: Window, row: int, n_rows: int) -> Int32:
    """(n_rows, columns) pixels to the nearest edge of a tile, 1 at the edge, for the mosaic's rows from `row` on."""
    y, x = np.arange(row - place.row, row - place.row + n_rows), np.arange(place.width)
    down, across = np.minimum(y, place.height - 1 - y), np.minimum(x, place.width - 1 - x)
    distance: Int32 = (np.minimum(down[:, None], across) + 1).astype(np.int32)
    return distance


def mosaic_maps(
    tiles: Mapping[str, CubeStore],
    folder: Path,
    options: MappingOptions,
    *,
    predictor: Predictor,
    colors: Sequence[str],
    model: Mapping[str, Any],
) -> dict[str, Any]:
    """Join the maps of several tiles of one zone, unless that stands in the folder already.

    Args:
        tiles: name of the folder of `map_area`, beside `folder` -> the cube that it maps.
        folder: gets the same files as a map of one tile; each parcel has the vote of the tile with most of its pixels.
        options: those of the tiles' maps.
        model: as for `map_area`.

    Returns:
        The content of its map.json.

    Raises:
        GridMismatch: if the tiles do not share one projection and pixel lattice.
        NothingLeft: if regions are given and none lies on the mosaic.
    """
    class_names = predictor.class_names
    names = sorted(tiles)
    grid, places = join_grids([tiles[name].grid for name in names])
    regions = read_regions(options.areas_path, options.areas_name) if options.areas_path else None
    areas = AreaCounts(grid, regions)
    maps: list[Mapping[str, Any]] = [read_json(folder.parent / name / RECORD) for name in names]
    shown = [options, list(colors), None if regions is None else digest_frame(regions)]
    digests = [made["digest"] for made in maps]
    digest = None if None in digests else digest_value([names, digests, *shown])
    if (finished := read_finished(folder, digest)) is not None:
        return finished
    files_by_layer = {"classes": CLASS_MAP, "confidence": CONFIDENCE}
    if options.probabilities:
        files_by_layer["probabilities"] = PROBABILITIES
    with ExitStack() as stack:
        scratch = folder / SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)  # of a killed run
        scratch.mkdir(parents=True)
        stack.callback(shutil.rmtree, scratch)
        rasters = {
            layer: [stack.enter_context(rasterio.open(folder.parent / name / file)) for name in names]
            for layer, file in files_by_layer.items()
        }

        def read_rows(layer: str, row: int, n: int) -> UInt8:
            return _read_rows(
                rasters["classes"], rasters[layer], places, row, (n, int(grid.shape[1])), options.overlaps
            )

        files = write_rasters(
            folder,
            grid,
            read_rows,
            class_names=class_names,
            colors=colors,
            probabilities=options.probabilities,
            scratch=scratch,
        )
        for row, classes in read_class_rows(folder / CLASS_MAP):
            areas.add(row, classes)
        votes = [folder.parent / name / PARCELS for name in names]
        if frames := [gpd.read_parquet(path) for path in votes if path.is_file()]:
            files |= write_parcels(join_votes(frames), folder, scratch=scratch)
    files |= write_tables(folder, areas, class_names=class_names, colors=colors, model=model)
    cubes = [tiles[name] for name in names]
    item = build_item(
        folder.resolve().name,
        grid,
        np.unique(np.concatenate([cube.days for cube in cubes])),
        files,
        class_names=class_names,
        colors=colors,
        bands=predictor.bands,
        window_px=options.window_px,
        model=model,
        scenes=[scene for cube in cubes for scene in getattr(cube, "scenes", ())],
    )
    write_json(folder / ITEM, item)
    record = {
        "probabilities": None,
        "parcels": None,
        **files,
        "stac_item": ITEM,
        "tiles": names,
        "overlaps": options.overlaps,
        **areas.summary(class_names),
        "digest": digest,
        "mpx_per_s": round(sum(m["n_px"] for m in maps) / 1e6 / sum(m["seconds"] for m in maps), 4),
    }
    write_json(folder / RECORD, record)
    return record


def _read_rows(
    deciding: Sequence[rasterio.DatasetReader],
    wanted: Sequence[rasterio.DatasetReader],
    places: Sequence[Window],
    row: int,
    shape: tuple[int, int],
    rule: OverlapRule,
) -> UInt8:
    """Rows (layer, rows, columns) of a mosaic from the tiles' rasters; the classes decide whose a pixel is."""
    parts = []
    for classes, raster, place in zip(deciding, wanted, places, strict=True):
        first, last = max(row, place.row), min(row + shape[0], place.row + place.height)
        if first < last:
            window = RasterWindow(0, first - place.row, place.width, last - first)
            parts.append((np.concatenate([r.read(window=window) for r in (classes, raster)]), place))
    if not parts:
        return np.full((wanted[0].count, *shape), IGNORE, np.uint8)
    return merge_rows(parts, row, shape, rule)[1:]


def join_votes(votes: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Votes of several tiles in the CRS of the first; a parcel on several keeps the vote with most pixels."""
    together = pd.concat([v.to_crs(votes[0].crs) for v in votes], ignore_index=True)
    kept = together.sort_values("n_px", ascending=False, kind="stable").drop_duplicates("id").sort_index()
    return gpd.GeoDataFrame(kept.reset_index(drop=True), geometry="geometry", crs=votes[0].crs)

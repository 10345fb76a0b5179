"""Maps of several tiles of one UTM zone -> one map. Reads rasters in bands of rows; writes COGs.

A pixel that several tiles map is taken whole from one of them, class and confidence together: `edge_distance` takes the
tile whose edge is farthest from the pixel, since windows at an edge see less around them; `first` the first by name. A
tile that has not seen a pixel (255) leaves it to the others.
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
from bocage.core.artifacts import read_json, write_json, write_text
from bocage.core.errors import GridMismatch
from bocage.core.grid import Grid, Window, full_window, grid_bounds, grid_resolution_m, make_grid, same_lattice
from bocage.mapping.map_area import CLASS_MAP, CONFIDENCE, GEOPACKAGE, LEGEND, PARCELS, RECORD, SCRATCH, STYLE
from bocage.mapping.options import OverlapRule
from bocage.mapping.style import to_legend, to_qml
from bocage.mapping.write import BLOCK_PX, class_colormap, write_cog, write_geopackage, write_votes


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
    tiles: Sequence[Path], folder: Path, rule: OverlapRule, *, class_names: Sequence[str], colors: Sequence[str]
) -> dict[str, Any]:
    """Join the maps of several tiles of one zone.

    Args:
        tiles: folders of `map_area`; in the order of their names.
        folder: gets class_map.tif, confidence.tif, style, legend, the parcels (each with the vote of the tile that has
            most of its pixels) and map.json.

    Returns:
        The content of its map.json.

    Raises:
        GridMismatch: if the tiles do not share one projection and pixel lattice.
    """
    tiles = sorted(tiles, key=lambda tile: tile.name)
    px = np.zeros(256, np.int64)
    with ExitStack() as stack:
        scratch = folder / SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)  # of a killed run
        scratch.mkdir(parents=True)
        stack.callback(shutil.rmtree, scratch)
        rasters = [
            [stack.enter_context(rasterio.open(tile / name)) for name in (CLASS_MAP, CONFIDENCE)] for tile in tiles
        ]
        grid, places = join_grids(
            [make_grid(str(r.crs), r.bounds.left, r.bounds.top, r.res[0], r.shape) for r, _ in rasters]
        )
        width = int(grid.shape[1])

        def read_rows(row: int, n: int, layer: int) -> UInt8:
            parts = []
            for pair, place in zip(rasters, places, strict=True):
                first, last = max(row, place.row), min(row + n, place.row + place.height)
                if first < last:
                    window = RasterWindow(0, first - place.row, place.width, last - first)
                    parts.append((np.stack([r.read(1, window=window) for r in pair]), place))
            merged = merge_rows(parts, row, (n, width), rule)
            return merged[layer : layer + 1] if len(merged) > layer else merged

        write_cog(
            folder / CLASS_MAP,
            grid,
            lambda row, n: read_rows(row, n, 0),
            scratch=scratch,
            descriptions=["class"],
            overviews="MODE",
            colormap=class_colormap(colors),
            tags={f"CLASS_{i}": name for i, name in enumerate(class_names)},
        )
        write_cog(
            folder / CONFIDENCE,
            grid,
            lambda row, n: read_rows(row, n, 1),
            scratch=scratch,
            descriptions=["confidence in per cent"],
            overviews="AVERAGE",
        )
        with rasterio.open(folder / CLASS_MAP) as made:
            for row in range(0, made.height, BLOCK_PX):
                window = RasterWindow(0, row, width, min(BLOCK_PX, made.height - row))
                px += np.bincount(made.read(1, window=window).ravel(), minlength=256)
        files: dict[str, Any] = {"class_map": CLASS_MAP, "confidence_map": CONFIDENCE, "parcels": None}
        if votes := [gpd.read_parquet(tile / PARCELS) for tile in tiles if (tile / PARCELS).is_file()]:
            joined = join_votes(votes)
            write_votes(joined, folder / PARCELS, scratch=scratch)
            write_geopackage(joined, folder / GEOPACKAGE, scratch=scratch)
            files |= {"parcels": PARCELS, "parcels_gpkg": GEOPACKAGE}
    write_text(folder / STYLE, to_qml(class_names, colors))
    write_text(folder / LEGEND, to_legend(class_names, colors))
    speeds: list[Mapping[str, Any]] = [read_json(tile / RECORD) for tile in tiles]
    record = {
        **files,
        "style": STYLE,
        "legend": LEGEND,
        "tiles": [tile.name for tile in tiles],
        "overlaps": rule,
        "n_px": int(px.sum()),
        "n_unseen_px": int(px[IGNORE]),
        "px_by_class": {name: int(px[i]) for i, name in enumerate(class_names)},
        "mpx_per_s": round(sum(s["n_px"] for s in speeds) / 1e6 / sum(s["seconds"] for s in speeds), 4),
    }
    write_json(folder / RECORD, record)
    return record


def join_votes(votes: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Votes of several tiles in the CRS of the first; a parcel on several keeps the vote with most pixels."""
    together = pd.concat([v.to_crs(votes[0].crs) for v in votes], ignore_index=True)
    kept = together.sort_values("n_px", ascending=False, kind="stable").drop_duplicates("id").sort_index()
    return gpd.GeoDataFrame(kept.reset_index(drop=True), geometry="geometry", crs=votes[0].crs)

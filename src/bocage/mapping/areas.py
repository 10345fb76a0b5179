"""Class ids of a map, band by band -> pixels and hectares by class and region. Pure.

Areas are counts of pixels: what a model takes for maize is not all the maize there is. Only a probability sample of the
ground gives an area with an interval, so every row says what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from bocage.core.arrays import IGNORE, AnyArray, UInt8
from bocage.core.errors import NothingLeft
from bocage.core.grid import Grid, Window, footprint, grid_resolution_m, grid_window
from bocage.labels.rasterize import rasterize_ids
from bocage.mapping.parcels import touches

BASIS = "pixel counts, no design-based interval"
WHOLE, UNSEEN = "whole map", "no valid date"


class AreaCounts:
    """Pixels by class, of the whole map and of each region. A pixel lies where its centre lies; regions may overlap.

    Attributes:
        names: of the whole map, then of the regions that touch it.
        shapes: the regions' polygons in the grid's CRS.
        px: (1 + regions, 256) pixels by class id.
    """

    def __init__(self, grid: Grid, regions: gpd.GeoDataFrame | None) -> None:
        """
        Args:
            regions: polygons with a column `name`, in any CRS; None for the whole map alone.

        Raises:
            NothingLeft: if regions are given and none touches the grid.
        """
        self._grid = grid
        frame = regions if regions is not None else gpd.GeoDataFrame({"name": []}, geometry=[], crs="EPSG:4326")
        shapes = frame.geometry.to_crs(str(grid.crs)).to_numpy()
        chosen = touches(shapely.bounds(shapes).reshape(-1, 4), grid)
        if regions is not None and not chosen.any():
            raise NothingLeft(
                f"None of the {len(regions)} regions for areas touches the map (longitude/latitude "
                f"{np.round(footprint(grid).bounds, 3).tolist()}). Check mapping.areas_path."
            )
        self.shapes = shapes[chosen]
        self._bounds = shapely.bounds(self.shapes).reshape(-1, 4)
        self.names = (WHOLE, *map(str, frame["name"][chosen]))
        self.px = np.zeros((len(self.names), 256), np.int64)

    def add(self, row: int, classes: UInt8) -> None:
        """Count a band of rows: (rows, W) class ids from `row` on, 255 = unseen."""
        grid = grid_window(self._grid, Window(row, 0, *classes.shape))
        self.px[0] += np.bincount(classes.ravel(), minlength=256)
        one = np.ones(1, np.uint32)
        for i in np.flatnonzero(touches(self._bounds, grid)):
            inside, _ = rasterize_ids(self.shapes[i : i + 1], one, grid)
            self.px[i + 1] += np.bincount(classes[inside > 0], minlength=256)

    @property
    def state(self) -> dict[str, AnyArray]:
        """What the bands so far have added up to."""
        return {"area_px": self.px}

    def restore(self, state: Mapping[str, AnyArray]) -> None:
        """Go on from the `state` of an earlier run over the same regions."""
        self.px = state["area_px"].copy()

    def summary(self, class_names: Sequence[str]) -> dict[str, Any]:
        """Pixels of the whole map: n_px, n_unseen_px, px_by_class."""
        px = self.px[0]
        by_class = {name: int(px[i]) for i, name in enumerate(class_names)}
        return {"n_px": int(px.sum()), "n_unseen_px": int(px[IGNORE]), "px_by_class": by_class}

    def result(self, class_names: Sequence[str]) -> pd.DataFrame:
        """region, class_id, class_name, n_px, area_ha, basis: one row a region and class; id 255 is unseen land."""
        px_ha = grid_resolution_m(self._grid) ** 2 / 10_000  # m² a hectare
        ids = [*range(len(class_names)), IGNORE]
        names = [*class_names, UNSEEN]
        return pd.DataFrame(
            {
                "region": np.repeat(self.names, len(ids)),
                "class_id": np.tile(ids, len(self.names)),
                "class_name": np.tile(names, len(self.names)),
                "n_px": self.px[:, ids].ravel(),
                "area_ha": np.round(self.px[:, ids].ravel() * px_ha, 4),
                "basis": BASIS,
            }
        )

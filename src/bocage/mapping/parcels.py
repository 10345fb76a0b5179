"""Pixels of a map -> a vote for every parcel. Pure; grows band by band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from bocage.core.arrays import AnyArray, Bool, Float32, Float64, UInt8, UInt32
from bocage.core.errors import NothingLeft
from bocage.core.grid import Grid, Window, footprint, grid_bounds, grid_window
from bocage.core.tally import Tally
from bocage.labels.rasterize import rasterize_ids

KEPT = ("id", "number", "country", "year", "crop:code", "crop:name", "hcat:code", "hcat:name", "area")
DECLARED = {"class_id": "declared_class_id", "class_name": "declared_class"}


class ParcelVotes:
    """Votes of the parcels of a frame, whose pixels come band by band.

    A pixel belongs to the parcel over its centre, the last one of the frame where several overlap. Of equally frequent
    classes the one with the smaller id wins.
    """

    def __init__(self, frame: gpd.GeoDataFrame, grid: Grid, n_classes: int, *, n_elsewhere: int = 0) -> None:
        """
        Args:
            frame: parcels in any CRS, as the parcels room gives them; `class_name` is copied if there.
            n_elsewhere: parcels off the grid that the frame leaves out; they are counted.

        Raises:
            NothingLeft: if no parcel reaches the grid.
        """
        shapes = frame.geometry.to_crs(str(grid.crs)).to_numpy()
        inside = touches(shapely.bounds(shapes), grid)
        if not inside.any():
            where = gpd.GeoSeries(frame.geometry).to_crs("EPSG:4326").total_bounds
            raise NothingLeft(
                f"None of {len(frame)} parcels lies on the map. The parcels lie within longitude/latitude "
                f"{np.round(where, 3).tolist()}, the map within {np.round(footprint(grid).bounds, 3).tolist()}. "
                "Check the CRS of the parcels and the region."
            )
        self._frame, self._grid, self._shapes = frame[inside], grid, shapes[inside]
        self._n_outside = int((~inside).sum()) + n_elsewhere
        self._bounds = shapely.bounds(self._shapes)
        self._counts = np.zeros((len(self._shapes), n_classes), np.int64)
        self._sums = np.zeros((len(self._shapes), n_classes))

    def add(self, row: int, classes: UInt8, probabilities: Float32, seen: Bool) -> None:
        """Count a band of rows.

        Args:
            row: first row of the band.
            classes: (rows, W) predicted class ids.
            probabilities: (K, rows, W).
            seen: (rows, W), False pixels have no vote.
        """
        grid = grid_window(self._grid, Window(row, 0, *classes.shape))
        chosen = np.flatnonzero(touches(self._bounds, grid))
        numbers: UInt32 = (chosen + 1).astype(np.uint32)  # 0 is "no parcel"
        ids, _ = rasterize_ids(self._shapes[chosen], numbers, grid)
        voting = (ids > 0) & seen
        index, (n, k) = ids[voting].astype(np.int64) - 1, self._counts.shape
        self._counts += np.bincount(index * k + classes[voting], minlength=n * k).reshape(n, k)
        for c in range(k):
            self._sums[:, c] += np.bincount(index, weights=probabilities[c][voting], minlength=n)

    @property
    def state(self) -> dict[str, AnyArray]:
        """What the bands so far have added up to."""
        return {"vote_counts": self._counts, "vote_sums": self._sums}

    def restore(self, state: Mapping[str, AnyArray]) -> None:
        """Go on from the `state` of an earlier run over the same parcels."""
        self._counts, self._sums = state["vote_counts"].copy(), state["vote_sums"].copy()

    def result(self, class_names: Sequence[str]) -> tuple[gpd.GeoDataFrame, Tally]:
        """The parcels with at least one vote, in the frame's order and CRS.

        Returns:
            The frame's own columns; `declared_class_id` and `declared_class` if it had classes; `predicted_class_id`,
            `predicted_class`, the majority of the pixels; `confidence`, the mean probability of that class (0–1);
            `agreeing_fraction`, the share of pixels that vote for it (0–1); `mean_class` and `mean_confidence`, the
            class of the largest mean probability, which may differ from the majority; `second_class` and
            `second_confidence`, the class of the largest mean probability beside the predicted one; `n_px`; the
            geometry. And what was dropped.
        """
        n_px = self._counts.sum(1)
        voted = n_px > 0
        winner = self._counts.argmax(1)
        rows = np.arange(len(winner))
        columns = [c for c in (*KEPT, *DECLARED) if c in self._frame.columns]
        votes = pd.DataFrame(self._frame[columns]).rename(columns=DECLARED)
        votes["predicted_class_id"] = winner.astype(np.uint8)
        votes["predicted_class"] = np.array(class_names, dtype=object)[winner]
        votes["confidence"] = self._sums[rows, winner] / np.maximum(n_px, 1)
        votes["agreeing_fraction"] = self._counts[rows, winner] / np.maximum(n_px, 1)
        means = self._sums / np.maximum(n_px, 1)[:, None]
        others = means.copy()
        others[rows, winner] = -1
        for name, choice in (("mean", means.argmax(1)), ("second", others.argmax(1))):
            votes[f"{name}_class"] = np.array(class_names, dtype=object)[choice]
            votes[f"{name}_confidence"] = means[rows, choice]
        votes["n_px"] = n_px
        kept = gpd.GeoDataFrame(votes, geometry=self._frame.geometry.to_numpy(), crs=self._frame.crs)[voted]
        dropped = {
            "outside the map": self._n_outside,
            "no pixel with a valid date": int((~voted).sum()),
        }
        return kept.reset_index(drop=True), Tally(int(voted.sum()), dropped)


def touches(bounds: Float64, grid: Grid) -> Bool:
    """Which boxes (N, 4: left, bottom, right, top in the grid's CRS) touch a grid; NaN touches nothing."""
    left, bottom, right, top = grid_bounds(grid)
    x0, y0, x1, y1 = bounds.T
    touching: Bool = (x0 < right) & (x1 > left) & (y0 < top) & (y1 > bottom)
    return touching

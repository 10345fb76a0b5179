"""A Predictor over a cube -> blended class probabilities, band of rows by band of rows. Reads the cube; writes nothing.

Memory holds one window of the cube and one band of probabilities, whatever the height of the area.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bocage.core.arrays import Bool, Float32, Int32
from bocage.core.errors import DataError, MissingBand
from bocage.core.grid import Window
from bocage.core.progress import bar
from bocage.cubes.store import CubeStore
from bocage.mapping.options import MappingOptions
from bocage.mapping.tiles import plan_axis
from bocage.models.predictor import Predictor, reach_of

DATES_AT_ONCE = 4  # dates of one window that a single-date model predicts together


@dataclass(frozen=True)
class MapBand:
    """Finished rows of the map.

    Attributes:
        row: first row.
        probabilities: (K, rows, W) float32, summing to one where `seen`.
        seen: (rows, W) bool, True where at least one date is valid.
        n_done: rows of windows that are predicted so far.
        pending: (K, rows, W) float32, what they have added to the rows below; `predict_bands` can go on from it.
    """

    row: int
    probabilities: Float32
    seen: Bool
    n_done: int
    pending: Float32


def check_model(predictor: Predictor, cube: CubeStore) -> None:
    """Refuse a cube that lacks a band or has another number of dates than the model takes.

    Raises:
        MissingBand, DataError: with what both sides have.
    """
    if missing := [b for b in predictor.bands if b not in cube.bands]:
        raise MissingBand(
            f"The model reads {', '.join(predictor.bands)}, but the cube has {', '.join(cube.bands)}; "
            f"missing: {', '.join(missing)}. Build the cube with these bands."
        )
    if predictor.n_dates not in (None, 1, len(cube.days)):
        raise DataError(
            f"The model takes {predictor.n_dates} dates, but the cube has {len(cube.days)}. "
            "Map a cube of the same dates, or a single-date model."
        )


def predict_bands(
    predictor: Predictor, cube: CubeStore, options: MappingOptions, *, n_done: int = 0, pending: Float32 | None = None
) -> Iterator[MapBand]:
    """Predict in overlapping windows, blend, and give rows away as soon as no later window touches them.

    Args:
        n_done: rows of windows to leave out, since an earlier call has predicted them.
        pending: of the last band of that call.
    """
    height, width = (int(n) for n in cube.grid.shape)
    n_classes = len(predictor.class_names)
    reach = reach_of(predictor)
    rows, cols = (plan_axis(n, options.window_px, options.overlap_px, reach_px=reach) for n in (height, width))
    pending = np.zeros((n_classes, 0, width), np.float32) if pending is None else pending
    with bar("Mapping", len(rows) * len(cols), unit="windows") as progress:
        progress.advance(n_done * len(cols))
        for number, tile in enumerate(rows[n_done:], n_done + 1):
            total = np.zeros((n_classes, tile.size, width), np.float32)
            total[:, : pending.shape[1]] = pending
            seen = np.zeros((tile.size, width), bool)
            for col in cols:
                window = Window(tile.start, col.start, tile.size, col.size)
                probabilities, valid = predict_window(predictor, cube, window)
                probabilities *= tile.weights[:, None] * col.weights
                total[:, :, col.span] += probabilities
                seen[:, col.span] |= valid
                progress.advance()
            n = (rows[number].start if number < len(rows) else height) - tile.start
            pending = total[:, n:].copy()
            yield MapBand(tile.start, total[:, :n], seen[:n], number, pending)


def predict_window(predictor: Predictor, cube: CubeStore, window: Window) -> tuple[Float32, Bool]:
    """Probabilities (K, h, w) of one window and where any date is valid; 0 elsewhere.

    A series model sees all dates at once. A single-date model sees them one by one: a pixel gets the mean over the
    dates on which it is valid.
    """
    part = cube.read(window)
    valid: Bool = part.valid
    seen: Bool = np.asarray(valid.any(0))
    if not seen.any():
        return np.zeros((len(predictor.class_names), *window.shape), np.float32), seen
    order = [cube.bands.index(b) for b in predictor.bands]
    image = np.where(valid[:, None], part.reflectance[:, order], np.float32(0))
    if predictor.n_dates == 1:
        probabilities = _mean_over_dates(predictor, image, valid, part.days)
    else:
        probabilities = predictor.predict_proba(image[None], valid[None], part.days[None])[0]
    return np.where(seen, probabilities, np.float32(0)), seen


def _mean_over_dates(predictor: Predictor, image: Float32, valid: Bool, days: Int32) -> Float32:
    """Mean of the probabilities of each date, weighed by validity; dates without a valid pixel are not predicted."""
    dates = np.flatnonzero(valid.any((1, 2)))
    total = np.zeros((len(predictor.class_names), *valid.shape[1:]), np.float32)
    for start in range(0, len(dates), DATES_AT_ONCE):
        some = dates[start : start + DATES_AT_ONCE]
        probabilities = predictor.predict_proba(image[some, None], valid[some, None], days[some, None])
        total += (probabilities * valid[some, None]).sum(0)
    mean: Float32 = total / np.maximum(valid.sum(0), 1).astype(np.float32)
    return mean

"""One band's own grid -> the cube's grid. Pure.

Coarser bands lie on the same lattice: a 20 m pixel covers exactly 2 × 2 pixels of 10 m. So they are read as they are
and repeated (or interpolated) here, which is exact and faster than a resampled read. A band that reaches past the grid
is cropped; where it falls short the result is 0, no-data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from bocage.core.arrays import Float64, Int64, UInt16
from bocage.core.errors import GridMismatch
from bocage.core.grid import Grid, Window

_TOLERANCE_PX = 1e-3
_SATURATED = 65535
MARGIN_PX = {"nearest": 0, "bilinear": 1, "cubic": 2}  # pixels of the band that count on each side


@dataclass(frozen=True)
class Alignment:
    """How a band's pixels come to the grid.

    Attributes:
        window: the pixels of the band to read.
        factor: pixels of the grid along one side of a pixel of the band.
        row, col: where the window's upper-left corner lies on the grid, in pixels of the grid; negative if outside.
    """

    window: Window
    factor: int
    row: int
    col: int


def plan_alignment(native: Grid, grid: Grid, *, margin_px: int = 0) -> Alignment | None:
    """Which pixels of a band to read for a grid, and where they go; None if the two do not overlap.

    Args:
        native: the band's grid.
        grid: the cube's grid, on the same lattice and at most as coarse.
        margin_px: pixels of the band to read around those needed, where there are any; interpolation needs 1.

    Raises:
        GridMismatch: if the band is finer than the grid, or not on its lattice.
    """
    ratio = native.affine.a / grid.affine.a
    factor = round(ratio)
    row, col = (native.affine.f - grid.affine.f) / grid.affine.e, (native.affine.c - grid.affine.c) / grid.affine.a
    off = max(abs(ratio - factor), abs(row - round(row)), abs(col - round(col)))
    if native.crs != grid.crs or factor < 1 or off > _TOLERANCE_PX:
        raise GridMismatch(f"A band on {_describe(native)} does not fit the lattice of {_describe(grid)}.")
    (top, bottom), (left, right) = (
        _needed(round(origin), factor, n_native, n_grid, margin_px)
        for origin, n_native, n_grid in zip((row, col), native.shape, grid.shape, strict=True)
    )
    if top >= bottom or left >= right:
        return None
    window = Window(top, left, bottom - top, right - left)
    return Alignment(window, factor, round(row) + top * factor, round(col) + left * factor)


def _needed(origin: int, factor: int, n_native: int, n_grid: int, margin_px: int) -> tuple[int, int]:
    """First and one-past-last pixel of the band that touches the grid, along one axis."""
    first, last = max(0, -origin // factor), min(n_native, -(-(n_grid - origin) // factor))
    if first >= last:
        return 0, 0
    return max(0, first - margin_px), min(n_native, last + margin_px)


def repeat_onto(native: UInt16, alignment: Alignment, out: UInt16) -> None:
    """Nearest neighbour: every pixel of the band fills its factor × factor pixels of `out`. The rest of `out` stays."""
    _repeat(native, alignment.factor, alignment.row, alignment.col, out)


def interpolate_onto(native: UInt16, alignment: Alignment, out: UInt16, *, method: str = "bilinear") -> None:
    """Between pixel centres, rounded to whole numbers. The rest of `out` stays.

    No-data (0) and saturation (65535) are no values to mix: a pixel inside one keeps it, and elsewhere they are left
    out of the mean. Past the band's edge its outermost pixels go on.

    Args:
        method: "bilinear", or "cubic": Keys 1981, IEEE Transactions on Acoustics 29, with a = −0.5. Cubic may overshoot
            beside an edge; it stays a number, never no-data or saturation.
    """
    first, weights = interpolation_weights(alignment.factor, method)
    _interpolate(native, alignment.factor, alignment.row, alignment.col, first, weights, out)


def interpolation_weights(factor: int, method: str) -> tuple[Int64, Float64]:
    """For each of the `factor` positions inside a pixel of the band: (factor,) the first pixel that counts, relative to
    that pixel, and (factor, taps) the weights from there on, which sum to 1."""
    position = (np.arange(factor) + 0.5) / factor - 0.5  # in pixels of the band, from the centre of the pixel
    n_taps = 2 * MARGIN_PX[method]
    first = np.floor(position).astype(np.int64) - (n_taps // 2 - 1)
    distance = np.abs(position[:, None] - (first[:, None] + np.arange(n_taps)))
    if method == "bilinear":
        return first, 1.0 - distance
    near, far = 1.5 * distance**3 - 2.5 * distance**2 + 1, -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    return first, np.where(distance <= 1, near, far)


@numba.njit(nogil=True, cache=True)
def _repeat(native: UInt16, factor: int, row: int, col: int, out: UInt16) -> None:
    height, width = out.shape
    for i in range(native.shape[0]):
        top, bottom = max(row + i * factor, 0), min(row + (i + 1) * factor, height)
        if top >= bottom:
            continue
        for j in range(native.shape[1]):
            value = native[i, j]
            for x in range(max(col + j * factor, 0), min(col + (j + 1) * factor, width)):
                out[top, x] = value
        left, right = max(col, 0), min(col + native.shape[1] * factor, width)
        for y in range(top + 1, bottom):
            out[y, left:right] = out[top, left:right]


@numba.njit(nogil=True, cache=True)
def _interpolate(native: UInt16, factor: int, row: int, col: int, first: Int64, weights: Float64, out: UInt16) -> None:
    n_rows, n_cols = native.shape
    n_taps = weights.shape[1]
    for y in range(max(row, 0), min(row + n_rows * factor, out.shape[0])):
        i, phase_y = divmod(y - row, factor)
        for x in range(max(col, 0), min(col + n_cols * factor, out.shape[1])):
            j, phase_x = divmod(x - col, factor)
            own = native[i, j]
            if own == 0 or own == _SATURATED:
                out[y, x] = own
                continue
            total, used = 0.0, 0.0
            for a in range(n_taps):
                k = min(max(i + first[phase_y] + a, 0), n_rows - 1)
                for b in range(n_taps):
                    value = native[k, min(max(j + first[phase_x] + b, 0), n_cols - 1)]
                    if value != 0 and value != _SATURATED:
                        weight = weights[phase_y, a] * weights[phase_x, b]
                        total += weight * value
                        used += weight
            out[y, x] = np.uint16(min(max(total / used + 0.5, 1.0), _SATURATED - 1.0))


def _describe(grid: Grid) -> str:
    a = grid.affine
    return f"{grid.shape[0]} × {grid.shape[1]} pixels of {a.a:g} m from ({a.c:g}, {a.f:g}) in {grid.crs}"

"""Numbers of a date -> stored reflectance and flags, part by part, from top to bottom. Pure."""

from __future__ import annotations

from functools import partial

import numba
import numpy as np

from bocage.core.arrays import Int16, UInt8, UInt16
from bocage.core.threads import even_parts, side_by_side
from bocage.cubes.quality import RIPPLE_DN, dilate, grow_nodata, to_flags
from bocage.cubes.radiometry import MOST_STORED, NODATA_DN, SATURATED_DN

# marks: what the numbers of a pixel say before its neighbours are looked at; dim: some visible band is not bright
MARK_NODATA, MARK_LOW, MARK_SATURATED, MARK_DIM, MARK_UNCLEAR = (np.uint8(1 << i) for i in range(5))


def convert_band(dn: UInt16, table: Int16, dim_to: int, stored: Int16, marks: UInt8) -> None:
    """One band (y, x) through the table of reflectance into `stored`; what its numbers say of a pixel into `marks`.

    Args:
        dim_to: stored reflectance up to this is dim; −32769 for bands that do not tell.
    """
    look_up = partial(_look_up_rows, dn, table, _mark_table(table, dim_to), stored, marks)
    side_by_side(look_up, even_parts(len(dn)))


def _mark_table(table: Int16, dim_to: int) -> UInt8:
    """(65536,) the marks of every number."""
    number = np.arange(len(table))
    marks = np.where(table <= dim_to, MARK_DIM, 0) | np.where(number <= RIPPLE_DN, MARK_LOW, 0)
    marks[(number > RIPPLE_DN) & ((number == SATURATED_DN) | (table == MOST_STORED))] |= MARK_SATURATED
    marks[NODATA_DN] |= MARK_NODATA
    return marks.astype(np.uint8)


@numba.njit(nogil=True, cache=True)
def _look_up_rows(
    dn: UInt16, table: Int16, mark_table: UInt8, stored: Int16, marks: UInt8, first: int, last: int
) -> None:
    for row in range(first, last):
        for col in range(dn.shape[1]):
            number = dn[row, col]
            stored[row, col] = table[number]
            marks[row, col] |= mark_table[number]


class FlagStream:
    """Flags of a date whose rows come from top to bottom; a row is flagged when all rows that reach it are there.

    So the flags do not depend on where the date is cut, and memory holds the rows last given.

    Args:
        radius_px: how far an unclear pixel reaches; see `dilate`.
        step: flags come in multiples of so many rows, but for the last.
    """

    def __init__(self, width: int, radius_px: float, step: int) -> None:
        self._radius_px, self._reach, self._step = radius_px, max(1, int(radius_px)), step  # no-data reaches one row
        self._held = np.zeros((0, width), np.uint8)  # marks of rows that still matter
        self._held_from = 0  # the first of these rows
        self.n_flagged = 0  # rows flagged so far

    def add(self, marks: UInt8, *, last: bool) -> UInt8:
        """The (y, x) marks of the next rows. Returns the (y, x) flags of the rows from `n_flagged`, as it was, on."""
        held = np.concatenate([self._held, marks])
        n_given = self._held_from + len(held)
        end = n_given if last else max(self.n_flagged, (n_given - self._reach) // self._step * self._step)
        flags = to_flags(
            nodata=grow_nodata((held & MARK_NODATA) != 0, (held & MARK_LOW) != 0),
            saturated=(held & MARK_SATURATED) != 0,
            unclear=dilate((held & MARK_UNCLEAR) != 0, self._radius_px),
            bright=(held & MARK_DIM) == 0,
        )[self.n_flagged - self._held_from : end - self._held_from]
        first = max(end - self._reach, self._held_from)
        self._held = held[first - self._held_from :].copy()
        self._held_from, self.n_flagged = first, end
        return flags

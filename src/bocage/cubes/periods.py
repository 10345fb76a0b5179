"""Options and a season -> the periods that composites are made for. Pure.

The periods follow from the options and the season alone, never from which dates a tile happens to have, so that every
cube of an experiment has the same number of dates. A period without data stays in the cube, invalid.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from bocage.core.arrays import Int32
from bocage.core.errors import ConfigError
from bocage.cubes.options import CubeOptions

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Period:
    """A stretch of days, both ends included."""

    first: date
    last: date

    @property
    def name(self) -> str:
        """Such as "2018-04-01/2018-04-30"."""
        return f"{self.first}/{self.last}"

    @property
    def middle_day(self) -> int:
        """Days since 1970-01-01 of the day in the middle, the earlier of two."""
        return (self.first_day + self.last_day) // 2

    @property
    def first_day(self) -> int:
        """Days since 1970-01-01."""
        return (self.first - _EPOCH).days

    @property
    def last_day(self) -> int:
        """Days since 1970-01-01."""
        return (self.last - _EPOCH).days

    def holds(self, day: int) -> bool:
        """Whether a day (since 1970-01-01) lies in it."""
        return self.first_day <= day <= self.last_day


def plan_periods(
    options: CubeOptions, season: tuple[date, date] | None, days: Sequence[int] | Int32
) -> tuple[Period, ...]:
    """The periods of every cube of an experiment, in order; none without a composite.

    Args:
        options: which composite, and the periods if they are given one by one.
        season: its months are the periods of monthly composites, its stretches of `every_days` those of `days_…`, the
            last one cut at its end; None: the years that the scenes are of.
        days: sensing days of all scenes, since 1970-01-01.

    Raises:
        ConfigError: if there is neither a season nor a scene to know the year by.
    """
    if options.over == "none":
        return ()
    if options.over == "period":
        return tuple(Period(first, last) for first, last in options.periods)
    if season is None:
        if len(days) == 0:
            raise ConfigError("Composites over the year need one: set scenes.season, or choose scenes that exist.")
        years = [(_EPOCH + timedelta(days=int(day))).year for day in (np.min(days), np.max(days))]
        season = date(years[0], 1, 1), date(years[1], 12, 31)
    return _months(*season) if options.every_days is None else _stretches(*season, options.every_days)


def _stretches(first: date, last: date, n_days: int) -> tuple[Period, ...]:
    """Every `n_days` days from the first one on; the last stretch ends with the last day."""
    starts = [first + timedelta(days=n) for n in range(0, (last - first).days + 1, n_days)]
    return tuple(Period(start, min(start + timedelta(days=n_days - 1), last)) for start in starts)


def _months(first: date, last: date) -> tuple[Period, ...]:
    """The whole months from that of one day to that of another."""
    numbers = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
    months = [(number // 12, number % 12 + 1) for number in numbers]
    return tuple(Period(date(y, m, 1), date(y, m, calendar.monthrange(y, m)[1])) for y, m in months)

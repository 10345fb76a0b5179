"""Seasons and weather -> what share of each unit is green, dry or in flower on a day. Pure.

A unit is a field, or one stand of its surroundings (a wood, a roof). Each has its own dates, drawn once a year around
those of its season; the country's latitude, the year's weather and the field shift them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bocage.core.arrays import Float32, Float64
from bocage.synthetic.crops import COVERS

MAX_CUTS = 4
# Spring and harvest come about three days later per degree of latitude northwards (Hopkins' bioclimatic law: four
# days a degree, of which autumn-sown crops show less).
DAYS_PER_DEGREE = 3.0
REFERENCE_LATITUDE = 45.0


@dataclass(frozen=True)
class Weather:
    """One year in one country: an early or late spring in days, summer dryness 0–1."""

    shift_days: float
    dryness: float


@dataclass(frozen=True)
class Calendar:
    """Dates and covers of every unit, one array entry a unit. Days of the year; covers 0–1.

    `cut_day` is (units, MAX_CUTS); a day beyond the year means no cut. `flower_share` is 0 without a flowering.
    """

    pre_cover: Float64
    sowing: Float64
    winter_cover: Float64
    green_up: Float64
    green_up_days: Float64
    max_cover: Float64
    senescence: Float64
    senescence_days: Float64
    harvest: Float64
    residue: Float64
    tillage: Float64
    regrowth: Float64
    undergrowth: Float64
    grass_dip: Float64
    cut_day: Float64
    flower_day: Float64
    flower_half_days: Float64
    flower_share: Float64


def draw_weather(rng: np.random.Generator, dryness: float) -> Weather:
    """Weather of one year: spring comes up to about two weeks early or late, summers differ."""
    return Weather(float(rng.normal(0, 5)), float(np.clip(rng.normal(dryness, 0.1), 0.02, 0.95)))


def draw_seasons(rng: np.random.Generator, covers: list[str]) -> list[int]:
    """A season (its place in `Cover.seasons`) for every unit, by weight."""
    draws = rng.random(len(covers))
    chosen = []
    for name, draw in zip(covers, draws, strict=True):
        weights = np.cumsum([season.weight for season in COVERS[name].seasons])
        chosen.append(int(np.searchsorted(weights / weights[-1], draw, side="right")))
    return chosen


def draw_calendar(
    rng: np.random.Generator, covers: list[str], seasons: list[int], weather: Weather, latitude: float
) -> Calendar:
    """Dates of every unit: its season's, shifted by latitude, weather and the field's own habit."""
    n = len(covers)
    kinds = [COVERS[name].seasons[place] for name, place in zip(covers, seasons, strict=True)]
    flowers = [COVERS[name].flower for name in covers]
    spread = np.array([COVERS[name].spread_days for name in covers])

    def table(field: str) -> Float64:
        return np.array([getattr(kind, field) for kind in kinds], dtype=np.float64)

    climate = DAYS_PER_DEGREE * (latitude - REFERENCE_LATITUDE) + weather.shift_days
    field_shift = spread * rng.normal(size=n)
    shift = climate + field_shift
    green_up = table("green_up") + shift + 0.4 * spread * rng.normal(size=n)
    senescence = table("senescence") + shift + 0.4 * spread * rng.normal(size=n) - 12 * (weather.dryness - 0.4)
    harvest = table("harvest") + shift + 3 * rng.normal(size=n)
    bell = np.clip(rng.normal(1, 0.08, size=n), 0.7, 1.25)  # how well the stand came up
    cut_day = np.full((n, MAX_CUTS), 1e4)
    n_cuts = rng.integers(0, np.array([kind.cuts for kind in kinds]) + 1)
    first_cut = 128 + shift + 14 * rng.normal(size=n)
    for k in range(MAX_CUTS):
        day = first_cut + k * (38 + 8 * rng.normal(size=n))
        cut_day[:, k] = np.where(k < n_cuts, day, 1e4)
    return Calendar(
        pre_cover=np.clip(table("pre_cover") * rng.gamma(1.0, 1.0, size=n), 0, 0.85),
        sowing=table("sowing") + shift,
        winter_cover=np.clip(table("winter_cover") * np.exp(0.4 * rng.normal(size=n)), 0, 0.8),
        green_up=green_up,
        green_up_days=table("green_up_days") * np.exp(0.12 * rng.normal(size=n)),
        max_cover=np.clip(table("max_cover") * bell, 0, 0.98),
        senescence=senescence,
        senescence_days=table("senescence_days") * np.exp(0.15 * rng.normal(size=n)),
        harvest=harvest,
        residue=np.clip(table("residue") * np.exp(0.25 * rng.normal(size=n)), 0, 0.95),
        tillage=np.maximum(table("tillage") + climate + 22 * rng.normal(size=n), harvest + 2),
        regrowth=np.clip(table("regrowth") * rng.gamma(1.0, 1.0, size=n), 0, 0.8),
        undergrowth=np.clip(table("undergrowth") * np.exp(0.35 * rng.normal(size=n)), 0, 0.95),
        grass_dip=np.clip(weather.dryness * np.exp(0.45 * rng.normal(size=n)), 0, 0.95),
        cut_day=cut_day,
        flower_day=np.array([f.day if f else 0.0 for f in flowers]) + shift,
        flower_half_days=np.array([f.half_days if f else 1.0 for f in flowers]),
        flower_share=np.array([f.share if f else 0.0 for f in flowers]) * np.clip(rng.normal(1, 0.12, size=n), 0, 1.3),
    )


def covers_on(calendar: Calendar, day: float) -> tuple[Float32, Float32, Float32]:
    """Shares of each unit that are green canopy, dry matter and flowers on a day of the year.

    Returns:
        Three float32 arrays (units,), each 0–1; green + dry + flower ≤ 1 and the rest is bare ground.
    """
    c = calendar
    alive = 1 - _logistic(day, c.senescence, c.senescence_days)
    standing = c.winter_cover + np.maximum(c.max_cover - c.winter_cover, 0) * _logistic(
        day, c.green_up, c.green_up_days
    )
    unharvested = 1 - _logistic(day, c.harvest, 1.5)
    tilled = _logistic(day, c.tillage, 1.5)
    green = standing * alive * unharvested + c.pre_cover * (1 - _logistic(day, c.sowing, 2.0))
    green = green + c.regrowth * _logistic(day, c.harvest + 35, 9.0) * (1 - tilled)
    dry = standing * (1 - alive) * (unharvested + (1 - unharvested) * c.residue) * (1 - tilled)
    thirst = c.grass_dip * (_logistic(day, 158.0, 11.0) - _logistic(day, 268.0, 12.0))
    grass = c.undergrowth * (0.78 + 0.22 * _logistic(day, 80.0, 10.0))
    green, dry = green + grass * (1 - thirst), dry + 0.75 * grass * thirst
    since_cut = day - c.cut_day
    stubble = np.where(since_cut >= 0, np.exp(-np.maximum(since_cut, 0) / 16.0), 0).max(axis=1)
    dry, green = dry + 0.25 * stubble * green, green * (1 - 0.6 * stubble)
    total = np.maximum(green + dry, 1e-6)
    scale = np.minimum(1.0, 0.985 / total)
    green, dry = green * scale, dry * scale
    flower = green * np.clip(c.flower_share * np.exp(-(((day - c.flower_day) / c.flower_half_days) ** 2)), 0, 0.9)
    return (green - flower).astype(np.float32), dry.astype(np.float32), flower.astype(np.float32)


def _logistic(day: float, middle: Float64 | float, days: Float64 | float) -> Float64:
    """From 0 to 1 around `middle`; `days` is the time constant."""
    return np.asarray(1 / (1 + np.exp(-np.clip((day - middle) / days, -60, 60))))

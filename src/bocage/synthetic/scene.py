"""Landscape + crops + calendar + sky -> every band of one date. Pure.

`Country` work that does not depend on the date is done once (`grow`), then `photograph` is called a date at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from bocage.core.arrays import Float32, Float64, UInt8
from bocage.core.bands import BANDS
from bocage.core.seeds import generator
from bocage.synthetic.clouds import Sky, Sun, cirrus_band, classify_scene, draw_sky, sun_on, through_sky
from bocage.synthetic.countries import Country
from bocage.synthetic.crops import CROPS, SURFACE_BANDS
from bocage.synthetic.landscape import CELL_M, Landscape
from bocage.synthetic.noise import smooth_noise
from bocage.synthetic.optics import Looks, add_noise, draw_looks, mix, moisten, observe, shrink, top_of_atmosphere
from bocage.synthetic.phenology import Calendar, covers_on, draw_calendar, draw_seasons, draw_weather

REGISTRATION_M = 1.5  # standard deviation of a product's shift; about 3 m at 95 %, as refined products have


@dataclass(frozen=True)
class Growth:
    """One year on one landscape: what grows where, when, and how it looks.

    `crops` and `seasons` are per field: cover name, and its season's name. Vigour and soil textures are on 5 m cells.
    """

    country: Country
    landscape: Landscape
    year: int
    crops: tuple[str, ...]
    seasons: tuple[str, ...]
    calendar: Calendar
    looks: Looks
    vigour: Float32
    soil: Float32
    wetness: Float64


@dataclass(frozen=True)
class Conditions:
    """When and under what sky a product is taken."""

    day: date
    cloud_fraction: float
    hazy: bool
    swath_edge: bool
    sensor_noise: float


@dataclass(frozen=True)
class Scene:
    """One date: reflectance of every band on its own grid, scene classification, sky.

    Attributes:
        reflectance: band -> float32 (y, x) surface reflectance at native resolution; no-data is told by `seen`.
        top: band -> the same above the atmosphere, all 13 bands; None unless asked for.
        scl: uint8 on the 20 m grid.
        sky: the truth about clouds, 10 m.
    """

    reflectance: dict[str, Float32]
    top: dict[str, Float32] | None
    scl: UInt8
    sky: Sky
    sun: Sun


def choose_crops(landscape: Landscape, country: Country, year: int, seed: int) -> list[str]:
    """The crop of every field. Lasting crops stay from year to year; pasture likes damp ground, vines dry ground."""
    lasting = {c.name for c in CROPS if c.lasting}
    taste = {"pasture": 0.7, "vineyard": -0.9, "orchard": -0.4, "maize": 0.3}
    names = [crop.name for crop in CROPS]
    shares = np.array([crop.share * country.preferences.get(crop.name, 1.0) for crop in CROPS])
    weights = shares * np.exp(np.outer(landscape.damp, [taste.get(name, 0.0) for name in names]))

    def draw(rng: np.random.Generator, table: Float64) -> list[str]:
        limits = np.cumsum(table, axis=1) / table.sum(axis=1, keepdims=True)
        return [names[k] for k in (rng.random((len(table), 1)) > limits).sum(axis=1)]

    settled = draw(generator(seed, country.code, "lasting crops"), weights)
    annual = np.where([name in lasting for name in names], 0, weights)
    yearly = draw(generator(seed, country.code, year, "crops"), annual)
    return [first if first in lasting else second for first, second in zip(settled, yearly, strict=True)]


def grow(landscape: Landscape, country: Country, year: int, seed: int) -> Growth:
    """One crop year: crops, dates, spectra and textures."""
    rng = generator(seed, country.code, year, "growth")
    crops = choose_crops(landscape, country, year, seed)
    covers = [*crops, *landscape.surroundings]
    seasons = draw_seasons(rng, covers)
    weather = draw_weather(generator(seed, country.code, year, "weather"), country.dryness)
    calendar = draw_calendar(rng, covers, seasons, weather, country.latitude)
    by_name = {crop.name: crop for crop in CROPS}
    land = generator(seed, country.code, "ground")
    return Growth(
        country=country,
        landscape=landscape,
        year=year,
        crops=tuple(crops),
        seasons=tuple(
            by_name[crop].seasons[place].name for crop, place in zip(crops, seasons[: len(crops)], strict=True)
        ),
        calendar=calendar,
        looks=draw_looks(rng, covers),
        vigour=_vigour(rng, land, landscape),
        soil=_soil(land, landscape.units.shape),
        wetness=np.clip(0.15 * np.concatenate([landscape.damp, np.zeros(len(landscape.surroundings))]), -0.3, 0.3),
    )


def photograph(growth: Growth, conditions: Conditions, seed: int, *, with_top: bool = False) -> Scene:
    """Take one product: mix, blur, cloud, add noise. The same seed, year and date give the same product."""
    country, day = growth.country, conditions.day
    rng = generator(seed, country.code, day.isoformat(), "scene")
    day_of_year = day.timetuple().tm_yday
    shape = (int(growth.landscape.grid.shape[0]), int(growth.landscape.grid.shape[1]))
    sun = sun_on(day_of_year, country.latitude)
    sky = draw_sky(
        generator(seed, country.code, day.isoformat(), "sky"),
        shape,
        sun,
        cloud_fraction=conditions.cloud_fraction,
        hazy=conditions.hazy,
        swath_edge=conditions.swath_edge,
    )
    shift_m = (float(rng.normal(0, REGISTRATION_M)), float(rng.normal(0, REGISTRATION_M)))
    residual = {band: (float(rng.normal(1, 0.015)), float(rng.normal(0, 0.002))) for band in SURFACE_BANDS}
    moisture = float(rng.beta(1.2, 3.2))

    reflectance, top = {}, dict[str, Float32]()
    for band, surface in surfaces(growth, day_of_year, moisture, rng):
        gain, bias = residual[band]
        fine = BANDS[band].resolution_m == 10
        seen = observe(surface, CELL_M, band, shift_m) if fine else shrink(surface, 2)
        clouded = through_sky(seen * np.float32(gain) + np.float32(bias), band, sky)
        image = clouded if fine else observe(clouded, 10, band, shift_m)
        noise = generator(seed, country.code, day.isoformat(), "noise", band)
        reflectance[band] = add_noise(noise, image, band, conditions.sensor_noise)
        if with_top:
            top[band] = top_of_atmosphere(reflectance[band], band)
    if with_top:
        noise = generator(seed, country.code, day.isoformat(), "noise", "B10")
        top["B10"] = add_noise(noise, observe(cirrus_band(sky), 10, "B10", (0, 0)), "B10", conditions.sensor_noise)
    scl = classify_scene(
        generator(seed, country.code, day.isoformat(), "scl"),
        sky,
        shrink(reflectance["B04"], 2),
        reflectance["B8A"],
        shrink(reflectance["B02"], 2),
        _share(growth.landscape, "water"),
    )
    return Scene(reflectance, {band: top[band] for band in BANDS} if with_top else None, scl, sky, sun)


def surfaces(
    growth: Growth, day_of_year: int, moisture: float, rng: np.random.Generator
) -> Iterator[tuple[str, Float32]]:
    """(band, reflectance on 5 m cells) of a cloudless ground; `moisture` 0–1 is that of the topsoil on this day."""
    shape, looks = growth.landscape.units.shape, growth.looks
    green, dry, flower = covers_on(growth.calendar, day_of_year)
    wet = np.clip(moisture + growth.wetness + rng.normal(0, 0.10, len(green)), 0, 1).astype(np.float32)
    dryable = np.array([*(True for _ in growth.crops), *(n == "margin" for n in growth.landscape.surroundings)])
    ground = moisten(looks.ground, np.where(dryable, wet, 0).astype(np.float32))
    canopy = 0.8 * smooth_noise(rng, shape, 2.0) + 0.6 * smooth_noise(rng, shape, 7)
    soil = growth.soil + 0.35 * smooth_noise(rng, shape, 3)
    amplitudes = np.stack([looks.vigour, looks.canopy, looks.soil], axis=1)
    for place, band in enumerate(SURFACE_BANDS):
        spectra = np.stack([a[:, place] for a in (looks.green, looks.dry, looks.flower, ground)], axis=1)
        yield (
            band,
            mix(growth.landscape.units, growth.vigour, canopy, soil, green, dry, flower, amplitudes, spectra),
        )


def _vigour(year: np.random.Generator, land: np.random.Generator, landscape: Landscape) -> Float32:
    """How well plants stand on every cell: patches of 15–300 m, tramlines along the rows, weak headlands."""
    shape, n_units = landscape.units.shape, len(landscape.fields) + len(landscape.surroundings)
    lasting = 0.75 * smooth_noise(land, shape, 45) + 0.45 * smooth_noise(land, shape, 14)
    passing = 0.35 * smooth_noise(year, shape, 9) + 0.45 * smooth_noise(year, shape, 3)
    direction = np.concatenate([landscape.row_direction, np.zeros(len(landscape.surroundings))])
    spacing_m = year.choice((18.0, 24.0, 27.0, 36.0), n_units)
    strength = np.where(np.arange(n_units) < len(landscape.fields), 0.3 * year.random(n_units), 0)
    waves = 2 * np.pi * CELL_M / spacing_m
    rows, cols = np.indices(shape, dtype=np.float32)
    down = (waves * np.cos(direction)).astype(np.float32)[landscape.units] * rows  # across the rows: down and right
    right = (waves * np.sin(direction)).astype(np.float32)[landscape.units] * cols
    stripes = strength.astype(np.float32)[landscape.units] * np.sin(down + right)
    return np.asarray(lasting + passing + stripes - 0.8 * landscape.headland, dtype=np.float32)


def _soil(land: np.random.Generator, shape: tuple[int, int]) -> Float32:
    """Brightness of the ground: soil types of about a kilometre, patches of 60–200 m."""
    layers = (
        smooth_noise(land, shape, 200),
        0.8 * smooth_noise(land, shape, 35),
        0.5 * smooth_noise(land, shape, 12),
    )
    return np.asarray(sum(layers), dtype=np.float32)


def _share(landscape: Landscape, cover: str) -> Float32:
    """Share of every 20 m pixel under one cover of the surroundings."""
    number = len(landscape.fields) + landscape.surroundings.index(cover)
    return shrink((landscape.units == number).astype(np.float32), 4)

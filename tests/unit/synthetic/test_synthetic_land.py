"""Cutting land, growing crops: ten-number stories."""

from dataclasses import fields as dataclass_fields

import numpy as np
import pytest

from bocage.core.seeds import generator
from bocage.synthetic.countries import COUNTRIES, native_crops
from bocage.synthetic.crops import COVERS, CROPS, SPECTRA, SURFACE_BANDS
from bocage.synthetic.landscape import cut_strips, halve, make_landscape, ring_area
from bocage.synthetic.phenology import MAX_CUTS, Calendar, Weather, covers_on, draw_calendar, draw_seasons
from bocage.synthetic.scene import choose_crops

SQUARE = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 100.0], [0.0, 100.0]])


def one_unit(**values: float) -> Calendar:
    """A calendar of one unit; what is not given is 0, and nothing is ever cut."""
    table = {f.name: np.array([values.get(f.name, 0.0)]) for f in dataclass_fields(Calendar)}
    table["cut_day"] = np.full((1, MAX_CUTS), 1e4)
    for name in ("green_up_days", "senescence_days", "flower_half_days"):
        table[name] = np.array([values.get(name, 8.0)])
    return Calendar(**table)


def test_halve_cuts_a_square_at_a_quarter() -> None:
    left, right = halve(SQUARE, 0.0, 0.25)
    assert ring_area(left) == pytest.approx(2500)
    assert ring_area(right) == pytest.approx(7500)
    assert left[:, 0].max() == pytest.approx(25)


def test_strips_lie_side_by_side_and_fill_the_block() -> None:
    block = SQUARE * [6.0, 4.0]  # 600 m × 400 m
    strips = cut_strips(block, np.random.default_rng(1), median_m2=24_000, spread=0.3, direction=0.0)
    assert len(strips) > 4
    assert sum(ring_area(s) for s in strips) == pytest.approx(240_000)
    assert all(np.ptp(s[:, 0]) == pytest.approx(600) for s in strips)


def test_the_land_of_every_country_has_fields_inside_and_is_the_same_again() -> None:
    for country in COUNTRIES.values():
        land, again = (make_landscape(country, 48, 3) for _ in range(2))
        n = len(land.fields)
        assert n > 4
        assert land.units.shape == (96, 96)
        assert land.units.max() < n + len(land.surroundings)
        assert 0.4 < (land.units < n).mean() < 0.98
        np.testing.assert_array_equal(land.units, again.units)


def test_a_standing_crop_is_half_grown_at_green_up_and_gone_after_tillage() -> None:
    wheat = one_unit(max_cover=0.9, green_up=90, senescence=165, harvest=195, residue=0.5, tillage=240)
    assert covers_on(wheat, 90)[0][0] == pytest.approx(0.45, abs=1e-3)
    green, dry, flower = covers_on(wheat, 130)
    assert (green[0], dry[0], flower[0]) == pytest.approx((0.88, 0.01, 0.0), abs=0.02)
    assert covers_on(wheat, 188)[1][0] > 0.8  # ripe, standing
    assert covers_on(wheat, 220)[1][0] == pytest.approx(0.45, abs=0.01)  # stubble
    assert sum(part[0] for part in covers_on(wheat, 300)) < 0.01


def test_flowers_take_their_share_of_the_canopy_on_their_day() -> None:
    rapeseed = one_unit(
        max_cover=0.9, green_up=70, senescence=170, harvest=190, tillage=240, flower_day=110, flower_share=0.5
    )
    green, _, flower = covers_on(rapeseed, 110)
    assert flower[0] == pytest.approx(green[0])
    assert covers_on(rapeseed, 150)[2][0] < 1e-3


def test_a_mowing_turns_part_of_the_grass_into_stubble() -> None:
    calendar = one_unit(undergrowth=0.8)
    before = covers_on(calendar, 150)[0][0]
    calendar.cut_day[0, 0] = 149
    assert covers_on(calendar, 150)[0][0] < 0.5 * before


def test_spring_comes_later_in_the_north() -> None:
    def green_up(latitude: float) -> float:
        covers = ["wheat"] * 200
        seasons = draw_seasons(np.random.default_rng(5), covers)
        calendar = draw_calendar(np.random.default_rng(6), covers, seasons, Weather(0, 0.4), latitude)
        return float(np.median(calendar.green_up))

    assert green_up(52) - green_up(45) == pytest.approx(21, abs=0.1)


def test_years_rotate_annual_crops_and_keep_lasting_ones() -> None:
    country = COUNTRIES["FR"]
    land = make_landscape(country, 192, 3)
    first, second = (choose_crops(land, country, year, 3) for year in (2020, 2021))
    lasting = {c.name for c in CROPS if c.lasting}
    assert [c in lasting for c in first] == [c in lasting for c in second]
    assert all(b == a for a, b in zip(first, second, strict=True) if a in lasting)
    assert sum(a != b for a, b in zip(first, second, strict=True)) > len(first) / 3


def test_every_cover_names_known_spectra_and_every_country_names_every_crop() -> None:
    for cover in COVERS.values():
        names = [cover.green, cover.dry, cover.ground, *([cover.flower.spectrum] if cover.flower else [])]
        assert all(SPECTRA[name].shape == (len(SURFACE_BANDS),) for name in names)
    wanted = {(crop.name, season.name) for crop in CROPS for season in crop.seasons}
    for code in COUNTRIES:
        assert set(native_crops(code)) == wanted
    names = {code: native_crops(code)["sugar beet", "spring"].name for code in COUNTRIES}
    assert names["AT"] == "ZUCKERRÜBEN"
    assert len(set(names.values())) == 4


def test_seeds_of_countries_do_not_touch() -> None:
    assert generator(1, "FR", "x").random() != generator(1, "AT", "x").random()

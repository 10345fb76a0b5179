"""Against trusted tools and the published code lists."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyproj import CRS
from scipy.ndimage import gaussian_filter
from shapely.geometry import LineString, Polygon
from shapely.ops import split

from bocage.synthetic.countries import COUNTRIES, native_crops
from bocage.synthetic.landscape import halve, ring_area
from bocage.synthetic.noise import smooth_noise
from bocage.synthetic.optics import blur
from bocage.synthetic.realism import compare, real_series, synthetic_series, to_markdown


def test_halve_against_shapely() -> None:
    ring = np.array([[0.0, 0.0], [90.0, 10.0], [120.0, 70.0], [40.0, 110.0], [-10.0, 50.0]])
    lower, upper = halve(ring, np.pi / 2, 0.4)
    level = 0.4 * 110
    parts = sorted(split(Polygon(ring), LineString([(-99, level), (999, level)])).geoms, key=lambda p: p.centroid.y)
    assert [ring_area(lower), ring_area(upper)] == pytest.approx([p.area for p in parts])


def test_blur_against_scipy() -> None:
    image = np.random.default_rng(0).random((60, 70), dtype=np.float32)
    theirs = gaussian_filter(image, 1.3, truncate=3.0, radius=4)
    np.testing.assert_allclose(blur(image, 1.3, (0.0, 0.0)), theirs, atol=2e-6)


def test_noise_has_unit_spread_and_its_grain() -> None:
    field = smooth_noise(np.random.default_rng(1), (800, 800), 8.0)
    assert field.std() == pytest.approx(1, abs=0.05)
    near, far = (np.corrcoef(field[:, :-lag].ravel(), field[:, lag:].ravel())[0, 1] for lag in (3, 40))
    assert near > 0.7
    assert abs(far) < 0.1


def test_countries_lie_in_their_tiles() -> None:
    """MGRS: zone and 100 km square letters of the upper-left corner's tile."""
    columns = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
    rows = "ABCDEFGHJKLMNPQRSTUV"
    for country in COUNTRIES.values():
        zone = country.epsg - 32600
        assert CRS.from_epsg(country.epsg).utm_zone == f"{zone}N"
        column = columns[(zone - 1) % 3][int(country.left_m // 1e5) - 1]
        row = rows[(int(country.top_m // 1e5) + (0 if zone % 2 else 5)) % 20]
        assert country.tile[:2] == str(zone)
        assert country.tile[3:] == column + row
        assert country.left_m % 60 == 0


@pytest.mark.parametrize(("code", "table"), [("FR", "fr/fr_2018.csv"), ("AT", "at/at_2021.csv")])
def test_native_names_and_hcat_codes_against_eurocrops(samples: Path, code: str, table: str) -> None:
    with (samples / "lpis" / table).open(encoding="utf-8") as file:
        known = {row["original_code"]: row for row in csv.DictReader(file)}
    for crop in native_crops(code).values():
        row = known[crop.code]
        assert (crop.name, crop.hcat_code, crop.hcat_name) == (
            row["original_name"],
            row["HCAT3_code"],
            row["HCAT3_name"],
        )


@pytest.mark.slow
def test_spectra_and_spreads_are_near_the_real_ones_and_the_docs_show_them(samples: Path) -> None:
    """Makes the table of docs/synthetic-country.md again. If it differs, the failure shows the table to paste."""
    real = real_series(pd.read_parquet(samples / "worldcereal" / "2022_FRA_LPIS_POLY_110.geoparquet"))
    months = (4, 5, 6, 7, 8)
    table = compare(real, synthetic_series(months), months)
    known = table[table["group"].isin(("maize", "cereals", "vineyard", "pasture"))]
    difference = (known["synthetic"] - known["real"]).abs()
    assert difference.groupby(known["band"]).median().max() < 0.035
    assert 0.6 < (known["synthetic_spread"] / known["real_spread"]).median() < 1.5
    page = (Path(__file__).parents[2] / "docs" / "synthetic-country.md").read_text(encoding="utf-8")
    assert to_markdown(table) in page, to_markdown(table)

"""Text and marks can be told from their ground, and series and parts from each other, with any colour vision.

The rules: WCAG 2.2, 1.4.3 (text 4.5 : 1) and 1.4.11 (marks and edges 3 : 1). Series and parts are colours of our own
choice and must keep a distance of 20 in CIELAB (2.3 is just noticed: Mahy et al. 1994) when seen without red, green or
blue cones (Machado et al. 2009). Class colours are EUCROPMAP's where it names the class; some of those fall together
under colour-vision deficiencies, so no figure tells classes by colour alone (WCAG 1.4.1), and every area has an edge.
"""

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from bocage.reports import figures
from bocage.reports.contrast import MARK_CONTRAST, TEXT_CONTRAST, contrast, luminance, text_on
from bocage.taxonomy.load import load_taxonomy
from bocage.taxonomy.options import TaxonomyOptions

WHITE = (1.0, 1.0, 1.0)
VISION = {  # Machado, Oliveira and Fernandes 2009, severity 1.0; on linear RGB
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
EUCROPMAP = {  # JRC/D5/EUCROPMAP/V1, CC BY 4.0
    "wheat": "#a57000",
    "winter_wheat": "#a57000",
    "durum_wheat": "#896054",
    "barley": "#e2007c",
    "winter_barley": "#e2007c",
    "rye": "#aa007c",
    "oats": "#a05989",
    "maize": "#ffd300",
    "rice": "#00a8e2",
    "triticale": "#d69ebc",
    "potato": "#dda50a",
    "potatoes": "#dda50a",
    "sugar_beet": "#a800e2",
    "sunflower": "#ffff00",
    "rapeseed": "#d1ff00",
    "soybean": "#267000",
    "pasture": "#e8ffbf",
}


def seen_as(color: str, vision: str) -> np.ndarray:
    """CIELAB of a colour as someone with this vision sees it."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(VISION[vision]) @ linear, 0, 1)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = np.array(to_xyz) @ linear / (0.95047, 1.0, 1.08883)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_contrast_is_that_of_the_standard():
    assert contrast((0, 0, 0), WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1
    assert luminance(to_rgb("#777777")) == pytest.approx(0.1845, abs=1e-4)
    assert contrast(to_rgb("#767676"), WHITE) == pytest.approx(4.54, abs=0.01)  # the lightest grey for text


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_of_the_page_reads_on_every_ground(theme):
    template = (files("bocage.core") / "templates" / "page.html.j2").read_text("utf-8")
    roots = re.findall(r":root \{([^}]*)\}", template)
    colors = {name: to_rgb(value) for name, value in re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", roots[theme])}
    for ground in ("page", "card", "stripe"):
        for text in ("ink", "soft", "accent"):
            assert contrast(colors[text], colors[ground]) >= TEXT_CONTRAST, (text, ground)
    assert contrast(colors["warn-ink"], colors["warn-page"]) >= TEXT_CONTRAST
    caption = re.search(r"figcaption \{[^}]*color: (#[0-9a-f]{6})", template).group(1)
    assert contrast(to_rgb(caption), WHITE) >= TEXT_CONTRAST


def test_text_and_marks_of_figures_stand_out_from_white():
    for text in (figures.INK, figures.SOFT):
        assert contrast(to_rgb(text), WHITE) >= TEXT_CONTRAST
    for mark in (*figures.PART_COLORS.values(), *figures.SERIES_COLORS, figures.FAINT, figures.WRONG_COLOR):
        assert contrast(to_rgb(mark), WHITE) >= MARK_CONTRAST, mark


def test_numbers_read_on_every_shade():
    for shade in np.linspace(0, 1, 201):
        ground = (shade, shade, shade)
        assert contrast(to_rgb(text_on(ground)), ground) >= TEXT_CONTRAST


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    "colors", [tuple(figures.PART_COLORS.values()), figures.SERIES_COLORS], ids=["parts", "series"]
)
def test_parts_and_series_stay_apart_whatever_the_colour_vision(colors, vision):
    for first, second in combinations(colors, 2):
        assert np.linalg.norm(seen_as(first, vision) - seen_as(second, vision)) >= 20, (first, second)


@pytest.mark.parametrize("name", ["eurocrops-10", "eurocrops-10-table1", "field-crops", "s4a-11"])
def test_classes_that_eucropmap_names_have_its_colours(name):
    classes = load_taxonomy(TaxonomyOptions(name=name)).classes
    named = {c.name: c.color for c in classes if c.name in EUCROPMAP}
    assert len(named) >= 8
    assert named == {c: EUCROPMAP[c] for c in named}

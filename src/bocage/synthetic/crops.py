"""What covers the ground: spectra of soils and canopies, crops and their seasons. Tables; pure.

Day numbers are days of the year at 45° N in a normal year; negative days are in the year before. Covers are shares of
the ground, 0–1. Spectra are surface reflectance at full cover. The numbers are read off Sentinel-2 series: peak and
bare-soil values follow the WorldCereal extract of French parcels (see `docs/synthetic-country.md`), crops that are
missing there follow the usual field descriptions (rapeseed flowers around 20 April at 45° N, and so on).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bocage.core.arrays import Float32

# The bands that a spectrum holds. B10 sees no ground; L1C adds it (see `optics`).
SURFACE_BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")


def _spectrum(*values: float) -> Float32:
    """From B02 B03 B04 B05 B06 B07 B08 B8A B11 B12, in percent; B01 and B09 follow their neighbours."""
    b02, b03, b04, b05, b06, b07, b08, b8a, b11, b12 = values
    percent = (0.85 * b02, b02, b03, b04, b05, b06, b07, b08, b8a, 1.02 * b8a, b11, b12)
    return np.asarray(percent, dtype=np.float32) / np.float32(100)


SPECTRA: dict[str, Float32] = {
    #                      B02   B03   B04   B05   B06   B07   B08   B8A   B11   B12
    "soil": _spectrum(8.6, 11.9, 15.2, 17.8, 19.8, 21.3, 22.5, 23.7, 32.5, 27.4),
    "stony soil": _spectrum(10.2, 14.4, 18.6, 21.6, 24.0, 25.8, 27.2, 28.6, 38.5, 32.0),
    "litter": _spectrum(3.0, 4.4, 5.4, 8.0, 12.0, 14.0, 15.5, 17.5, 21.0, 13.5),
    "straw": _spectrum(8.6, 12.6, 17.8, 22.0, 25.0, 27.6, 29.2, 31.0, 37.0, 25.5),
    "dry grass": _spectrum(7.2, 10.6, 15.6, 19.6, 24.0, 26.8, 28.6, 30.2, 38.5, 27.0),
    "dry stalks": _spectrum(6.0, 8.4, 11.6, 15.0, 18.4, 20.8, 22.6, 24.4, 28.0, 19.0),
    "wheat": _spectrum(2.5, 5.2, 2.8, 8.2, 29.5, 39.5, 41.0, 42.5, 15.5, 7.6),
    "barley": _spectrum(2.8, 5.9, 3.2, 9.2, 30.0, 39.0, 40.5, 42.2, 16.6, 8.3),
    "oats": _spectrum(3.0, 6.2, 3.3, 9.6, 30.0, 38.5, 40.2, 42.0, 17.2, 8.6),
    "maize": _spectrum(2.0, 4.3, 2.1, 6.4, 29.0, 42.5, 42.5, 44.5, 16.0, 7.2),
    "soybean": _spectrum(2.1, 5.2, 2.4, 8.0, 34.5, 49.5, 50.5, 52.0, 19.5, 8.8),
    "sunflower": _spectrum(2.7, 5.6, 3.2, 9.0, 31.0, 41.5, 42.5, 44.5, 20.0, 9.6),
    "sugar beet": _spectrum(2.6, 6.4, 2.9, 9.6, 36.5, 48.5, 49.0, 50.5, 17.0, 7.9),
    "potato": _spectrum(2.5, 5.8, 2.9, 8.8, 32.0, 43.0, 44.0, 45.8, 16.5, 7.4),
    "rapeseed": _spectrum(2.6, 6.0, 3.2, 9.4, 32.0, 41.0, 42.5, 44.0, 16.0, 7.2),
    "grass": _spectrum(2.8, 6.2, 3.6, 10.4, 30.0, 38.0, 40.5, 42.0, 20.0, 9.8),
    "alfalfa": _spectrum(2.4, 5.6, 2.8, 9.0, 31.0, 41.5, 43.0, 44.5, 18.5, 8.4),
    "peas": _spectrum(2.8, 6.6, 3.3, 10.2, 31.0, 39.0, 40.5, 42.0, 17.5, 8.0),
    "vine": _spectrum(2.6, 5.0, 3.2, 8.4, 27.0, 35.5, 36.5, 38.5, 19.0, 9.4),
    "tree": _spectrum(2.1, 4.0, 2.3, 6.8, 24.0, 31.0, 32.5, 34.5, 15.0, 6.8),
    "rapeseed flower": _spectrum(5.6, 15.6, 15.4, 21.0, 35.0, 40.5, 42.5, 44.0, 20.5, 11.5),
    "sunflower flower": _spectrum(3.0, 8.6, 8.4, 13.5, 32.0, 40.0, 41.5, 43.5, 22.0, 11.0),
    "potato flower": _spectrum(4.2, 7.6, 5.0, 10.4, 32.0, 42.0, 43.0, 45.0, 17.5, 8.2),
    "water": _spectrum(3.6, 4.6, 3.2, 3.0, 2.4, 2.3, 2.2, 2.0, 1.1, 0.7),
    "asphalt": _spectrum(8.6, 9.8, 10.8, 11.6, 12.4, 13.2, 13.8, 14.4, 17.5, 16.5),
    "track": _spectrum(11.0, 14.5, 18.0, 20.5, 22.5, 24.0, 25.0, 26.0, 33.0, 28.5),
    "red roof": _spectrum(7.0, 10.0, 17.5, 21.0, 23.0, 24.5, 25.5, 26.5, 31.0, 27.0),
    "dark roof": _spectrum(6.5, 7.2, 7.8, 8.4, 9.0, 9.6, 10.2, 10.8, 13.5, 12.5),
    "bright roof": _spectrum(26.0, 29.0, 31.0, 32.0, 33.0, 33.5, 34.0, 34.5, 33.0, 29.0),
    "quarry": _spectrum(19.0, 24.0, 28.0, 30.0, 31.5, 32.5, 33.5, 34.5, 41.0, 37.0),
}


@dataclass(frozen=True)
class Season:
    """One way in which a cover runs through the year.

    The crop itself: `pre_cover` (weeds, cover crop) dies at `sowing`; `winter_cover` stands through the winter; a
    logistic rise to `max_cover` around `green_up` and a logistic fall around `senescence` leave standing dry matter
    until `harvest`; then a share `residue` of it (stubble) lies until `tillage`; volunteers or a cover crop may reach
    `regrowth`. Between the rows or under the trees grows grass of share `undergrowth`, dry in high summer. `cuts`
    is the largest number of mowings or grazings.
    """

    name: str
    weight: float = 1.0
    pre_cover: float = 0.0
    sowing: float = 60.0
    winter_cover: float = 0.0
    green_up: float = 100.0
    green_up_days: float = 9.0
    max_cover: float = 0.9
    senescence: float = 200.0
    senescence_days: float = 7.0
    harvest: float = 220.0
    residue: float = 0.6
    tillage: float = 260.0
    regrowth: float = 0.0
    undergrowth: float = 0.0
    cuts: int = 0


@dataclass(frozen=True)
class Flower:
    """A flowering that changes the colour of the canopy: spectrum, day of its middle, half width, share of canopy."""

    spectrum: str
    day: float
    half_days: float
    share: float


@dataclass(frozen=True)
class Cover:
    """Something that covers the ground.

    Attributes:
        name: unique name.
        seasons: the ways it can run through the year, with weights.
        green, dry, ground: names of the spectra of its canopy, of its dry matter and of what lies below.
        flower: or None.
        spread_days: standard deviation of dates between fields.
        vigour, canopy, soil: how strongly cover, canopy brightness and soil brightness vary inside a field, relative.
        class_name: its class in the EuroCrops paper (its Table 1), or "background".
        share: share of the fields in a country without preferences; 0 for what is no crop.
        lasting: stays on the field from year to year.
    """

    name: str
    seasons: tuple[Season, ...]
    green: str = "grass"
    dry: str = "straw"
    ground: str = "soil"
    flower: Flower | None = None
    spread_days: float = 7.0
    vigour: float = 0.15
    canopy: float = 0.05
    soil: float = 0.07
    class_name: str = "background"
    share: float = 0.0
    lasting: bool = False


def _winter(name: str, weight: float, green_up: float, senescence: float, harvest: float, cover: float) -> Season:
    """A winter cereal or one of its spring forms."""
    return Season(
        name,
        weight,
        winter_cover=cover,
        green_up=green_up,
        green_up_days=11,
        max_cover=0.93,
        senescence=senescence,
        senescence_days=6,
        harvest=harvest,
        residue=0.62,
        tillage=238,
        regrowth=0.16,
    )


def _summer(
    name: str,
    weight: float = 1.0,
    *,
    weeds: float,
    sowing: float,
    green_up: float,
    cover: float,
    senescence: float,
    harvest: float,
    residue: float,
    regrowth: float = 0.05,
) -> Season:
    """A crop sown in spring on land that was bare, weedy or under a cover crop in winter."""
    return Season(
        name,
        weight,
        pre_cover=weeds,
        sowing=sowing,
        green_up=green_up,
        green_up_days=7.5,
        max_cover=cover,
        senescence=senescence,
        senescence_days=8,
        harvest=harvest,
        residue=residue,
        tillage=harvest + 22,
        regrowth=regrowth,
    )


_NEVER = 1000.0  # a day that no year has
_BARE = Season("bare", max_cover=0.0, residue=0.0)

CROPS: tuple[Cover, ...] = (
    Cover(
        "maize",
        (
            _summer(
                "grain",
                0.65,
                weeds=0.18,
                sowing=112,
                green_up=164,
                cover=0.95,
                senescence=258,
                harvest=286,
                residue=0.5,
            ),
            _summer(
                "silage",
                0.35,
                weeds=0.22,
                sowing=118,
                green_up=168,
                cover=0.95,
                senescence=266,
                harvest=256,
                residue=0.15,
            ),
        ),
        green="maize",
        dry="dry stalks",
        class_name="maize",
        share=0.150,
    ),
    Cover(
        "rapeseed",
        (
            Season(
                "winter",
                winter_cover=0.45,
                green_up=72,
                max_cover=0.93,
                senescence=168,
                senescence_days=7,
                harvest=189,
                residue=0.5,
                tillage=230,
                regrowth=0.3,
            ),
        ),
        green="rapeseed",
        dry="dry stalks",
        flower=Flower("rapeseed flower", 110, 11, 0.7),
        spread_days=5,
        class_name="rapeseed",
        share=0.080,
    ),
    Cover(
        "wheat",
        (
            _winter("winter soft", 0.62, 88, 167, 194, 0.20),
            _winter("winter durum", 0.10, 84, 161, 187, 0.20),
            _winter("rye", 0.10, 80, 165, 196, 0.26),
            _winter("triticale", 0.13, 84, 166, 196, 0.24),
            _winter("spring soft", 0.05, 106, 173, 202, 0.02),
        ),
        green="wheat",
        class_name="wheat",
        share=0.200,
    ),
    Cover(
        "barley",
        (_winter("winter", 0.65, 82, 153, 178, 0.24), _winter("spring", 0.35, 109, 170, 196, 0.02)),
        green="barley",
        class_name="barley",
        share=0.095,
    ),
    Cover(
        "oats",
        (_winter("winter", 0.5, 87, 169, 196, 0.22), _winter("spring", 0.5, 110, 178, 204, 0.02)),
        green="oats",
        class_name="oats",
        share=0.040,
    ),
    Cover(
        "sunflower",
        (
            _summer(
                "spring", weeds=0.14, sowing=106, green_up=159, cover=0.88, senescence=229, harvest=256, residue=0.4
            ),
        ),
        green="sunflower",
        dry="dry stalks",
        flower=Flower("sunflower flower", 192, 8, 0.45),
        class_name="sunflower",
        share=0.085,
    ),
    Cover(
        "sugar beet",
        (
            _summer(
                "spring", weeds=0.12, sowing=86, green_up=148, cover=0.96, senescence=330, harvest=292, residue=0.05
            ),
        ),
        green="sugar beet",
        dry="dry stalks",
        class_name="sugar beet",
        share=0.040,
    ),
    Cover(
        "soybean",
        (
            _summer(
                "spring", weeds=0.16, sowing=120, green_up=172, cover=0.94, senescence=252, harvest=274, residue=0.35
            ),
        ),
        green="soybean",
        dry="dry stalks",
        class_name="soybean",
        share=0.045,
    ),
    Cover(
        "potato",
        (
            _summer(
                "early", 0.3, weeds=0.1, sowing=84, green_up=136, cover=0.9, senescence=196, harvest=214, residue=0.2
            ),
            _summer(
                "main", 0.7, weeds=0.12, sowing=102, green_up=155, cover=0.92, senescence=234, harvest=254, residue=0.2
            ),
        ),
        green="potato",
        dry="dry stalks",
        flower=Flower("potato flower", 178, 9, 0.25),
        class_name="potato",
        share=0.040,
    ),
    Cover(
        "pasture",
        (
            Season(
                "grazed", 0.6, max_cover=0.30, green_up=86, senescence=172, senescence_days=16, undergrowth=0.6, cuts=2
            ),
            Season(
                "hay", 0.4, max_cover=0.38, green_up=90, senescence=182, senescence_days=18, undergrowth=0.55, cuts=2
            ),
        ),
        green="grass",
        dry="dry grass",
        spread_days=13,
        vigour=0.2,
        canopy=0.06,
        class_name="pasture",
        share=0.140,
        lasting=True,
    ),
    Cover(
        "vineyard",
        (
            Season("tilled", 0.6, max_cover=0.21, green_up=138, senescence=298, harvest=_NEVER, undergrowth=0.14),
            Season("grassed", 0.4, max_cover=0.21, green_up=138, senescence=298, harvest=_NEVER, undergrowth=0.36),
        ),
        green="vine",
        dry="dry grass",
        ground="stony soil",
        spread_days=8,
        vigour=0.28,
        soil=0.10,
        share=0.055,
        lasting=True,
    ),
    Cover(
        "orchard",
        (Season("rows", max_cover=0.42, green_up=103, senescence=300, harvest=_NEVER, undergrowth=0.38),),
        green="tree",
        dry="dry grass",
        spread_days=8,
        vigour=0.3,
        canopy=0.12,
        share=0.020,
        lasting=True,
    ),
    Cover(
        "fallow",
        (
            Season("green", 0.6, max_cover=0.4, green_up=100, senescence=178, senescence_days=16, undergrowth=0.35),
            Season(
                "black", 0.4, pre_cover=0.35, sowing=128, max_cover=0.2, green_up=150, senescence=200, undergrowth=0.06
            ),
        ),
        dry="dry grass",
        spread_days=15,
        vigour=0.35,
        canopy=0.07,
        share=0.035,
    ),
    Cover(
        "alfalfa",
        (Season("mown", max_cover=0.45, green_up=90, senescence=300, harvest=_NEVER, undergrowth=0.45, cuts=4),),
        green="alfalfa",
        dry="dry grass",
        class_name="pasture",
        share=0.025,
        lasting=True,
    ),
    Cover(
        "peas",
        (
            _summer(
                "spring",
                weeds=0.05,
                sowing=58,
                green_up=108,
                cover=0.92,
                senescence=168,
                harvest=184,
                residue=0.35,
                regrowth=0.3,
            ),
        ),
        green="peas",
        share=0.015,
    ),
)

_TREES = Season("deciduous", winter_cover=0.3, green_up=107, max_cover=0.95, senescence=305, harvest=_NEVER)

SURROUNDINGS: tuple[Cover, ...] = (
    Cover("wood", (_TREES,), green="tree", dry="litter", ground="litter", vigour=0.08, canopy=0.16),
    Cover("hedge", (_TREES,), green="tree", dry="litter", ground="litter", vigour=0.15, canopy=0.18),
    Cover("margin", (Season("grass", undergrowth=0.7, max_cover=0.15),), dry="dry grass", vigour=0.3, canopy=0.1),
    Cover("road", (_BARE,), ground="asphalt", soil=0.08),
    Cover("track", (_BARE,), ground="track", soil=0.12),
    Cover("water", (_BARE,), ground="water", soil=0.05),
    Cover("quarry", (_BARE,), ground="quarry", soil=0.18),
    Cover("red roof", (_BARE,), ground="red roof", soil=0.1),
    Cover("dark roof", (_BARE,), ground="dark roof", soil=0.1),
    Cover("bright roof", (_BARE,), ground="bright roof", soil=0.1),
    Cover("garden", (Season("lawn", undergrowth=0.65, max_cover=0.2),), dry="dry grass", vigour=0.3, canopy=0.15),
)

COVERS: dict[str, Cover] = {cover.name: cover for cover in (*CROPS, *SURROUNDINGS)}
CROP_NAMES = tuple(crop.name for crop in CROPS)  # the crop number in the truth raster is 1 + the place in this list

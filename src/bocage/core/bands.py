"""Sentinel-2 bands and scene classes as tables. Pure.

Source: ESA product metadata (MTD_MSIL2A.xml, Spectral_Information and Scene_Classification_List).
"""

from __future__ import annotations

from dataclasses import dataclass

from bocage.core.errors import UnknownName


@dataclass(frozen=True)
class Band:
    """One Sentinel-2 band: name, native ground sampling distance, central wavelength of S2A, and other names."""

    name: str
    resolution_m: int
    centre_nm: float
    index: int  # band_id in product metadata (BOA_ADD_OFFSET, RADIO_ADD_OFFSET)
    earth_search: str  # asset name of Earth Search v1


BANDS: dict[str, Band] = {
    b.name: b
    for b in (
        Band("B01", 60, 442.7, 0, "coastal"),
        Band("B02", 10, 492.7, 1, "blue"),
        Band("B03", 10, 559.8, 2, "green"),
        Band("B04", 10, 664.6, 3, "red"),
        Band("B05", 20, 704.1, 4, "rededge1"),
        Band("B06", 20, 740.5, 5, "rededge2"),
        Band("B07", 20, 782.8, 6, "rededge3"),
        Band("B08", 10, 832.8, 7, "nir"),
        Band("B8A", 20, 864.7, 8, "nir08"),
        Band("B09", 60, 945.1, 9, "nir09"),
        Band("B10", 60, 1373.5, 10, "cirrus"),
        Band("B11", 20, 1613.7, 11, "swir16"),
        Band("B12", 20, 2202.4, 12, "swir22"),
    )
}

# The EuroCrops paper's input order (its section 3).
DEFAULT_BANDS = ("B02", "B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12")

SCL_CLASSES: dict[int, str] = {
    0: "no data",
    1: "saturated or defective",
    2: "dark features or cast shadow",
    3: "cloud shadow",
    4: "vegetation",
    5: "not vegetated",
    6: "water",
    7: "unclassified",
    8: "cloud, medium probability",
    9: "cloud, high probability",
    10: "thin cirrus",
    11: "snow or ice",
}
CLEAR_SCL = (4, 5, 6, 7)  # the classes that the papers keep


def check_bands(names: tuple[str, ...], *, allowed: tuple[str, ...] | None = None) -> None:
    """Raise UnknownName unless every name is a Sentinel-2 band (or one of `allowed`) and none comes twice."""
    known = allowed if allowed is not None else tuple(BANDS)
    unknown = [n for n in names if n not in known]
    if unknown:
        raise UnknownName(f"Unknown band {', '.join(unknown)}. Known: {', '.join(known)}.")
    if len(set(names)) != len(names):
        raise UnknownName(f"A band is named twice in {', '.join(names)}. Name each once.")

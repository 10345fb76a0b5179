"""Where countries lie, to find parcels that are declared for another one. Pure.

`data/country_boxes.csv`: boxes in degrees of longitude and latitude around the countries that publish declarations, sea
and islands included; a row a box (extents of the EPSG registry).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from bocage.core.errors import DataError
from bocage.parcels.crs import Bounds


@cache
def country_boxes() -> Mapping[str, tuple[Bounds, ...]]:
    """Country code → its boxes (left, bottom, right, top, degrees)."""
    boxes: dict[str, tuple[Bounds, ...]] = {}
    with (files("bocage.parcels") / "data" / "country_boxes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            box = float(row["left"]), float(row["bottom"]), float(row["right"]), float(row["top"])
            boxes[row["country"]] = (*boxes.get(row["country"], ()), box)
    return boxes


def check_country(country: str, bounds: Bounds) -> None:
    """Refuse parcels of which none can lie in their country; countries that are not listed pass.

    Args:
        bounds: of all parcels: left, bottom, right, top, degrees.

    Raises:
        DataError: says where the parcels are and where the country is.
    """
    if elsewhere := describe_elsewhere(country, bounds):
        raise DataError(elsewhere)


def describe_elsewhere(country: str, bounds: Bounds) -> str | None:
    """Where parcels are of which none can lie in their country, and what to check; None if some can."""
    boxes = country_boxes().get(country, ())
    if not boxes or any(_meet(box, bounds) for box in boxes):
        return None
    others = [code for code, known in country_boxes().items() if any(_meet(box, bounds) for box in known)]
    hint = f" They could be in {', '.join(others)}." if others else ""
    return (
        f"The parcels are declared for {country}, but lie at {_spell(bounds)}; {country} is at "
        f"{' or '.join(map(_spell, boxes))}.{hint} Check parcels.country and parcels.crs."
    )


def _meet(a: Bounds, b: Bounds) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _spell(box: Bounds) -> str:
    return f"longitude {box[0]:.2f} to {box[2]:.2f}, latitude {box[1]:.2f} to {box[3]:.2f}"

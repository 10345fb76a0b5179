"""Options of the synthetic country. Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bocage.core.options import Options

CountryCode = Literal["FR", "AT", "NL", "ES"]


def _check_size(value: int) -> int:
    if value % 6:
        raise ValueError(f"size_px is {value}, but 60 m bands need a multiple of 6; take {value - value % 6}")
    return value


def _check_dates(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not re.fullmatch(r"\d\d-\d\d", value):
            raise ValueError(f"'{value}' is not a date of the year such as 05-26")
        date.fromisoformat(f"2021-{value}")
    if list(values) != sorted(set(values)):
        raise ValueError(f"dates must ascend and differ, got {', '.join(values)}")
    return values


class SyntheticOptions(Options):
    """What the invented country looks like. Defaults are documented in `docs/synthetic-country.md`."""

    seed: int = Field(7, description="root seed: the same seed gives the same files", ge=0)
    size_px: Annotated[int, AfterValidator(_check_size)] = Field(
        768, description="side of the square image, in 10 m pixels; a multiple of 6", ge=48, le=10_980
    )
    countries: tuple[CountryCode, ...] = Field(
        ("FR",), description="countries: language of crop names, field shapes, crop shares, climate", min_length=1
    )
    years: tuple[Annotated[int, Field(ge=2016, le=2035)], ...] = Field(
        (2021,), description="crop years; fields stay, crops rotate, the weather changes", min_length=1
    )
    dates: Annotated[tuple[str, ...], AfterValidator(_check_dates)] = Field(
        ("04-18", "05-26", "07-05", "08-19"), description="acquisition dates of each year, MM-DD", min_length=1
    )
    baselines: tuple[Literal["02.08", "03.01", "04.00", "05.00", "05.10"], ...] = Field(
        ("05.00", "03.01"),
        description="processing baselines, taken in turn by the products; from 04.00 on DN carry +1000",
        min_length=1,
    )
    cloud_fraction: float = Field(0.08, description="mean share of a product under cloud, 0-1", ge=0, le=0.9)
    haze_fraction: float = Field(0.25, description="share of products with thin haze, 0-1", ge=0, le=1)
    swath_edge_fraction: float = Field(
        0.25, description="share of products cut by the edge of the swath (no-data), 0-1", ge=0, le=1
    )
    sensor_noise: float = Field(1.0, description="sensor noise as a multiple of the instrument's", ge=0, le=10)
    label_noise_fraction: float = Field(0.02, description="share of parcels that declare a wrong crop", ge=0, le=1)
    overlap_fraction: float = Field(0.02, description="share of parcels drawn into a neighbour", ge=0, le=1)
    undeclared_fraction: float = Field(0.03, description="share of cultivated fields nobody declares", ge=0, le=1)

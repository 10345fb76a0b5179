"""What a page is made of: text, facts, tables, pictures, code; and how numbers are written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

PICTURE_DPI = 144  # pixels an inch of a picture; a page shows it at its size in inches


@dataclass(frozen=True)
class Text:
    """A paragraph. `tone`: "" plain, "missing" for what the run has not made, "warning" for what a reader must know."""

    kind: ClassVar[str] = "text"
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Heading:
    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Fact:
    """One number with its label and a line of explanation."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    kind: ClassVar[str] = "facts"
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Row:
    """One row of a table; `color` puts a swatch before the first cell, `muted` prints it fainter."""

    cells: tuple[str, ...]
    color: str | None = None
    muted: bool = False


@dataclass(frozen=True)
class Table:
    """A table; its caption may be "". `columns` that start with ">" hold numbers and are set flush right."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""

    def __post_init__(self) -> None:
        if any(len(row.cells) != len(self.columns) for row in self.rows):
            raise ValueError(f"table '{self.caption}': a row does not have {len(self.columns)} cells")


@dataclass(frozen=True)
class Picture:
    """A PNG with its caption and, for those who cannot see it, what it shows.

    Attributes:
        name: stem of its files beside the page; no other picture of the page has it.
        data: the numbers that are drawn.
    """

    kind: ClassVar[str] = "picture"
    name: str
    png: bytes
    data: pd.DataFrame
    caption: str
    alt: str
    narrow: bool = False  # may stand beside another one


@dataclass(frozen=True)
class Code:
    kind: ClassVar[str] = "code"
    caption: str
    text: str


Block = Text | Heading | Facts | Table | Picture | Code


@dataclass(frozen=True)
class Section:
    """One section of the page; `anchor` is its id in the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A whole page. `what` says what it is; `summary` stands at its top."""

    name: str
    what: str
    summary: tuple[Block, ...]
    sections: tuple[Section, ...]

    @property
    def pictures(self) -> list[Picture]:
        """All pictures, in their order."""
        blocks = [*self.summary, *(block for section in self.sections for block in section.blocks)]
        return [block for block in blocks if isinstance(block, Picture)]


def count(value: float | None) -> str:
    """A whole number with thousands marked."""
    return "–" if value is None else f"{int(value):,}"


def score(value: float | None) -> str:
    """A score, three decimals; kappa may be below 0."""
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def points(difference: float) -> str:
    """A difference of two fractions in points of per cent, beside values in per cent."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def percent(fraction: float | None) -> str:
    """A fraction as per cent; small ones keep two digits that count, none is rounded to a false zero."""
    if fraction is None:
        return "–"
    if 0 < fraction < 0.0005:
        return "< 0.05 %"
    return f"{100 * fraction:.1f} %"


def hectares(area_ha: float | None) -> str:
    return "–" if area_ha is None else f"{area_ha:,.1f}"


def degrees(value: float, positive: str, negative: str) -> str:
    """A latitude or longitude, three decimals (about 100 m)."""
    return f"{abs(value):.3f}° {positive if value >= 0 else negative}"


def seconds(value: float) -> str:
    if value < 90:
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def plural(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listing(names: list[str] | tuple[str, ...]) -> str:
    """a, b and c."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""


def plain(value: Any) -> str:
    """Any JSON value as short text."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {plain(v)}" for k, v in value.items()) or "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(v) for v in value) or "–"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def words(name: str) -> str:
    """A key such as `clear_scl` as words, "Clear SCL"; its unit, or the n of a count, goes in brackets."""
    if name.startswith("n_"):
        return f"{words(name[2:])} (number)"
    stem, _, unit = name.rpartition("_")
    if stem and unit in ("ha", "px", "m", "nm", "days", "seconds"):
        return f"{words(stem)} ({unit})"
    text = " ".join(
        {"crs": "CRS", "hcat": "HCAT", "mpx": "Mpx", "scl": "SCL"}.get(word, word) for word in name.split("_")
    )
    return text[:1].upper() + text[1:]

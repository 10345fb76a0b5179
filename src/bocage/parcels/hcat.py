"""HCAT3 codes: ten digits, five pairs; the pairs left of the trailing `00` pairs are the path from the root. Pure.

Codes are strings: they overflow int32 and float32. The hierarchy is walked by pairs, never by digits: zeroing the last
non-zero digit would make spelt (3301011000) the parent of emmer (3301011200); the pairs give cereal (3301010000).

The list of codes and names is `data/hcat3.csv` (HCAT3 of EuroCrops, CC BY-SA 4.0, see `data/NOTICE-HCAT3.md`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

N_PAIRS = 5


def is_code(text: str) -> bool:
    """True for ten ASCII digits that do not start with `00`."""
    return len(text) == 2 * N_PAIRS and text.isascii() and text.isdigit() and text[:2] != "00"


def prefix(code: str) -> str:
    """The code without its trailing `00` pairs: what all codes of its subtree begin with."""
    while code.endswith("00") and len(code) % 2 == 0:
        code = code[:-2]
    return code


def level(code: str) -> int:
    """Number of pairs that are used: 1 (crop_type) to 5 (winter_rye)."""
    return len(prefix(code)) // 2


def parent(code: str) -> str | None:
    """The code one level up; None at level 1."""
    head = prefix(code)[:-2]
    return head.ljust(2 * N_PAIRS, "0") if head else None


def ancestors(code: str) -> tuple[str, ...]:
    """Parent, its parent, and so on to level 1."""
    up = parent(code)
    return () if up is None else (up, *ancestors(up))


def is_in_subtree(code: str, root: str) -> bool:
    """True if `root` is `code` or one of its ancestors."""
    return code.startswith(prefix(root))


@cache
def names_by_code() -> Mapping[str, str]:
    """The 384 HCAT3 codes and their names, in the order of the codes."""
    text = files("bocage.parcels").joinpath("data/hcat3.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["code"]: row["name"] for row in csv.DictReader(text.splitlines())})


@cache
def codes_by_name() -> Mapping[str, str]:
    """HCAT3 names and their codes."""
    return MappingProxyType({name: code for code, name in names_by_code().items()})


def is_listed(code: str) -> bool:
    return code in names_by_code()

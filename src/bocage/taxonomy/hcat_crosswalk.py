"""HCAT4 codes ↔ HCAT3 codes: by name, by a list of exceptions, by parent. Pure.

Of the 352 codes of HCAT4, 301 carry a name of HCAT3. `data/hcat4-to-hcat3.csv` (our own work) decides where the names
differ, and for the upper nodes; every other code goes the way of its parent. Coarser is never finer: where HCAT4 leaves
open what HCAT3 tells apart, the common ancestor is given, but for maize, whose two HCAT3 codes are one crop.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, NamedTuple

from bocage.parcels import hcat, hcat4


class Step(NamedTuple):
    """One row of a crosswalk: the code on the other side, and what led there."""

    code: str
    by: Literal["name", "exception", "parent"]


@cache
def exceptions() -> Mapping[str, str]:
    """HCAT4 code → HCAT3 code, where the name does not lead there."""
    text = files("bocage.taxonomy").joinpath("data/hcat4-to-hcat3.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["hcat4_code"]: row["hcat3_code"] for row in csv.DictReader(text.splitlines())})


def is_hcat4(code: str) -> bool:
    """True for a code that only HCAT4 can mean: HCAT3 begins with 330 or is listed."""
    return hcat4.is_code(code) and not code.startswith("330") and not hcat.is_listed(code)


@lru_cache(maxsize=65536)
def to_hcat3(code: str | None, name: str | None) -> str | None:
    """The HCAT3 code of an HCAT4 code with its name (None if unknown); any other code is returned as it is."""
    if code is None or not is_hcat4(code):
        return code
    return step_to_hcat3(code, name).code


def step_to_hcat3(code: str, name: str | None) -> Step:
    """The HCAT3 code of an HCAT4 code: that of an equal name, else the exception, else what its parent gives."""
    by_name = hcat.codes_by_name().get(name or "")
    if by_name is not None:
        return Step(by_name, "name")
    if code in exceptions():
        return Step(exceptions()[code], "exception")
    return Step(exceptions()[hcat4.parent(code, exceptions()) or hcat4.ROOT], "parent")


def crosswalk_to_hcat3(hcat4_names: Mapping[str, str]) -> dict[str, Step]:
    """HCAT4 → HCAT3 for a list of codes with their names (`hcat4.parse_hcat4`).

    A code without a name of its own in HCAT3 takes the way of its nearest listed ancestor that has one.
    """

    def climb(code: str) -> Step:
        step = step_to_hcat3(code, hcat4_names.get(code))
        up = hcat4.parent(code, hcat4_names) if step.by == "parent" else None
        return step if up is None else Step(climb(up).code, "parent")

    return {code: climb(code) for code in hcat4_names}


def crosswalk_to_hcat4(hcat4_names: Mapping[str, str]) -> dict[str, Step]:
    """HCAT3 → HCAT4 for a list of HCAT4 codes with their names; every HCAT3 code whose branch HCAT4 has is a key.

    An equal name goes first, then the exceptions read backwards (the first HCAT4 code of each), then the parent.
    """
    by_name = {name: code for code, name in reversed(list(hcat4_names.items()))}
    backwards = {three: four for four, three in reversed(list(exceptions().items())) if four in hcat4_names}

    def climb(code: str) -> Step | None:
        name = hcat.names_by_code().get(code, "")
        if name in by_name:
            return Step(by_name[name], "name")
        if code in backwards:
            return Step(backwards[code], "exception")
        up = hcat.parent(code)
        above = climb(up) if up is not None else None
        return None if above is None else Step(above.code, "parent")

    steps = {code: climb(code) for code in hcat.names_by_code()}
    return {code: step for code, step in steps.items() if step is not None}

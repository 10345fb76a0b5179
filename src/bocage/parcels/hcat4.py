"""HCAT4 codes: ten digits, walked by fields of unequal width, not by HCAT3's pairs. Pure.

The fields are 33 | group (1) | class (2) | crop (2) | species (2) | season (1).

HCAT4 is the hierarchy of EuroCrops 2.0 (ESSD 18, 4075, 2026). Example: 3310101001 is 33·1·01·01·00·1, winter common
soft wheat. The list of codes, hcat4.csv of that project, is brought by the user. Some inner codes are not in it, so a
parent is the nearest ancestor that is listed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from bocage.core.errors import CorruptFile

ROOT = "3300000000"
FIELD_ENDS = (2, 3, 5, 7, 9, 10)  # where 33, group, class, crop, species and season end
N_DIGITS = 10


def is_code(text: str) -> bool:
    """True for ten ASCII digits that begin with 33."""
    return len(text) == N_DIGITS and text.isascii() and text.isdigit() and text.startswith("33")


def fields(code: str) -> tuple[str, str, str, str, str]:
    """Group, class, crop, species and season, as they stand in the code."""
    group, class_, crop, species, season = (code[a:b] for a, b in pairwise(FIELD_ENDS))
    return group, class_, crop, species, season


def level(code: str) -> int:
    """Number of the last field that is not zero: 1 group … 5 season; 0 for the root."""
    return max((n for n, field in enumerate(fields(code), start=1) if int(field)), default=0)


def prefix(code: str) -> str:
    """What all codes of its subtree begin with: the code up to its last field that is not zero."""
    return code[: FIELD_ENDS[level(code)]]


def is_in_subtree(code: str, root: str) -> bool:
    """True if `root` is `code` or one of its ancestors, listed or not."""
    return code.startswith(prefix(root))


def above(code: str) -> str | None:
    """The code with its last field that is not zero set to zero, listed or not; None for the root."""
    depth = level(code)
    return code[: FIELD_ENDS[depth - 1]].ljust(N_DIGITS, "0") if depth else None


def parent(code: str, listed: Collection[str]) -> str | None:
    """The nearest ancestor in `listed` (a set or a mapping by code); None if there is none."""
    up = above(code)
    while up is not None and up not in listed:
        up = above(up)
    return up


def ancestors(code: str, listed: Collection[str]) -> tuple[str, ...]:
    """Parent, its parent, and so on; only listed codes."""
    up = parent(code, listed)
    return () if up is None else (up, *ancestors(up, listed))


def parse_hcat4(rows: Sequence[Mapping[str, str | None]], *, origin: str) -> Mapping[str, str]:
    """Names by code from the rows of hcat4.csv, in the order of the file.

    Raises:
        CorruptFile: if a column is missing, a code is malformed or stands twice.
    """
    names: dict[str, str] = {}
    for row in rows:
        code, name = (row.get("hcat4_code") or "").strip(), (row.get("hcat4_name") or "").strip()
        if not is_code(code) or not name or code in names:
            raise CorruptFile(
                f"{origin} is no list of HCAT4 codes: found code '{code}' with name '{name}'"
                f"{' a second time' if code in names else ''}. Give hcat4.csv of EuroCrops 2.0, with hcat4_code and "
                "hcat4_name."
            )
        names[code] = name
    return MappingProxyType(names)

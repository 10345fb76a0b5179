"""FAO Indicative Crop Classification codes, as Sen4AgriNet writes them: three digits, group, class, subclass. Pure.

100 cereals, 110 wheat; 430 other temporary oilseed crops, 435 rapeseed. Trailing zeros stand for "all of it". Codes are
text.

Source: FAO, World Programme for the Census of Agriculture 2020, annex on crops; Sen4AgriNet's list of 168 codes.
"""

from __future__ import annotations

N_DIGITS = 3


def is_code(text: str) -> bool:
    """True for three ASCII digits that do not start with 0."""
    return len(text) == N_DIGITS and text.isascii() and text.isdigit() and text[0] != "0"


def parent(code: str) -> str | None:
    """The code one level up; None for a group."""
    head = code.rstrip("0")[:-1]
    return head.ljust(N_DIGITS, "0") if head else None


def is_in_subtree(code: str, root: str) -> bool:
    """True if `root` is `code` or above it."""
    return is_code(code) and code.startswith(root.rstrip("0"))

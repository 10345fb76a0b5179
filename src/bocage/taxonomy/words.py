"""Whole words in crop names. Pure.

`rye` is a word of "Winter rye" but not of "Ryegrass"; "sugar beet" is a phrase of "Sugar beets (seed)".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple


class Hit(NamedTuple):
    """What was found in a name, and how many words stand before it."""

    text: str
    position: int


@lru_cache(maxsize=65536)
def split_words(name: str) -> tuple[str, ...]:
    """Lower-case words without accents; everything that is neither letter nor digit separates."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = (c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))
    return tuple("".join(letters).split())


def find_phrase(name: str, phrases: Iterable[str]) -> Hit | None:
    """The first of `phrases` whose words stand next to each other in `name`, the last one perhaps in its plural."""
    words = split_words(name)
    for phrase in phrases:
        position = _position(words, split_words(phrase))
        if position is not None:
            return Hit(phrase, position)
    return None


def find_substring(name: str, substrings: Iterable[str]) -> Hit | None:
    """The first of `substrings` whose letters stand anywhere in the name, without regard to case."""
    lower = name.lower()
    text = next((s for s in substrings if s.lower() in lower), None)
    return None if text is None else Hit(text, len(lower[: lower.index(text.lower())].split()))


def _position(words: tuple[str, ...], phrase: tuple[str, ...]) -> int | None:
    if not phrase:
        return None
    *head, last = phrase
    n = len(phrase)
    starts = range(len(words) - n + 1)
    fits = (
        i for i in starts if words[i + n - 1] in (last, last + "s", last + "es") and list(words[i:][: n - 1]) == head
    )
    return next(fits, None)

"""Whole words in crop names. Pure.

`rye` is a word of "Winter rye" but not of "Ryegrass"; "sugar beet" is a phrase of "Sugar beets (seed)".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=65536)
def split_words(name: str) -> tuple[str, ...]:
    """Lower-case words without accents; everything that is neither letter nor digit separates."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = (c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))
    return tuple("".join(letters).split())


def find_phrase(name: str, phrases: Iterable[str]) -> str | None:
    """The first of `phrases` whose words stand next to each other in `name`, the last one perhaps in its plural."""
    words = split_words(name)
    return next((phrase for phrase in phrases if _has_phrase(words, split_words(phrase))), None)


def _has_phrase(words: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    if not phrase:
        return False
    *head, last = phrase
    n = len(phrase)
    return any(
        list(words[i : i + n - 1]) == head and words[i + n - 1] in (last, last + "s", last + "es")
        for i in range(len(words) - n + 1)
    )

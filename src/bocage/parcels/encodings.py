"""Text encodings, found from the bytes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

# U+FFFD, control characters of a wrong decoding, or a `?` inside a word: letters that were lost before us.
_DAMAGE = re.compile("[\ufffd\x80-\x9f]|\\w\\?\\w")


def find_encoding(texts: Iterable[bytes], *, stated: str | None, candidates: Iterable[str]) -> str:
    """The first encoding that decodes every text: what the file states, UTF-8, then the candidates.

    The last candidate is returned if none decodes all; its damage shows in `is_damaged`.
    """
    unique = set(texts)
    tried = [*([stated] if stated else []), "utf-8", *candidates]
    for encoding in tried:
        try:
            for text in unique:
                text.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        return encoding.lower()
    return tried[-1].lower()


def is_damaged(text: str) -> bool:
    """True if letters of a name are visibly lost."""
    return _DAMAGE.search(text) is not None

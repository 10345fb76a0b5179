"""Text encodings, found from the bytes and from what letters a language has. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# U+FFFD, control characters of a wrong decoding, or a `?` inside a word: letters that were lost before us.
_DAMAGE = re.compile("[\ufffd\x80-\x9f]|\\w\\?\\w")
CANDIDATES = ("cp1252", "cp1250", "cp1257", "iso8859-15", "iso8859-2")
# Letters beyond a-z of the languages of Europe's declarations (exemplar characters of Unicode CLDR).
ALPHABETS = {
    "cs": "áčďéěíňóřšťúůýž",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "pl": "ąćęłńóśźż",
    "hu": "áéíóöőúüű",
    "hr sl": "ćčđšž",
    "ro": "ăâîșțşţ",
    "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņōŗšūž",
    "et": "äõöüšž",
    "sv fi": "åäöéà",
    "da": "æøåéáüö",
    "de": "äöüßéèà",
    "nl": "éëïóöüèêáäíúçàâîôû",
    "fr": "àâæçéèêëîïôœùûüÿ",
    "es ca": "áàçéèíïñóòúü",
    "pt": "ãáâàçéêíõóôúü",
    "it": "àéèìíîóòúù",
}
_SIGNS = "°§"  # of "3°C", "§3a"
_LETTERS = {language: frozenset(letters + letters.upper() + "ºªµ") for language, letters in ALPHABETS.items()}


@dataclass(frozen=True)
class FoundEncoding:
    """An encoding and why it was taken.

    `reason` is "options", "format" (the format fixes it), "file" (stated beside the shapefile), "bytes" (valid UTF-8 or
    plain ASCII), "alphabet" (the letters are those of one language) or "guess" (it decodes, and no more).
    """

    name: str
    reason: str


def find_encoding(texts: Iterable[bytes], *, stated: str | None, candidates: Iterable[str]) -> FoundEncoding:
    """The encoding of all texts together.

    What the file states is taken if it decodes every text; then UTF-8. Else, of the candidates (first) and the other
    encodings of Europe, the first in which all letters belong to the alphabet of one language; else the first that
    decodes without damage; else the last one, and its damage shows in `is_damaged`.
    """
    unique = set(texts)
    for encoding, reason in (*([(stated, "file")] if stated else []), ("utf-8", "bytes")):
        if _decode(unique, encoding) is not None:
            return FoundEncoding(encoding.lower(), reason)
    tried = list(dict.fromkeys((*candidates, *CANDIDATES)))
    decoded = {encoding: text for encoding in tried if (text := _decode(unique, encoding)) is not None}
    for encoding, text in decoded.items():
        if is_of_one_language(text):
            return FoundEncoding(encoding.lower(), "alphabet")
    clean = [encoding for encoding, text in decoded.items() if not is_damaged(text)]
    return FoundEncoding([*clean, *decoded, tried[-1]][0].lower(), "guess")


def _decode(texts: set[bytes], encoding: str) -> str | None:
    """All texts, one a line; None if one cannot be decoded."""
    try:
        return "\n".join(sorted(text.decode(encoding) for text in texts))
    except (UnicodeDecodeError, LookupError):
        return None


def is_of_one_language(text: str) -> bool:
    """True if all letters beyond a-z are of one language, without control characters or symbols inside words."""
    letters = {c for c in text if not c.isascii() and c.isalpha()}
    return not _has_symbol_in_word(text) and any(letters <= alphabet for alphabet in _LETTERS.values())


def _has_symbol_in_word(text: str) -> bool:
    """A power, a currency, a free accent … right before a letter ("³¹ka"): a letter in another encoding.

    A degree or paragraph sign may stand before a word, but not inside one.
    """
    return any(
        after.isalpha() and (before.isalpha() or c not in _SIGNS) and _is_symbol(c)
        for before, c, after in zip("\n" + text, text, text[1:], strict=False)
        if not c.isascii()
    )


def _is_symbol(c: str) -> bool:
    return unicodedata.category(c)[0] in "SNC" or c in "¿¡"


def is_damaged(text: str) -> bool:
    """True if letters of a name are visibly lost or were decoded twice ("BlÃ© tendre")."""
    return _DAMAGE.search(text) is not None or _is_twice_decoded(text)


def _is_twice_decoded(text: str) -> bool:
    if text.isascii():
        return False
    try:
        return text.encode("cp1252").decode("utf-8") != text
    except UnicodeError:
        return False

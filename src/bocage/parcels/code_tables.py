"""Code tables: what a country's own crop codes and names are in English and in HCAT. Pure.

In: the rows of a CSV in the layout of EuroCrops' country mappings, of EuroCrops 2.0's `eurocrops.csv` or of the IACS
inventory's classifications, read by header, never by position. Out: one row a native code. Such tables are brought by
the user; EuroCrops and the IACS inventory publish them under CC BY-SA 4.0.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bocage.core.errors import CorruptFile, UnknownName
from bocage.core.tally import Tally

HEADERS = {
    "code": ("code", "original_code", "native_code", "crop_code"),
    "name": ("name", "original_name", "original_name_de", "original_name_bw", "native_name", "crop_name"),
    "name_en": ("name_en", "translated_name", "ec_trans_n", "crop_name_en"),
    "hcat_code": ("hcat_code", "hcat3_code", "hcat4_code", "ec_hcat_c"),
    "hcat_name": ("hcat_name", "hcat3_name", "hcat4_name", "ec_hcat_n"),
    "region": ("nuts", "region"),
}
REGION = "nuts"  # EuroCrops 2.0 holds the tables of all its regions in one file
_LOST = "?\N{REPLACEMENT CHARACTER}"  # what stands in place of letters that an encoding has lost
_MISREAD_AS = "cp1252"
_ENCODINGS = ("cp1250", "cp1257")  # Central European and Baltic text that was read as Western


@dataclass(frozen=True)
class CodeRow:
    """One native crop: "" where the table says nothing."""

    code: str
    name: str
    name_en: str
    hcat_code: str
    hcat_name: str
    region: str = ""  # of a table of many regions, such as EuroCrops 2.0's: at, be2, dea, …


@dataclass(frozen=True)
class CodeTable:
    """The crops of one country, found by code, else by name."""

    name: str
    rows: tuple[CodeRow, ...]
    tally: Tally

    def __post_init__(self) -> None:
        by_code = {row.code: row for row in reversed(self.rows) if row.code}
        by_name = {fold_name(row.name): row for row in reversed(self.rows) if row.name}
        for row in self.rows:
            for repaired in _other_decodings(row.name):
                by_name.setdefault(fold_name(repaired), row)
        damaged = [(_pattern(row.name), row) for row in self.rows if any(c in row.name for c in _LOST)]
        object.__setattr__(self, "_by_code", by_code)
        object.__setattr__(self, "_by_name", by_name)
        object.__setattr__(self, "_damaged", damaged)

    def of_region(self, region: str) -> CodeTable:
        """The rows of one region; the whole table if it has no regions.

        Raises:
            UnknownName: if the table has regions, but not this one.
        """
        known = sorted({row.region.lower() for row in self.rows} - {""})
        if not known:
            return self
        if region.lower() not in known:
            raise UnknownName(
                f"Code table '{self.name}' has no region '{region}'. Known: {', '.join(known)}. The region is what the "
                "name of the parcel file begins with."
            )
        return replace(self, rows=tuple(row for row in self.rows if row.region.lower() == region.lower()))

    def find(self, code: str | None, name: str | None) -> CodeRow | None:
        """The first row of this code; if the code is missing or unknown, the first row of this name.

        Names meet without case, accents and punctuation. A name of the table that was read in a wrong encoding also
        meets the right one, and a `?` in it any letter or none.
        """
        by_code: Mapping[str, CodeRow] = self._by_code  # type: ignore[attr-defined]
        by_name: Mapping[str, CodeRow] = self._by_name  # type: ignore[attr-defined]
        damaged: list[tuple[re.Pattern[str], CodeRow]] = self._damaged  # type: ignore[attr-defined]
        folded = fold_name(name or "")
        found = by_code.get(code or "") or by_name.get(folded)
        if found is None and folded:
            found = next((row for pattern, row in damaged if pattern.fullmatch(folded)), None)
        return found


def fold_name(name: str) -> str:
    """A name without case, accents and punctuation, so that spellings of one name meet."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in decomposed if c.isalnum())


def _other_decodings(name: str) -> list[str]:
    """A name with letters of a wrong encoding, as it may have been meant: "virð" was "virš"."""
    if name.isascii():
        return []
    try:
        return [name.encode(_MISREAD_AS).decode(encoding) for encoding in _ENCODINGS]
    except UnicodeError:
        return []


def _pattern(name: str) -> re.Pattern[str]:
    """What the folded form of a damaged name may have been."""
    parts = re.split(f"[{re.escape(_LOST)}]", name)
    return re.compile(".?".join(re.escape(fold_name(part)) for part in parts))


def parse_code_tables(name: str, rows: Sequence[Mapping[str, str | None]]) -> list[CodeTable]:
    """One table, or one a region (`<name>-<nuts>`) if the rows have a column `nuts`; errors as below."""
    column = next((key for key in (rows[0] if rows else {}) if key and key.strip().lower() == REGION), None)
    if column is None:
        return [parse_code_table(name, rows)]
    regions = dict.fromkeys((row.get(column) or "").strip().lower() for row in rows)
    return [
        parse_code_table(f"{name}-{region}", [r for r in rows if (r.get(column) or "").strip().lower() == region])
        for region in regions
    ]


def parse_code_table(name: str, rows: Sequence[Mapping[str, str | None]]) -> CodeTable:
    """A code table from the rows of a CSV.

    A row without native code and name continues the row above it (a second HCAT class of the same crop) and is left
    out: the first is the main crop. In a table without native columns, HCAT codes are their own native codes.

    Raises:
        CorruptFile: if there is no column of HCAT names or codes.
    """
    header = {key.strip().lower(): key for key in (rows[0] if rows else {}) if key}
    columns = {role: [header[h] for h in names if h in header] for role, names in HEADERS.items()}
    if not (columns["hcat_code"] or columns["hcat_name"]):
        raise CorruptFile(
            f"Code table '{name}' has no column HCAT3_code or HCAT3_name; found {', '.join(header) or 'no columns'}. "
            "Give a CSV in the layout of EuroCrops' country mappings."
        )
    if not (columns["code"] or columns["name"]):
        columns |= {"code": columns["hcat_code"], "name": columns["hcat_name"]}
    parsed = [CodeRow(*(_first_text(row, columns[role]) for role in HEADERS)) for row in rows]
    verdicts = [
        "continues the row above" if not (r.code or r.name) else None if r.hcat_code or r.hcat_name else "without HCAT"
        for r in parsed
    ]
    kept = tuple(row for row, verdict in zip(parsed, verdicts, strict=True) if verdict is None)
    return CodeTable(name, kept, Tally.count(verdicts))


def _first_text(row: Mapping[str, str | None], columns: Sequence[str]) -> str:
    """The first of several columns that says something; "" if none does."""
    return next((text for c in columns if (text := (row.get(c) or "").strip())), "")

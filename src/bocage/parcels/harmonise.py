"""Attributes of declared parcels: which columns they are in, text out of any type, HCAT codes and names. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bocage.core.arrays import Float64
from bocage.core.errors import ConfigError, UnknownName
from bocage.core.registry import nearest
from bocage.parcels import hcat
from bocage.parcels.code_tables import CodeTable
from bocage.parcels.encodings import is_damaged
from bocage.parcels.options import ColumnMap
from bocage.parcels.source import SOURCES, ParcelSource

Texts = NDArray[np.object_]  # str or None

# Columns of known files that name a farm, a person or an application (EuroCrops wiki; `farm_id` in the column tables of
# the IACS inventory), and words that say so in the name of any column. No source and no map may read them.
PERSONAL = frozenset(
    {
        *("hbnr", "farm_id", "id_uz", "pr_id", "kunde_lb", "unieke_sleutel", "journalnr", "cvr", "bdf_pi"),
        *("betr_id", "betnr_pseudo", "bnr_zd", "btnr", "btnr_pseudo", "reg_nr", "registrier"),
    }
)
PERSONAL_WORDS = frozenset(
    {
        *("applicant", "farmer", "owner", "ansoeger", "subjekt", "taotleja", "exploitant", "aanvrager", "titular"),
        *("antragsteller", "antragstel", "pacage", "siren", "siret", "cuaa", "email", "telefon", "telephone", "iban"),
    }
)
YEAR = "{year}"
_DBF_NAME_LENGTH = 10
_N_EXAMPLES = 5


@dataclass(frozen=True)
class HcatList:
    """One version of HCAT: what a code looks like, and the codes with their names."""

    is_code: Callable[[str], bool]
    names_by_code: Mapping[str, str]

    @cached_property
    def codes_by_name(self) -> Mapping[str, str]:
        return {name: code for code, name in self.names_by_code.items()}


HCAT3_LIST = HcatList(hcat.is_code, hcat.names_by_code())


def year_of_columns(fields: Sequence[str], wanted: ColumnMap, year: int | None) -> int | None:
    """The year that `{year}` stands for in a file: the one asked for, else the newest with such a column; else None."""
    patterns = [c.lower() for _, names in wanted for c in names if YEAR in c]
    return max((y for p in patterns for y in years_of(fields, p) if year in (None, y)), default=None)


def years_of(fields: Sequence[str], pattern: str) -> dict[int, str]:
    """Year → column of the file, for columns that are called like `pattern` with `{year}` in it."""
    spelt = re.compile(re.escape(pattern.lower()).replace(re.escape(YEAR), r"(\d{4})"))
    return {int(m[1]): f for f in fields if (m := spelt.fullmatch(f.lower()))}


def fill_year(wanted: ColumnMap, year: int | None) -> ColumnMap:
    """A column map whose `{year}` is filled in."""
    return ColumnMap(**{role: tuple(c.replace(YEAR, str(year)) for c in names) for role, names in wanted})


def is_personal(column: str) -> bool:
    """True for a column that names a person, a farm or an application, also as a shapefile shortens its name."""
    lower, spaced = column.lower(), re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).lower()  # OwnerName: owner_name
    known = any(lower in (name, name[:_DBF_NAME_LENGTH]) for name in PERSONAL)
    return known or not PERSONAL_WORDS.isdisjoint(re.split(r"[\W_]+", spaced))


def match_columns(fields: Sequence[str], wanted: ColumnMap) -> dict[str, str]:
    """Role → column of the file: the first candidate that is there, without regard to case."""
    by_lower = {f.lower(): f for f in reversed(fields)}
    found = {}
    for role, candidates in wanted:
        lowered = [name for c in candidates for name in (c.lower(), c.lower()[:_DBF_NAME_LENGTH])]
        hit = next((by_lower[c] for c in lowered if c in by_lower), None)
        if hit is not None:
            found[role] = hit
    return found


def choose_columns(
    fields: Sequence[str], source: ParcelSource, columns: ColumnMap, own: ColumnMap, *, origin: str
) -> dict[str, str]:
    """Role → column of this file: the user's own column map first, then the source's candidates (`columns`).

    Raises:
        UnknownName: if a column of the user's map, or every crop column of the source, is absent.
        ConfigError: if the map names a column about persons.
    """
    personal = [c for _, names in own for c in names if is_personal(c)]
    if personal:
        raise ConfigError(f"Column {', '.join(personal)} names persons or applicants and is not read. Choose another.")
    mine, found = match_columns(fields, own), match_columns(fields, columns) | match_columns(fields, own)
    for role, names in own:
        if names and role not in mine:
            raise UnknownName(
                f"{origin} has no column {' or '.join(names)} (asked for as {role}).{nearest(names[0], list(fields))} "
                f"Found: {', '.join(fields) or 'none'}."
            )
    if not any(role in found for role in source.needs):
        raise UnknownName(describe_no_crops({origin: fields}, source, origin=origin))
    return found


def describe_no_crops(layers: Mapping[str, Sequence[str]], source: ParcelSource, *, origin: str) -> str:
    """The message for a file without a crop column that the source knows: what there is, and what would fit.

    Args:
        layers: name → columns.
    """
    fields = [c for columns in layers.values() for c in columns]
    listed = {name: ", ".join(columns) or "none" for name, columns in layers.items()}
    found = "; ".join(f"{name}: {text}" for name, text in listed.items()) if len(listed) > 1 else listed[origin]
    looked_for = [name for role in source.needs for name in getattr(source.columns, role)[:1]]
    fits = [
        name
        for name, other in SOURCES.items()
        if other is not source and any(role in match_columns(fields, other.columns) for role in other.needs)
    ]
    asked = f"looks for {' or '.join(looked_for)}" if looked_for else "needs a column map"
    by_hand = (
        "Map its crop columns (--map; parcels.columns)" if source.name == "local" else "Map them with source 'local'"
    )
    advice = f"Source {' or '.join(fits)} would fit" if fits else by_hand
    return f"No crop column in {origin}: source '{source.name}' {asked}; found {found}. {advice}."


def as_text(values: pd.Series[Any]) -> Texts:
    """Any column as text: stripped; whole numbers without decimals; None for missing and blank."""
    if pd.api.types.is_float_dtype(values.dtype):
        return np.array([None if np.isnan(v) else f"{v:.15g}" for v in values.to_numpy(float, na_value=np.nan)], object)
    pairs = zip(values.to_numpy(object), values.isna().to_numpy(), strict=True)
    texts = [None if missing else str(v).strip() or None for v, missing in pairs]
    return np.array(texts, dtype=object)


def as_years(values: pd.Series[Any]) -> NDArray[np.int64]:
    """A column of years, dates or text that starts with a year; 0 where there is none."""
    digits = pd.Series(as_text(values), dtype=object).astype("string").str.extract(r"^(\d{4})", expand=False)
    years: NDArray[np.int64] = pd.to_numeric(digits).fillna(0).to_numpy(np.int64)
    return years


def as_numbers(values: pd.Series[Any]) -> Float64:
    """Numbers, or text with a decimal point or comma ("1 234,5", "1.234,5" and "1,234.5" as well); NaN where there is
    none."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(float, na_value=np.nan)
    spelt = ["" if t is None else re.sub(r"[\s\u00a0']", "", t) for t in as_text(values)]
    plain = [t.replace(",", "") if t.rfind(".") > t.rfind(",") else t.replace(".", "").replace(",", ".") for t in spelt]
    numbers: Float64 = pd.to_numeric(pd.Series(plain, dtype=object), errors="coerce").to_numpy(float)
    return numbers


def as_history(values: Mapping[int, Texts]) -> Texts:
    """Crop codes by year as one JSON text a row, newest year first; None where no year has one."""
    years = sorted(values, reverse=True)
    rows = zip(*(values[year] for year in years), strict=True)
    known = ({str(y): code for y, code in zip(years, row, strict=True) if code is not None} for row in rows)
    return np.array([json.dumps(codes, ensure_ascii=False) if codes else None for codes in known], dtype=object)


def complete_hcat(codes: Texts, names: Texts, listed: HcatList = HCAT3_LIST) -> tuple[Texts, Texts, dict[str, Any]]:
    """HCAT codes and names from each other, by the list of this version of HCAT, and what was odd.

    The code decides: where the list has it, its name is the list's. Without a code, a listed name gives it. Codes that
    the list does not have are kept; text that is no code is dropped. Counts are of parcels.
    """
    pairs = Counter(zip(codes, names, strict=True))
    resolved = {pair: _complete_pair(*pair, listed) for pair in pairs}
    counts, examples = Counter[str](), dict[str, list[str]]()
    for pair, n in pairs.items():
        if odd := resolved[pair][2]:
            counts[odd] += n
            examples.setdefault(odd, []).append(" / ".join(p or "-" for p in pair))
    out = [resolved[pair] for pair in zip(codes, names, strict=True)]
    notes = {odd: {"n": n, "examples": examples[odd][:_N_EXAMPLES]} for odd, n in counts.items()}
    return np.array([o[0] for o in out], object), np.array([o[1] for o in out], object), notes


def _complete_pair(code: str | None, name: str | None, known: HcatList) -> tuple[str | None, str | None, str | None]:
    """Code, name, and what is odd about the pair (None if nothing)."""
    listed = known.codes_by_name.get("_".join((name or "").lower().split()))
    if code is None:
        odd = None if listed else "HCAT name not in the list" if name else "no HCAT code"
        return (listed, known.names_by_code[listed], None) if listed else (None, name, odd)
    if not known.is_code(code):
        return listed, name, "HCAT code malformed"
    if code not in known.names_by_code:
        return code, name, "HCAT code not in the list"
    official = known.names_by_code[code]
    return code, official, "HCAT name and code disagree" if name and name != official else None


def harmonise(
    raw: pd.DataFrame, found: Mapping[str, str], *, table: CodeTable | None, listed: HcatList = HCAT3_LIST
) -> tuple[dict[str, Texts], dict[str, Any]]:
    """Crop columns of the schema (`crop:code` … `hcat:name`) from the columns of a file, and notes on odd labels.

    `table` fills in English names and HCAT codes where the file has none.
    """
    empty = np.full(len(raw), None, dtype=object)
    code, name, name_en, hcat_code, hcat_name = (
        as_text(raw[found[role]]) if role in found else empty.copy()
        for role in ("code", "name", "name_en", "hcat_code", "hcat_name")
    )
    notes: dict[str, Any] = {}
    if table is not None:
        rows = {pair: table.find(*pair) for pair in set(zip(code, name, strict=True))}
        hits = [rows[pair] for pair in zip(code, name, strict=True)]
        for i, row in enumerate(hits):
            if row is not None:
                name[i], name_en[i] = name[i] or row.name or None, name_en[i] or row.name_en or None
                if hcat_code[i] is None and hcat_name[i] is None:
                    hcat_code[i], hcat_name[i] = row.hcat_code or None, row.hcat_name or None
        lost = [" ".join(p for p in pair if p) for pair, row in rows.items() if row is None]
        notes["code_table"] = {
            "name": table.name,
            "n_not_found": sum(row is None for row in hits),
            "examples": sorted(lost)[:_N_EXAMPLES],
        }
    hcat_code, hcat_name, odd = complete_hcat(hcat_code, hcat_name, listed)
    if table is not None or "hcat_code" in found or "hcat_name" in found:
        notes["hcat"] = odd
    damaged = Counter(text for texts in (name, name_en) for text in texts if text and is_damaged(text))
    if damaged:
        notes["names_with_lost_letters"] = {"n": damaged.total(), "examples": sorted(damaged)[:_N_EXAMPLES]}
    columns = {
        "crop:code": code,
        "crop:name": name,
        "crop:name_en": name_en,
        "hcat:code": hcat_code,
        "hcat:name": hcat_name,
    }
    return columns, notes


def merge_notes(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Notes of two batches as one: counts (`n…`) add up, examples are the first few, the rest is the same in both."""
    merged = dict(a)
    for key, value in b.items():
        if key not in a:
            merged[key] = value
        elif isinstance(value, Mapping):
            merged[key] = merge_notes(a[key], value)
        elif key == "examples":
            merged[key] = list(dict.fromkeys((*a[key], *value)))[:_N_EXAMPLES]
        elif key == "n" or key.startswith("n_"):
            merged[key] = a[key] + value
    return merged

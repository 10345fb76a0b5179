"""Parcel file → everything that is decided about it before its parcels are read. IO, read only.

Layers, columns, CRS, encoding and filters follow from headers and from the columns without geometry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from bocage.core.errors import ConfigError, CorruptFile, NothingLeft, SourceError, UnknownName
from bocage.core.registry import nearest
from bocage.parcels import hcat4
from bocage.parcels.code_tables import CodeTable
from bocage.parcels.crs import parse_crs
from bocage.parcels.encodings import FoundEncoding
from bocage.parcels.harmonise import (
    HCAT3_LIST,
    HcatList,
    as_text,
    as_years,
    choose_columns,
    describe_no_crops,
    fill_year,
    match_columns,
    year_of_columns,
    years_of,
)
from bocage.parcels.identities import text_keys
from bocage.parcels.options import ColumnMap, ParcelOptions
from bocage.parcels.read_layer import Layer, find_layers
from bocage.parcels.read_rows import RawRows, read_rows
from bocage.parcels.read_text import decode_rows, find_text_encoding
from bocage.parcels.source import SOURCES, ParcelSource
from bocage.parcels.store_code_tables import find_code_table, read_csv

MAX_YEARS = 50  # distinct values of a year column that are worth a filter while reading
HCAT4_LIST = "hcat4.csv"  # beside the code table


@dataclass(frozen=True)
class Part:
    """One layer and how it is read.

    Attributes:
        found: role → column.
        history: earlier year → column of its native crop code.
        keep: filter on the year column that is passed down to the file.
        n_other_year: rows that this filter leaves out.
    """

    layer: Layer
    found: Mapping[str, str]
    history: Mapping[int, str]
    encoding: FoundEncoding
    keep: Mapping[str, list[str | int]]
    n_other_year: int
    stem: str

    def decode(self, batch: RawRows) -> pd.DataFrame:
        """The columns of some rows of this layer, their text decoded."""
        return decode_rows(batch.frame, self.encoding.name) if self.layer.suffix == ".shp" else batch.frame


@dataclass(frozen=True)
class Reading:
    """Everything that is decided about a file before its parcels are read.

    Attributes:
        left_out: layers with crops that nobody asked for: without `parcels.layer`, only the first one is read.
    """

    options: ParcelOptions
    source: ParcelSource
    parts: tuple[Part, ...]
    table: CodeTable | None
    listed: HcatList
    country: str
    year: int
    crs: CRS
    crs_from: str
    id_keys: NDArray[np.uint64]
    left_out: tuple[Layer, ...]

    @property
    def n_rows(self) -> int:
        return sum(part.layer.n_rows for part in self.parts)

    def __str__(self) -> str:
        return " + ".join(str(part.layer) for part in self.parts[:3]) + (" + …" if len(self.parts) > 3 else "")


def open_parcels(options: ParcelOptions) -> Reading:
    """Decide on layers, columns, CRS, encoding and filters, from headers and from the columns without geometry.

    Raises:
        MissingFile, CorruptFile, SourceError: if there is no readable file, or no CRS.
        UnknownName: if the source or a column does not exist; the message lists the columns found.
        NothingLeft: if the file has no rows.
    """
    source = SOURCES[options.kind]
    found = find_layers(Path(options.path))
    layers = _choose_layers(found, source, options)
    if not any(layer.n_rows for layer in layers):
        raise NothingLeft(f"{layers[0]} has no parcels: 0 rows. Check that the download is complete.")
    year = year_of_columns(layers[0].fields, source.columns, options.year)
    stems = [layers[0].stem] if len(layers) == 1 else _distinct([layer.name for layer in layers])
    parts = tuple(_plan_part(layer, source, options, year, stem) for layer, stem in zip(layers, stems, strict=True))
    named = source.file_name.fullmatch(layers[0].stem) if source.file_name else None
    groups = named.groupdict() if named else {}
    region = groups.get("region") or ""
    country = options.country or groups.get("country") or region[:2].upper() or source.country
    table = find_code_table(options.code_table) if options.code_table else None
    if table is not None and source.hcat_version == 4:
        table = table.of_region(region or country.lower())
    crs, crs_from = _choose_crs(layers, source, options, country)
    return Reading(
        options=options,
        source=source,
        parts=parts,
        table=table,
        listed=_hcat_list(source, options, table),
        country=country,
        year=options.year or year or int(groups.get("year") or 0),
        crs=crs,
        crs_from=crs_from,
        id_keys=_read_id_keys(parts),
        left_out=tuple(
            layer
            for layer in found
            if options.layer is None and layer not in layers and layer.n_rows and _has_crops(layer, source, options)
        ),
    )


def _choose_layers(layers: list[Layer], source: ParcelSource, options: ParcelOptions) -> list[Layer]:
    """The layers that were asked for, else the first one with rows and a crop column, else the first one with rows."""
    if not layers:
        raise CorruptFile(f"{options.path} holds no layer with geometries. Check that it is a parcel file.")
    if options.layer is not None:
        return _asked_layers(layers, options.layer, options.path)
    fits = [layer for layer in layers if _has_crops(layer, source, options)]
    if not fits and len(layers) > 1 and options.columns == ColumnMap():
        found = {layer.name: layer.fields for layer in layers}
        raise UnknownName(describe_no_crops(found, source, origin=options.path))
    wanted = fits or layers
    return ([layer for layer in wanted if layer.n_rows] or wanted)[:1]


def _asked_layers(layers: list[Layer], asked: str, path: str) -> list[Layer]:
    """The layer of this name (of itself or its file), or all that match a pattern; without regard to case."""
    several, wanted = any(c in asked for c in "*?["), asked.lower()
    named = [(x, [n.lower() for n in (x.name, x.stem, x.member or "")]) for x in layers]
    chosen = [x for x, names in named if wanted in names] or [
        x for x, names in named if several and any(fnmatchcase(n, wanted) for n in names if n)
    ]
    if not chosen:
        known = [x.name for x in layers]
        raise UnknownName(f"No layer '{asked}' in {path}.{nearest(asked, known)} Found: {', '.join(known)}.")
    return chosen if several else chosen[:1]


def _has_crops(layer: Layer, source: ParcelSource, options: ParcelOptions) -> bool:
    year = year_of_columns(layer.fields, source.columns, options.year)
    wanted = fill_year(source.columns, year) if year else source.columns
    found = match_columns(layer.fields, wanted) | match_columns(layer.fields, options.columns)
    return any(role in found for role in source.needs)


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of layers, of which several files of an archive may have the same: the second becomes `name.2`."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name}.{n}" for n in count(2))
        found.append(next(stem for stem in chain([name], numbered) if stem not in found))
    return found


def _plan_part(layer: Layer, source: ParcelSource, options: ParcelOptions, year: int | None, stem: str) -> Part:
    wanted = source.columns if year is None else fill_year(source.columns, year)
    found = choose_columns(layer.fields, source, wanted, options.columns, origin=str(layer))
    earlier = years_of(layer.fields, source.history) if source.history and year is not None else {}
    text_columns = list(dict.fromkeys(found.values()))
    encoding = find_text_encoding(layer, text_columns, given=options.encoding, candidates=source.encodings)
    keep, n_other_year = _year_filter(layer, found, options)
    return Part(
        layer=layer,
        found=found,
        history={y: column for y, column in sorted(earlier.items(), reverse=True) if y < (year or 0)},
        encoding=encoding,
        keep=keep,
        n_other_year=n_other_year,
        stem=stem,
    )


def _year_filter(
    layer: Layer, found: Mapping[str, str], options: ParcelOptions
) -> tuple[dict[str, list[str | int]], int]:
    """The values of the year column that are wanted, and the number of rows with others.

    Nothing is filtered while reading if the column holds too many different values, or values that are neither text
    nor whole numbers; such rows are judged one by one.
    """
    column = found.get("year")
    if column is None or options.year is None:
        return {}, 0
    counts = Counter[Any]()
    for batch in read_rows(layer, [column], geometry=False):
        counts.update(batch.frame[column].dropna().value_counts().to_dict())
        if len(counts) > MAX_YEARS:
            return {}, 0
    values = list(counts)
    plain = all(isinstance(v, int | np.integer) for v in values) or all(
        isinstance(v, str) and v.isascii() for v in values
    )
    if not plain:
        return {}, 0
    years = dict(zip(values, as_years(pd.Series(values, dtype=object)), strict=True))
    wanted = [v if isinstance(v, str) else int(v) for v in values if years[v] in (0, options.year)]
    return {column: wanted}, sum(n for v, n in counts.items() if years[v] not in (0, options.year))


def _read_id_keys(parts: tuple[Part, ...]) -> NDArray[np.uint64]:
    keys = [np.empty(0, dtype=np.uint64)]
    for part in parts:
        if (column := part.found.get("id")) is not None:
            for batch in read_rows(part.layer, [column], geometry=False):
                ids = as_text(part.decode(batch)[column])
                keys.append(text_keys(ids[np.array([i is not None for i in ids], dtype=bool)]))
    return np.concatenate(keys)


def _choose_crs(layers: list[Layer], source: ParcelSource, options: ParcelOptions, country: str) -> tuple[CRS, str]:
    """The CRS, and where it comes from: the options, the file, or the source."""
    if options.crs:
        return parse_crs(options.crs), "options"
    stated = [_stated_crs(layer) for layer in layers if layer.crs]
    if any(crs != stated[0] for crs in stated):
        raise ConfigError(f"The layers of {options.path} have different CRSs. Read them one by one (parcels.layer).")
    if stated:
        return stated[0], "file"
    known = source.crs_if_missing.get(country) or source.crs_if_missing.get("*")
    if known is None:
        raise SourceError(f"{layers[0]} states no CRS and source '{source.name}' knows none. Set parcels.crs (EPSG:…).")
    return parse_crs(known), "source"


def _stated_crs(layer: Layer) -> CRS:
    try:
        return CRS.from_user_input(layer.crs)
    except CRSError as error:
        raise CorruptFile(f"{layer} states a CRS that is none ({error}). Set parcels.crs (EPSG:…).") from error


def _hcat_list(source: ParcelSource, options: ParcelOptions, table: CodeTable | None) -> HcatList:
    """HCAT3 as shipped; HCAT4 from the user's `hcat4.csv` beside the code table, else from that table itself."""
    if source.hcat_version == 3:
        return HCAT3_LIST
    beside = Path(options.code_table or "").with_name(HCAT4_LIST) if options.code_table else None
    if beside is not None and beside.is_file():
        return HcatList(hcat4.is_code, hcat4.parse_hcat4(read_csv(beside), origin=str(beside)))
    return HcatList(hcat4.is_code, {row.hcat_code: row.hcat_name for row in (table.rows if table else ())})

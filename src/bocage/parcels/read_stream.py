"""Parcel files → batches of parcels in the schema, with an account of what was dropped. IO, read only.

A file is gone through once for its text and ids, without geometry, and once for its parcels. Between batches only keys
of 64 bits (shapes, ids), counts and a bounded sample for the overlaps are kept, so that memory hardly grows with the
file.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from bocage.core.arrays import Bool, Float64, Int64
from bocage.core.errors import ConfigError, CorruptFile, NothingLeft, SourceError, UnknownName
from bocage.core.registry import nearest
from bocage.core.tally import Tally
from bocage.parcels import hcat4
from bocage.parcels.code_tables import CodeTable
from bocage.parcels.crs import LONLAT, Bounds, lonlat_boxes, name_crs, outer_box, parse_crs, transformer
from bocage.parcels.encodings import FoundEncoding
from bocage.parcels.geometry import MIN_AREA_M2, areas_ha, drop_slivers, move, repair, shape_keys
from bocage.parcels.harmonise import (
    HCAT3_LIST,
    HcatList,
    Texts,
    as_history,
    as_numbers,
    as_text,
    as_years,
    choose_columns,
    fill_year,
    harmonise,
    match_columns,
    merge_notes,
    year_of_columns,
    years_of,
)
from bocage.parcels.identities import SeenKeys, UniqueIds, text_keys
from bocage.parcels.options import ParcelOptions
from bocage.parcels.overlaps import OverlapCount
from bocage.parcels.read_layer import (
    Layer,
    RawRows,
    decode_rows,
    find_layers,
    find_text_encoding,
    read_bounds,
    read_rows,
)
from bocage.parcels.schema import COLUMNS, HISTORY, ParcelSummary
from bocage.parcels.source import SOURCES, ParcelSource
from bocage.parcels.store_code_tables import find_code_table

OUTSIDE = "outside the box"
OTHER_YEAR = "declared for another year"
NOT_PLACED = "outside its CRS"
MAX_YEARS = 50  # distinct values of a year column that are worth a filter while reading
DIFFERS = 0.1  # a declared area that is off by more than this fraction is counted
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


@dataclass(frozen=True)
class Reading:
    """Everything that is decided about a file before its parcels are read."""

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

    @property
    def n_rows(self) -> int:
        return sum(part.layer.n_rows for part in self.parts)

    def __str__(self) -> str:
        return " + ".join(str(part.layer) for part in self.parts[:3]) + (" + …" if len(self.parts) > 3 else "")


@dataclass
class Account:
    """What a stream has seen so far."""

    tally: Tally = field(default_factory=Tally)
    n_seen: int = 0
    area_ha: float = 0.0
    n_repaired: int = 0
    crs: CRS | None = None
    crs_name: str = ""
    bounds: Bounds | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    shapes: SeenKeys = field(default_factory=SeenKeys)
    overlaps: OverlapCount = field(default_factory=OverlapCount)


def open_parcels(options: ParcelOptions) -> Reading:
    """Decide on layers, columns, CRS, encoding and filters, from headers and from the columns without geometry.

    Raises:
        MissingFile, CorruptFile, SourceError: if there is no readable file, or no CRS.
        UnknownName: if the source or a column does not exist; the message lists the columns found.
        NothingLeft: if the file has no rows.
    """
    source = SOURCES[options.kind]
    layers = _choose_layers(find_layers(Path(options.path)), source, options)
    if not any(layer.n_rows for layer in layers):
        raise NothingLeft(f"{layers[0]} has no parcels: 0 rows. Check that the download is complete.")
    year = year_of_columns(layers[0].fields, source.columns, options.year)
    parts = tuple(_plan_part(layer, source, options, year, alone=len(layers) == 1) for layer in layers)
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
    )


def _choose_layers(layers: list[Layer], source: ParcelSource, options: ParcelOptions) -> list[Layer]:
    """The layers that were asked for, else the first one with rows and a crop column, else the first one."""
    if not layers:
        raise CorruptFile(f"{options.path} holds no layer with geometries. Check that it is a parcel file.")
    if options.layer is not None:
        asked = options.layer
        several = any(c in asked for c in "*?[")
        chosen = [x for x in layers for name in [(x.name, x.stem, x.member or "")] if asked in name] or [
            x for x in layers if several and any(fnmatch(n, asked) for n in (x.name, x.member or x.name))
        ]
        if not chosen:
            known = [x.name for x in layers]
            hint = nearest(asked, known)
            raise UnknownName(f"No layer '{asked}' in {options.path}.{hint} Found: {', '.join(known)}.")
        return chosen if several else chosen[:1]
    fits = [layer for layer in layers if _has_crops(layer, source, options)]
    return ([layer for layer in fits if layer.n_rows] or fits or layers)[:1]


def _has_crops(layer: Layer, source: ParcelSource, options: ParcelOptions) -> bool:
    year = year_of_columns(layer.fields, source.columns, options.year)
    wanted = fill_year(source.columns, year) if year else source.columns
    found = match_columns(layer.fields, wanted) | match_columns(layer.fields, options.columns)
    return any(role in found for role in source.needs)


def _plan_part(layer: Layer, source: ParcelSource, options: ParcelOptions, year: int | None, *, alone: bool) -> Part:
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
        stem=layer.stem if alone else layer.name,
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
                ids = as_text(_decoded(batch, part)[column])
                keys.append(text_keys(ids[np.array([i is not None for i in ids], dtype=bool)]))
    return np.concatenate(keys)


def _decoded(batch: RawRows, part: Part) -> pd.DataFrame:
    return decode_rows(batch.frame, part.encoding.name) if part.layer.suffix == ".shp" else batch.frame


def _choose_crs(layers: list[Layer], source: ParcelSource, options: ParcelOptions, country: str) -> tuple[CRS, str]:
    """The CRS, and where it comes from: the options, the file, or the source."""
    if options.crs:
        return parse_crs(options.crs), "options"
    stated = [CRS.from_user_input(layer.crs) for layer in layers if layer.crs]
    if any(crs != stated[0] for crs in stated):
        raise ConfigError(f"The layers of {options.path} have different CRSs. Read them one by one (parcels.layer).")
    if stated:
        return stated[0], "file"
    known = source.crs_if_missing.get(country) or source.crs_if_missing.get("*")
    if known is None:
        raise SourceError(f"{layers[0]} states no CRS and source '{source.name}' knows none. Set parcels.crs (EPSG:…).")
    return parse_crs(known), "source"


def _hcat_list(source: ParcelSource, options: ParcelOptions, table: CodeTable | None) -> HcatList:
    """HCAT3 as shipped; HCAT4 from the user's `hcat4.csv` beside the code table, else from that table itself."""
    if source.hcat_version == 3:
        return HCAT3_LIST
    beside = Path(options.code_table or "").with_name(HCAT4_LIST) if options.code_table else None
    if beside is not None and beside.is_file():
        rows = list(csv.DictReader(beside.read_text(encoding="utf-8-sig").splitlines()))
        return HcatList(hcat4.is_code, hcat4.parse_hcat4(rows, origin=str(beside)))
    return HcatList(hcat4.is_code, {row.hcat_code: row.hcat_name for row in (table.rows if table else ())})


def read_batches(reading: Reading, account: Account) -> Iterator[gpd.GeoDataFrame]:
    """Parcels in the schema, batch by batch; empty batches are left out. `account` is filled on the way."""
    ids = UniqueIds(reading.id_keys)
    for part in reading.parts:
        columns = list(dict.fromkeys((*part.found.values(), *part.history.values())))
        area = _box_in(reading.crs, reading.options.bbox)
        n_before = account.n_seen
        for batch in read_rows(part.layer, columns, area=area, keep=part.keep):
            frame = _read_batch(reading, account, part, batch, ids)
            if frame is not None:
                yield frame
        unread = max(0, part.layer.n_rows - (account.n_seen - n_before) - part.n_other_year)
        left_out = {OTHER_YEAR: part.n_other_year, OUTSIDE if reading.options.bbox else "unreadable": unread}
        account.tally += Tally(0, left_out)
    account.notes["n_ids_made"] = ids.n_made


def _box_in(crs: CRS, bbox: Bounds | None) -> Bounds | None:
    """A lon/lat box in another CRS; None if there is none, or it has no place there."""
    if bbox is None:
        return None
    box = transformer(LONLAT, crs).transform_bounds(*bbox, densify_pts=21)
    return box if np.isfinite(box).all() else None


def _read_batch(
    reading: Reading, account: Account, part: Part, batch: RawRows, ids: UniqueIds
) -> gpd.GeoDataFrame | None:
    account.n_seen += len(batch.rows)
    if not len(batch.rows):
        return None
    geometries, repaired = repair(batch.geometries.copy())
    where = lonlat_boxes(reading.crs, shapely.bounds(geometries))
    placed = _is_placed(where)
    if account.crs is None and placed.any():
        account.crs_name, account.crs = name_crs(reading.crs, outer_box(shapely.bounds(geometries)[placed]))
    crs = account.crs or reading.crs
    geometries, had_slivers = drop_slivers(geometries, crs)
    area_ha = areas_ha(geometries, crs)

    raw, found, options = _decoded(batch, part), part.found, reading.options
    years = as_years(raw[found["year"]]) if "year" in found else np.zeros(len(raw), np.int64)
    columns, notes = harmonise(raw, found, table=reading.table, listed=reading.listed)
    verdicts = _judge(geometries, crs, where, placed, area_ha, years, options)
    _judge_duplicates(verdicts, geometries, columns, account.shapes)
    kept = np.array([v is None for v in verdicts], dtype=bool)
    account.notes = merge_notes(account.notes, notes | _compare_areas(raw, found, area_ha, kept))
    number = account.tally.kept
    account.tally += Tally.count(verdicts)
    if not kept.any():
        return None
    account.area_ha += float(area_ha[kept].sum())
    account.n_repaired += int((repaired | had_slivers)[kept].sum())
    account.bounds = outer_box(np.vstack([where[kept], *([account.bounds] if account.bounds else [])]))
    account.overlaps.add(geometries[kept], where[kept])

    given = as_text(raw[found["id"]])[kept] if "id" in found else np.full(int(kept.sum()), None, object)
    frame = gpd.GeoDataFrame(
        {
            "id": texts(ids.name(given, batch.rows[kept], stem=part.stem)),
            "number": np.arange(number + 1, number + 1 + len(given), dtype=np.uint32),
            "country": texts(_countries(raw, found, reading)[kept]),
            "year": np.where(years[kept] > 0, years[kept], reading.year),
            **{name: texts(values[kept]) for name, values in columns.items()},
            "area": area_ha[kept],
        },
        geometry=geometries[kept],
        crs=crs,
    )[list(COLUMNS)]
    if part.history:
        frame[HISTORY] = texts(as_history({y: as_text(raw[c]) for y, c in part.history.items()})[kept])
    return frame


def _is_placed(where: Float64) -> Bool:
    """Which lon/lat boxes are on the earth."""
    with np.errstate(invalid="ignore"):
        placed: Bool = np.all(np.abs(where) <= np.array([360, 90, 360, 90]), axis=1)
    return placed


def _countries(raw: pd.DataFrame, found: Mapping[str, str], reading: Reading) -> Texts:
    """The country of each row: the options, else the file's column, else the file's name or the source."""
    if "country" not in found or reading.options.country:
        return np.full(len(raw), reading.country, dtype=object)
    return np.array([c.upper() if c else reading.country for c in as_text(raw[found["country"]])], dtype=object)


def _compare_areas(
    raw: pd.DataFrame, found: Mapping[str, str], area_ha: Float64, kept: Bool
) -> dict[str, dict[str, int]]:
    """Declared areas beside the measured ones, where the file has them."""
    if "area" not in found:
        return {}
    declared = as_numbers(raw[found["area"]])[kept]
    with np.errstate(invalid="ignore"):
        off = np.abs(declared - area_ha[kept]) > DIFFERS * area_ha[kept]
    return {"declared_area": {"n_differ": int(off.sum()), "n_missing": int(np.isnan(declared).sum())}}


def _judge(
    geometries: NDArray[np.object_],
    crs: CRS,
    where: Float64,
    placed: Bool,
    area_ha: Float64,
    years: Int64,
    options: ParcelOptions,
) -> NDArray[np.object_]:
    """Why each parcel is dropped; None for those that stay."""
    verdicts = np.full(len(geometries), None, dtype=object)
    _set(verdicts, "no geometry", np.array([g is None for g in geometries], dtype=bool))
    _set(verdicts, "no polygon", shapely.is_empty(geometries))
    _set(verdicts, NOT_PLACED, ~placed)
    _set(verdicts, "across the antimeridian", where[:, 2] - where[:, 0] > 180)
    _set(verdicts, f"under {MIN_AREA_M2:g} m²", area_ha * 10_000 < MIN_AREA_M2)
    if options.year is not None:
        _set(verdicts, OTHER_YEAR, (years > 0) & (years != options.year))
    if options.bbox is not None:
        asked = np.full(len(geometries), shapely.box(*options.bbox), dtype=object)
        _set(verdicts, OUTSIDE, ~shapely.intersects(move(geometries, crs, LONLAT), asked))
    return verdicts


def _set(verdicts: NDArray[np.object_], reason: str, hit: Bool) -> None:
    """Give `reason` to the parcels that are hit and have none yet."""
    verdicts[hit & np.array([v is None for v in verdicts], dtype=bool)] = reason


def _judge_duplicates(
    verdicts: NDArray[np.object_], geometries: NDArray[np.object_], columns: Mapping[str, Texts], shapes: SeenKeys
) -> None:
    """Of parcels with exactly the same shape, the first one of the file stays."""
    left = np.flatnonzero([v is None for v in verdicts])
    labels = ["\x1f".join(v or "" for v in row) for row in zip(*(c[left] for c in columns.values()), strict=True)]
    crops = (text_keys(np.array(labels, dtype=object)) >> np.uint64(32)).astype(np.uint32)
    is_new, first_crops = shapes.add(shape_keys(geometries[left]), crops)
    for i in np.flatnonzero(~is_new):
        same_crop = crops[i] == first_crops[i]
        verdicts[left[i]] = f"same shape as an earlier parcel, {'same' if same_crop else 'another'} crop"


def texts(values: Texts) -> pd.Series[Any]:
    """A column of text that keeps None as None."""
    return pd.Series(values, dtype=object)


def summarise(reading: Reading, account: Account) -> ParcelSummary:
    """The account of a stream that has come to its end.

    Raises:
        NothingLeft: if every parcel was dropped; the message says why, and where the parcels are.
    """
    if not account.tally.kept:
        raise NothingLeft(_nothing_left(reading, account.tally))
    assert account.crs is not None  # kept parcels have a place
    first = reading.parts[0]
    notes = account.notes | {
        "source": reading.source.name,
        "file": first.layer.place.name,
        "layer": ", ".join(part.layer.name for part in reading.parts),
        "columns": dict(first.found),
        "encoding": first.encoding.name,
        "encoding_from": first.encoding.reason,
        "crs_from": reading.crs_from,
        "coverage": reading.options.coverage,
        "hcat_version": reading.source.hcat_version,
        "n_repaired": account.n_repaired,
        "bounds_lonlat": [round(v, 6) for v in account.bounds or ()],
        "overlaps": account.overlaps.count(account.crs),
    }
    return ParcelSummary(account.tally, account.crs_name, account.tally.total, account.area_ha, notes)


def _nothing_left(reading: Reading, tally: Tally) -> str:
    options = reading.options
    text = f"No parcel of {reading} is left: {tally}."
    if options.year is not None and OTHER_YEAR in tally.dropped:
        text += f" The year asked for is {options.year}; check parcels.year."
    if NOT_PLACED in tally.dropped:
        text += f" The coordinates have no place in {reading.crs.name}; check parcels.crs."
    if options.bbox is not None and OUTSIDE in tally.dropped:
        there = lonlat_boxes(reading.crs, np.array([read_bounds(part.layer) for part in reading.parts]))
        asked, found = (", ".join(f"{v:.6g}" for v in box) for box in (options.bbox, outer_box(there)))
        text += (
            f" Asked: {asked} (left, bottom, right, top in degrees); the parcels lie in {found}. Change parcels.bbox."
        )
    return text

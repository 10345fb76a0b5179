"""Parcel files → batches of parcels in the schema, with an account of what was dropped. IO, read only.

A file is gone through once for its text and ids, without geometry (`read_plan`), and once for its parcels. Between
batches only keys of 64 bits (shapes, ids), counts and a bounded sample for the overlaps are kept, so that memory
hardly grows with the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from bocage.core.arrays import Bool, Float64
from bocage.core.errors import NothingLeft
from bocage.core.tally import Tally
from bocage.parcels.crs import LONLAT, Bounds, lonlat_boxes, name_crs, outer_box, transformer
from bocage.parcels.geometry import areas_ha, drop_slivers, repair
from bocage.parcels.harmonise import Texts, as_history, as_numbers, as_text, as_years, harmonise, merge_notes
from bocage.parcels.identities import SeenKeys, UniqueIds
from bocage.parcels.judge import (
    NO_POLYGON,
    NOT_PLACED,
    OTHER_YEAR,
    OUTSIDE,
    TINY,
    is_placed,
    judge_duplicates,
    judge_parcels,
)
from bocage.parcels.overlaps import OverlapCount
from bocage.parcels.places import check_country, describe_elsewhere
from bocage.parcels.read_plan import Part, Reading
from bocage.parcels.read_rows import RawRows, read_bounds, read_rows
from bocage.parcels.schema import COLUMNS, HISTORY, ParcelSummary

DIFFERS = 0.1  # a declared area that is off by more than this fraction is counted


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
    placed = is_placed(where)
    if account.crs is None and placed.any():
        account.crs_name, account.crs = name_crs(reading.crs, outer_box(shapely.bounds(geometries)[placed]))
    crs = account.crs or reading.crs
    geometries, had_slivers = drop_slivers(geometries, crs)
    area_ha = areas_ha(geometries, crs)

    raw, found, options = part.decode(batch), part.found, reading.options
    years = as_years(raw[found["year"]]) if "year" in found else np.zeros(len(raw), np.int64)
    columns, notes = harmonise(raw, found, table=reading.table, listed=reading.listed)
    verdicts = judge_parcels(geometries, crs, where, placed, area_ha, years, options)
    judge_duplicates(verdicts, geometries, columns, account.shapes)
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

    countries, harvests = _countries(raw, found, reading)[kept], np.where(years[kept] > 0, years[kept], reading.year)
    unknown = {"n_without_country": int((countries == "").sum()), "n_without_year": int((harvests == 0).sum())}
    account.notes = merge_notes(account.notes, unknown)
    given = as_text(raw[found["id"]])[kept] if "id" in found else np.full(int(kept.sum()), None, object)
    frame = gpd.GeoDataFrame(
        {
            "id": texts(ids.name(given, batch.rows[kept], stem=part.stem)),
            "number": np.arange(number + 1, number + 1 + len(given), dtype=np.uint32),
            "country": texts(countries),
            "year": harvests,
            **{name: texts(values[kept]) for name, values in columns.items()},
            "area": area_ha[kept],
        },
        geometry=geometries[kept],
        crs=crs,
    )[list(COLUMNS)]
    if part.history:
        frame[HISTORY] = texts(as_history({y: as_text(raw[c]) for y, c in part.history.items()})[kept])
    return frame


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


def texts(values: Texts) -> pd.Series[Any]:
    """A column of text that keeps None as None."""
    return pd.Series(values, dtype=object)


def summarise(reading: Reading, account: Account) -> ParcelSummary:
    """The account of a stream that has come to its end.

    Raises:
        NothingLeft: if every parcel was dropped; the message says why, and where the parcels are.
        DataError: if no parcel can lie in the country that the options say all are declared for.
    """
    if not account.tally.kept:
        raise NothingLeft(_nothing_left(reading, account.tally))
    assert account.crs is not None  # kept parcels have a place
    first = reading.parts[0]
    if account.bounds is not None and reading.options.country:
        check_country(reading.options.country, account.bounds)
    elif account.bounds is not None and not any("country" in part.found for part in reading.parts):
        elsewhere = describe_elsewhere(reading.country, account.bounds)
        account.notes |= {"elsewhere": elsewhere} if elsewhere else {}
    if reading.left_out:
        account.notes["layers_left_out"] = {layer.name: layer.n_rows for layer in reading.left_out}
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


def _like_degrees(bounds: Sequence[float]) -> bool:
    return max(abs(bounds[0]), abs(bounds[2])) <= 180 and max(abs(bounds[1]), abs(bounds[3])) <= 90


def _nothing_left(reading: Reading, tally: Tally) -> str:
    options = reading.options
    text = f"No parcel of {reading} is left: {tally}."
    if options.year is not None and OTHER_YEAR in tally.dropped:
        text += f" The year asked for is {options.year}; check parcels.year."
    if tally.dropped == {NO_POLYGON: tally.total}:
        text += " Parcels are polygons; the file holds points or lines."
    if NOT_PLACED in tally.dropped:
        text += f" The coordinates have no place in {reading.crs.name}; check parcels.crs."
    if (
        TINY in tally.dropped
        and not reading.crs.is_geographic
        and all(_like_degrees(read_bounds(part.layer)) for part in reading.parts)
    ):
        text += f" The coordinates look like degrees, but were read as {reading.crs.name}: try parcels.crs EPSG:4326."
    if options.bbox is not None and OUTSIDE in tally.dropped:
        there = lonlat_boxes(reading.crs, np.array([read_bounds(part.layer) for part in reading.parts]))
        asked, found = (", ".join(f"{v:.6g}" for v in box) for box in (options.bbox, outer_box(there)))
        text += (
            f" Asked: {asked} (left, bottom, right, top in degrees); the parcels lie in {found}. Change parcels.bbox."
        )
    return text

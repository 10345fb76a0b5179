"""Parcel files → ParcelTable, and stored parcel tables back. IO, read only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from bocage.core.errors import CorruptFile, MissingFile, NothingLeft, SourceError, UnknownName
from bocage.core.registry import nearest
from bocage.core.tally import Tally
from bocage.parcels import sources  # noqa: F401  (registers the sources)
from bocage.parcels.crs import Bounds, equal_area_crs, lonlat_boxes, name_crs, outer_box, parse_crs
from bocage.parcels.geometry import MIN_AREA_M2, areas_ha, first_of_same, move, repair
from bocage.parcels.harmonise import as_text, as_years, choose_columns, harmonise, match_columns, unique_ids
from bocage.parcels.options import ParcelOptions
from bocage.parcels.read_layer import Layer, RawLayer, find_layers, layer_crs, read_bounds, read_layer
from bocage.parcels.schema import COLUMNS, TEXT_COLUMNS, ParcelTable, check_parcels
from bocage.parcels.source import SOURCES, ParcelSource
from bocage.parcels.store_code_tables import find_code_table

OUTSIDE = "outside the box"
OTHER_YEAR = "declared for another year"
LONLAT = CRS.from_epsg(4326)


def read_parcels(options: ParcelOptions) -> ParcelTable:
    """Read declared parcels of any supported file into one schema.

    Raises:
        MissingFile, CorruptFile, SourceError: if there is no readable file, or no CRS.
        UnknownName: if the source or a column does not exist; the message lists the columns found.
        NothingLeft: if the file is empty or every parcel was dropped; the message says where the parcels are.
    """
    source = SOURCES[options.kind]
    table = find_code_table(options.code_table) if options.code_table else None
    layer = _choose_layer(find_layers(Path(options.path)), source, options)
    found = choose_columns(layer.fields, source, options.columns, origin=str(layer))
    if layer.n_rows == 0:
        raise NothingLeft(f"{layer} has no parcels: 0 rows. Check that the download is complete.")
    country, year_of_file = _place_of(layer, source, options)

    raw, crs, crs_from = _read_rows(layer, source, options, found, country=country)
    geometries, repaired = repair(raw.frame.geometry.to_numpy().copy())
    where = lonlat_boxes(crs, shapely.bounds(geometries))
    placed: NDArray[np.bool_] = np.asarray(np.isfinite(where).all(axis=1))
    if not placed.any():
        reason = OUTSIDE if options.bbox is not None else "without a geometry in their CRS"
        raise NothingLeft(_nothing_left(layer, Tally(0, {reason: layer.n_rows}), crs, options))
    crs_name, crs = name_crs(crs, outer_box(shapely.bounds(geometries)[placed]))
    area_ha = areas_ha(geometries, crs, equal_area_crs(outer_box(where[placed])))
    years = as_years(raw.frame[found["year"]]) if "year" in found else np.zeros(len(raw.frame), np.int64)
    columns, notes = harmonise(raw.frame, found, table=table)

    verdicts = _judge(geometries, crs, placed, area_ha, years, columns, options)
    kept = np.array([v is None for v in verdicts], dtype=bool)
    not_read = max(0, layer.n_rows - len(raw.frame))
    tally = Tally.count(verdicts) + Tally(0, {"unreadable" if options.bbox is None else OUTSIDE: not_read})
    if not kept.any():
        raise NothingLeft(_nothing_left(layer, tally, crs, options))

    rows = raw.frame.index.to_numpy(np.int64)[kept]
    given = as_text(raw.frame[found["id"]])[kept] if "id" in found else np.full(len(rows), None, object)
    ids, n_made = unique_ids(given, rows, stem=layer.stem)
    frame = gpd.GeoDataFrame(
        {
            "id": _texts(ids),
            "number": np.arange(1, len(ids) + 1, dtype=np.uint32),
            "country": _texts(np.full(len(ids), country, object)),
            "year": np.where(years[kept] > 0, years[kept], options.year or year_of_file),
            **{name: _texts(values[kept]) for name, values in columns.items()},
            "area": area_ha[kept],
        },
        geometry=geometries[kept],
        crs=crs,
    )[list(COLUMNS)]
    notes |= {
        "source": source.name,
        "file": layer.place.name,
        "layer": layer.name,
        "columns": found,
        "encoding": raw.encoding,
        "crs_from": crs_from,
        "coverage": options.coverage,
        "n_repaired": int(repaired[kept].sum()),
        "n_ids_made": n_made,
        "bounds_lonlat": [round(v, 6) for v in outer_box(where[kept])],
        **({"warnings": list(raw.warnings)} if raw.warnings else {}),
    }
    return ParcelTable(frame, tally, crs_name, tally.total, notes)


def _choose_layer(layers: list[Layer], source: ParcelSource, options: ParcelOptions) -> Layer:
    """The layer that was asked for, else the first one with a crop column, else the first one."""
    if not layers:
        raise CorruptFile(f"{options.path} holds no layer with geometries. Check that it is a parcel file.")
    if options.layer is not None:
        chosen = [x for x in layers if options.layer in (x.name, x.stem, x.member)]
        if not chosen:
            known = [x.name for x in layers]
            hint = nearest(options.layer, known)
            raise UnknownName(f"No layer '{options.layer}' in {options.path}.{hint} Found: {', '.join(known)}.")
        return chosen[0]
    for layer in layers:
        found = match_columns(layer.fields, source.columns) | match_columns(layer.fields, options.columns)
        if any(role in found for role in source.needs):
            return layer
    return layers[0]


def _place_of(layer: Layer, source: ParcelSource, options: ParcelOptions) -> tuple[str, int]:
    """Country ("" if unknown) and year (0 if unknown) of a file: from the options, its name, or its source."""
    stated = source.file_name.fullmatch(layer.stem) if source.file_name else None
    country = options.country or (stated["country"] if stated else source.country)
    return country, int(stated["year"]) if stated else 0


def _read_rows(
    layer: Layer, source: ParcelSource, options: ParcelOptions, found: dict[str, str], *, country: str
) -> tuple[RawLayer, CRS, str]:
    """The rows of the layer, their CRS, and where the CRS comes from."""
    own = parse_crs(options.crs) if options.crs else None
    known = parse_crs(source.crs_if_missing[country]) if country in source.crs_if_missing else None
    expected = own or (CRS.from_user_input(layer.crs) if layer.crs else known)
    raw = read_layer(
        layer,
        list(dict.fromkeys(found.values())),
        area=_box_in(expected, options.bbox) if expected is not None and options.bbox is not None else None,
        encoding=options.encoding,
        encodings=source.encodings,
    )
    stated = layer_crs(layer, raw.frame)
    crs = own or stated or known
    if crs is None:
        raise SourceError(f"{layer} states no CRS and source '{source.name}' knows none. Set parcels.crs (EPSG:…).")
    return raw, crs, "options" if own else "file" if stated else "source"


def _box_in(crs: CRS, bbox: Bounds) -> Bounds | None:
    """A lon/lat box in another CRS; None if it has no place there."""
    box = Transformer.from_crs(LONLAT, crs, always_xy=True).transform_bounds(*bbox, densify_pts=21)
    return box if np.isfinite(box).all() else None


def _judge(
    geometries: NDArray[np.object_],
    crs: CRS,
    placed: NDArray[np.bool_],
    area_ha: NDArray[np.float64],
    years: NDArray[np.int64],
    columns: dict[str, NDArray[np.object_]],
    options: ParcelOptions,
) -> NDArray[np.object_]:
    """Why each parcel is dropped; None for those that stay."""
    verdicts = np.full(len(geometries), None, dtype=object)
    _set(verdicts, "no geometry", np.array([g is None for g in geometries], dtype=bool))
    _set(verdicts, "no polygon", shapely.is_empty(geometries))
    _set(verdicts, "outside its CRS", ~placed)
    _set(verdicts, f"under {MIN_AREA_M2:g} m²", area_ha * 10_000 < MIN_AREA_M2)
    if options.year is not None:
        _set(verdicts, OTHER_YEAR, (years > 0) & (years != options.year))
    if options.bbox is not None:
        asked = np.full(len(geometries), shapely.box(*options.bbox), dtype=object)
        _set(verdicts, OUTSIDE, ~shapely.intersects(move(geometries, crs, LONLAT), asked))
    _judge_duplicates(verdicts, geometries, columns)
    return verdicts


def _set(verdicts: NDArray[np.object_], reason: str, hit: NDArray[np.bool_]) -> None:
    """Give `reason` to the parcels that are hit and have none yet."""
    verdicts[hit & np.array([v is None for v in verdicts], dtype=bool)] = reason


def _texts(values: NDArray[np.object_]) -> pd.Series[Any]:
    """A column of text that keeps None as None."""
    return pd.Series(values, dtype=object)


def _judge_duplicates(
    verdicts: NDArray[np.object_], geometries: NDArray[np.object_], columns: dict[str, NDArray[np.object_]]
) -> None:
    """Of parcels with exactly the same shape, the first one stays."""
    left = np.flatnonzero([v is None for v in verdicts])
    first = left[first_of_same(geometries[left])]
    for i, j in zip(left[first != left], first[first != left], strict=True):
        same_crop = all(values[i] == values[j] for values in columns.values())
        verdicts[i] = f"same shape as an earlier parcel, {'same' if same_crop else 'another'} crop"


def _nothing_left(layer: Layer, tally: Tally, crs: CRS, options: ParcelOptions) -> str:
    text = f"No parcel of {layer} is left: {tally}."
    if options.year is not None and OTHER_YEAR in tally.dropped:
        text += f" The year asked for is {options.year}; check parcels.year."
    if options.bbox is not None and OUTSIDE in tally.dropped:
        asked, there = (
            ", ".join(f"{v:.6g}" for v in box)
            for box in (options.bbox, lonlat_boxes(crs, np.array([read_bounds(layer)]))[0])
        )
        text += (
            f" Asked: {asked} (left, bottom, right, top in degrees); the parcels lie in {there}. Change parcels.bbox."
        )
    return text


def read_parcel_file(path: Path) -> gpd.GeoDataFrame:
    """A stored parcel table (`write_parcels`), columns as in `schema.ParcelTable`; further columns are kept.

    Raises:
        MissingFile: if it is not there.
        CorruptFile: if it is no GeoParquet file of this schema.
    """
    if not path.is_file():
        raise MissingFile(f"No parcel table at {path}. Make one with `bocage parcels read`.")
    try:
        frame = gpd.read_parquet(path)
    except (pyarrow.ArrowInvalid, ValueError, OSError, KeyError) as error:
        raise CorruptFile(f"{path} is no readable GeoParquet file ({error}). Write it again.") from error
    frame = frame.drop(columns="bbox", errors="ignore")
    check_parcels(frame, origin=str(path))
    for column in ("id", "country", *TEXT_COLUMNS):
        frame[column] = _texts(as_text(frame[column])).set_axis(frame.index)
    frame["country"] = frame["country"].where(frame["country"].notna(), "")
    return frame


def describe_sources() -> list[dict[str, Any]]:
    """One record a source: name, title, country, licence, the columns it looks for."""
    return [
        {
            "name": source.name,
            "title": source.title,
            "country": source.country or None,
            "licence": source.licence,
            "columns": {role: list(names) for role, names in source.columns if names},
        }
        for _, source in SOURCES.items()
    ]

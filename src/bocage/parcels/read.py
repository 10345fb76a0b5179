"""Parcel files → ParcelTable or a stored parcel table, and stored tables back. IO."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow

from bocage.core.errors import ConfigError, CorruptFile, MissingFile
from bocage.core.progress import bar
from bocage.parcels import sources  # noqa: F401  (registers the sources)
from bocage.parcels.harmonise import as_text
from bocage.parcels.identities import SeenKeys, text_keys
from bocage.parcels.options import ParcelOptions
from bocage.parcels.read_layer import Layer, read_parquet_header
from bocage.parcels.read_plan import open_parcels
from bocage.parcels.read_rows import read_rows
from bocage.parcels.read_stream import Account, read_batches, summarise, texts
from bocage.parcels.schema import (
    COLUMNS,
    HISTORY,
    REPEATED,
    TEXT_COLUMNS,
    ParcelSummary,
    ParcelTable,
    check_columns,
    check_parcels,
)
from bocage.parcels.source import SOURCES
from bocage.parcels.write import ParcelWriter

Table = TypeVar("Table", bound=pd.DataFrame)


def read_parcels(options: ParcelOptions) -> ParcelTable:
    """Read declared parcels of any supported file into one schema, all in memory.

    Raises:
        MissingFile, CorruptFile, SourceError: if there is no readable file, or no CRS.
        UnknownName: if the source or a column does not exist; the message lists the columns found.
        NothingLeft: if the file is empty or every parcel was dropped; the message says where the parcels are.
    """
    reading, account = open_parcels(options), Account()
    frames = list(read_batches(reading, account))
    summary = summarise(reading, account)
    frame = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=account.crs)
    for column in ("id", "country", *TEXT_COLUMNS):
        frame[column] = frame[column].astype(object)
    return ParcelTable(frame, summary.tally, summary.crs, summary.n_read, summary.notes)


def stream_parcels(options: ParcelOptions, path: Path) -> ParcelSummary:
    """Read as `read_parcels` does, with the same result and errors, but write batch by batch to a GeoParquet file.

    Memory holds a few batches and 20 bytes a parcel, whatever the size of the file. The file is written whole or not at
    all, and never over the file that is read.
    """
    if path.exists() and Path(options.path).exists() and path.samefile(options.path):
        raise ConfigError(f"{path} is the file that is read. Write the parcels to another one.")
    reading, account = open_parcels(options), Account()
    with ParcelWriter(path) as writer, bar("Reading parcels", reading.n_rows, unit="parcels") as progress:
        n_before = 0
        for frame in read_batches(reading, account):
            writer.write(frame)
            progress.advance(account.n_seen - n_before)
            n_before = account.n_seen
        return summarise(reading, account)


def read_parcel_file(path: Path) -> gpd.GeoDataFrame:
    """A stored parcel table (`write_parcels`), columns as in `schema.ParcelTable`; further columns are kept.

    Raises:
        MissingFile: if it is not there.
        CorruptFile: if it is no GeoParquet file of this schema.
    """
    _check_is_there(path)
    try:
        frame = gpd.read_parquet(path)
    except (pyarrow.ArrowInvalid, ValueError, OSError, KeyError) as error:
        raise CorruptFile(f"{path} is no readable GeoParquet file ({error}). Write it again.") from error
    frame = frame.drop(columns="bbox", errors="ignore")
    check_parcels(frame, origin=str(path))
    return _with_texts(frame)


def read_parcel_batches(path: Path) -> Iterator[gpd.GeoDataFrame]:
    """A stored parcel table as `read_parcel_file` gives it, with the same errors, some thousand parcels at a time."""
    table = open_parcel_file(path)
    columns = [c for c in table.fields if c != "bbox"]
    at, ids, numbers = COLUMNS.index("geometry"), SeenKeys(), SeenKeys()
    for batch in read_rows(table, columns):
        frame = batch.frame
        frame.insert(min(at, len(columns)), "geometry", batch.geometries)
        frame = gpd.GeoDataFrame(frame, crs=table.crs)
        check_parcels(frame, origin=str(path))
        for seen, keys in (ids, text_keys(as_text(frame["id"]))), (numbers, frame["number"].to_numpy(np.uint64)):
            if not seen.add(keys, np.zeros(len(keys), dtype=np.uint32))[0].all():
                raise CorruptFile(f"{path}: {REPEATED}")
        yield _with_texts(frame)


def read_parcel_columns(path: Path, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Those of some columns that a stored parcel table has, without geometry, some thousand parcels at a time.

    Raises:
        MissingFile, CorruptFile: as `read_parcel_file`, but rows are not looked at.
    """
    table = open_parcel_file(path)
    for batch in read_rows(table, [c for c in columns if c in table.fields], geometry=False):
        yield _with_texts(batch.frame)


def open_parcel_file(path: Path) -> Layer:
    """The header of a stored parcel table.

    Raises:
        MissingFile: if it is not there.
        CorruptFile: if it is no GeoParquet file with the columns of the schema.
    """
    _check_is_there(path)
    table = read_parquet_header(Layer(path, None, "", (), None, 0))
    check_columns((*table.fields, table.geometry), origin=str(path))
    return table


def _check_is_there(path: Path) -> None:
    if not path.is_file():
        raise MissingFile(f"No parcel table at {path}. Make one with `bocage parcels read`.")


def _with_texts(frame: Table) -> Table:
    """The text columns as str or None, whatever the file made of them; no country is ""."""
    for column in {"id", "country", *TEXT_COLUMNS, HISTORY} & set(frame.columns):
        frame[column] = texts(as_text(frame[column])).set_axis(frame.index)
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

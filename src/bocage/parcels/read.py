"""Parcel files → ParcelTable or a stored parcel table, and stored tables back. IO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow

from bocage.core.errors import CorruptFile, MissingFile
from bocage.core.progress import bar
from bocage.parcels import sources  # noqa: F401  (registers the sources)
from bocage.parcels.harmonise import as_text
from bocage.parcels.options import ParcelOptions
from bocage.parcels.read_plan import open_parcels
from bocage.parcels.read_stream import Account, read_batches, summarise, texts
from bocage.parcels.schema import HISTORY, TEXT_COLUMNS, ParcelSummary, ParcelTable, check_parcels
from bocage.parcels.source import SOURCES
from bocage.parcels.write import ParcelWriter


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
    all.
    """
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
    if not path.is_file():
        raise MissingFile(f"No parcel table at {path}. Make one with `bocage parcels read`.")
    try:
        frame = gpd.read_parquet(path)
    except (pyarrow.ArrowInvalid, ValueError, OSError, KeyError) as error:
        raise CorruptFile(f"{path} is no readable GeoParquet file ({error}). Write it again.") from error
    frame = frame.drop(columns="bbox", errors="ignore")
    check_parcels(frame, origin=str(path))
    for column in ("id", "country", *TEXT_COLUMNS, *([HISTORY] if HISTORY in frame else [])):
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

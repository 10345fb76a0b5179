"""Samples → a data set on disk. IO: writes one folder.

The folder holds the store, `manifest.parquet`, `parcels.parquet` and, last of all, `dataset.json`. A folder without
`dataset.json` was not finished: nothing reads it, and a new writer starts it over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bocage.core.artifacts import write_json
from bocage.core.digest import digest_file
from bocage.core.errors import ConfigError, DataError, GridMismatch, NothingLeft
from bocage.core.sample import Sample
from bocage.datasets.info import DatasetInfo
from bocage.datasets.manifest import PARCEL_COLUMNS, PLACE_COLUMNS, content_digest, parcel_rows, sample_row
from bocage.datasets.record import to_record
from bocage.datasets.store import STORES

INFO, MANIFEST, PARCELS = "dataset.json", "manifest.parquet", "parcels.parquet"
_SAFE_ID = re.compile(r"[\w][\w.+-]*", re.ASCII)  # ids are file names in the npy store


class DatasetWriter:
    """Writes one data set, sample by sample: `add` each, then `finish`.

    Args:
        folder: is made if it is not there; an unfinished data set in it is started over.
        info: what the data set is; `info.store` names the store.

    Raises:
        ConfigError: if a finished data set stands in the folder.
    """

    def __init__(self, folder: Path, info: DatasetInfo) -> None:
        if (folder / INFO).exists():
            raise ConfigError(f"{folder} already holds a finished data set. Choose another folder or delete it.")
        folder.mkdir(parents=True, exist_ok=True)
        for name in (MANIFEST, PARCELS):
            (folder / name).unlink(missing_ok=True)
        for name in STORES:
            STORES[name](folder).clear()
        self.folder, self.info = folder, info
        self._store = STORES[info.store](folder)
        self._rows: dict[str, dict[str, Any]] = {}
        self._parcels: list[pd.DataFrame] = []

    def add(self, sample: Sample, row: Mapping[str, Any]) -> None:
        """Append one sample.

        Args:
            sample: its bands must be the data set's.
            row: `cube`, `row`, `col` of the window, and further manifest columns such as `nodata_fraction`.

        Raises:
            DataError: an id that is no file name or comes twice, labels beyond the classes, no georeference.
            GridMismatch: other bands than the data set's.
        """
        sample_id = sample.origin.sample_id
        if not _SAFE_ID.fullmatch(sample_id) or sample_id in self._rows:
            what = "comes twice" if sample_id in self._rows else "has characters other than letters, digits and _.+-"
            raise DataError(f"The sample id '{sample_id}' {what}.")
        if sample.bands != self.info.bands:
            raise GridMismatch(f"Sample '{sample_id}' has bands {sample.bands}, the data set {self.info.bands}.")
        record = to_record(sample)
        about = sample_row(sample, record, len(self.info.classes), row)
        self._rows[sample_id] = {**about, **asdict(self._store.add(sample_id, record))}
        self._parcels.append(parcel_rows(sample_id, record))

    def finish(self) -> DatasetInfo:
        """Write manifest and parcel table, then `dataset.json`, with which the data set exists.

        Raises:
            NothingLeft: if no sample was added.
        """
        self._store.close()
        rows = list(self._rows.values())
        if not rows:
            raise NothingLeft(f"A data set without a sample would stand in {self.folder}. Loosen the quality filters.")
        n_dates = {len(row["days"]) for row in rows}
        write_table(self.folder / MANIFEST, _manifest_table(rows))
        parcels = pd.concat(self._parcels, ignore_index=True).astype(PARCEL_COLUMNS)
        write_table(self.folder / PARCELS, pa.Table.from_pandas(parcels, preserve_index=False))
        info = replace(
            self.info,
            n_samples=len(rows),
            n_dates=n_dates.pop() if len(n_dates) == 1 else None,
            digest=content_digest(self.info, rows),
            files={name: digest_file(self.folder / name) for name in (MANIFEST, PARCELS)},
        )
        write_json(self.folder / INFO, info.to_json())
        return info


def write_table(path: Path, table: pa.Table) -> None:
    """A parquet file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(path)


def _manifest_table(rows: list[dict[str, Any]]) -> pa.Table:
    columns = [*(c for c in rows[0] if c not in (*PLACE_COLUMNS, "sha256")), *PLACE_COLUMNS, "sha256"]
    types = {"days": pa.list_(pa.int32()), "scenes": pa.list_(pa.string())}
    return pa.table({c: pa.array([row[c] for row in rows], types.get(c)) for c in columns})

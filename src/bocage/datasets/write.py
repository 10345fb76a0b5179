"""Samples → a data set on disk. IO: writes one folder.

The folder holds the store, `manifest.parquet`, `parcels.parquet` and, last of all, `dataset.json`. A folder without
`dataset.json` was not finished and nothing reads it. While it is written, `building.jsonl` has a line for each sample
that is safe, so that a killed build goes on behind the last of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bocage.core.arrays import Int32
from bocage.core.artifacts import write_json, write_text
from bocage.core.digest import digest_file, digest_value
from bocage.core.errors import ConfigError, CorruptFile, DataError, GridMismatch, NothingLeft
from bocage.core.sample import Origin, Sample
from bocage.datasets.info import DatasetInfo
from bocage.datasets.manifest import PLACE_COLUMNS, ParcelPixels, content_digest, count_parcels, parcel_rows, sample_row
from bocage.datasets.record import Record, to_record
from bocage.datasets.store import STORES, Place

INFO, MANIFEST, PARCELS = "dataset.json", "manifest.parquet", "parcels.parquet"
SELECTION = "selection.json"  # why these samples: see `patches.select.Selection.about`
BUILDING = "building.jsonl"
_SAFE_ID = re.compile(r"[\w][\w.+-]*", re.ASCII)  # ids are file names in the npy store


@dataclass(frozen=True)
class Prepared:
    """One sample ready to be appended: its manifest row (without a place), its bytes, its pixels by parcel."""

    row: Mapping[str, Any]
    parts: tuple[bytes, ...]
    parcels: ParcelPixels


class DatasetWriter:
    """Writes one data set, sample by sample: `add` each, then `finish`.

    Args:
        folder: is made if it is not there.
        info: what the data set is; `info.store` names the store.
        resume: True if an unfinished data set in the folder is the half of this very one: its samples are kept and
            are `in` the writer. Else it is started over.

    Raises:
        ConfigError: if a finished data set stands in the folder (without `resume`).
    """

    def __init__(self, folder: Path, info: DatasetInfo, *, resume: bool = False) -> None:
        if (folder / INFO).exists() and not resume:
            raise ConfigError(f"{folder} already holds a finished data set. Choose another folder or delete it.")
        folder.mkdir(parents=True, exist_ok=True)
        for name in (INFO, MANIFEST, PARCELS):
            (folder / name).unlink(missing_ok=True)
        self.folder, self.info = folder, info
        self._store = STORES[info.store](folder)
        self._rows: dict[str, dict[str, Any]] = {}
        self._parcels: dict[str, ParcelPixels] = {}
        head = json.dumps({"about": digest_value(info.to_json())}) + "\n"
        kept = list(self._take_up(head)) if resume else []
        if kept:
            self._store.go_on(_place(list(self._rows.values())[-1]))
        else:
            for name in STORES:
                STORES[name](folder).clear()
        write_text(folder / BUILDING, head + "".join(kept))
        self._log = (folder / BUILDING).open("a", encoding="utf-8", buffering=1)

    def __contains__(self, sample_id: str) -> bool:
        return sample_id in self._rows

    def add(self, sample: Sample, row: Mapping[str, Any]) -> None:
        """Append one sample.

        Args:
            sample: its bands must be the data set's.
            row: `cube`, `row`, `col` of the window, and further manifest columns such as `nodata_fraction`.

        Raises:
            DataError: an id that is no file name or comes twice, labels beyond the classes, no georeference.
            GridMismatch: other bands than the data set's.
        """
        if sample.bands != self.info.bands:
            raise GridMismatch(
                f"Sample '{sample.origin.sample_id}' has bands {sample.bands}, the data set {self.info.bands}."
            )
        self.append(self.prepare(sample.origin, sample.days, to_record(sample), row))

    def prepare(self, origin: Origin, days: Int32, record: Record, row: Mapping[str, Any]) -> Prepared:
        """What `add` does before it writes, from arrays in stored form; any thread may do it. Errors as there."""
        sample_id = origin.sample_id
        if not _SAFE_ID.fullmatch(sample_id):
            raise DataError(f"The sample id '{sample_id}' has characters other than letters, digits and _.+-.")
        about = sample_row(origin, days, record, len(self.info.classes), row)
        return Prepared(about, self._store.prepare(record), count_parcels(record))

    def append(self, prepared: Prepared) -> None:
        """Write a prepared sample behind the others."""
        sample_id = str(prepared.row["sample_id"])
        if sample_id in self._rows:
            raise DataError(f"The sample id '{sample_id}' comes twice.")
        row = {**prepared.row, **asdict(self._store.add(sample_id, prepared.parts))}
        self._rows[sample_id] = row
        self._parcels[sample_id] = prepared.parcels
        self._log.write(json.dumps(row) + "\n")

    def finish(self) -> DatasetInfo:
        """Write manifest and parcel table, then `dataset.json`, with which the data set exists.

        Raises:
            NothingLeft: if no sample was added.
        """
        self._store.close()
        self._log.close()
        rows = list(self._rows.values())
        if not rows:
            raise NothingLeft(f"A data set without a sample would stand in {self.folder}. Loosen the quality filters.")
        n_dates = {len(row["days"]) for row in rows}
        write_table(self.folder / MANIFEST, _manifest_table(rows))
        write_table(self.folder / PARCELS, pa.Table.from_pandas(parcel_rows(self._parcels), preserve_index=False))
        info = replace(
            self.info,
            n_samples=len(rows),
            n_dates=n_dates.pop() if len(n_dates) == 1 else None,
            digest=content_digest(self.info, rows),
            files={name: digest_file(self.folder / name) for name in (MANIFEST, PARCELS)},
        )
        write_json(self.folder / INFO, info.to_json())
        (self.folder / BUILDING).unlink()
        return info

    def _take_up(self, head: str) -> Iterator[str]:
        """The lines of a killed build's log whose samples can be read back; the first that cannot ends it."""
        log = self.folder / BUILDING
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.is_file() else []
        if not lines or lines[0] != head:
            return
        for line in lines[1:]:
            if not line.endswith("\n"):
                return
            try:
                row = json.loads(line)
                record = self._store.read(row["sample_id"], _place(row))
            except (ValueError, CorruptFile):
                return
            self._rows[row["sample_id"]] = row
            self._parcels[row["sample_id"]] = count_parcels(record)
            yield line


def _place(row: Mapping[str, Any]) -> Place:
    return Place(*(int(row[name]) for name in PLACE_COLUMNS))


def write_table(path: Path, table: pa.Table) -> None:
    """A parquet file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(path)


def _manifest_table(rows: list[dict[str, Any]]) -> pa.Table:
    columns = [*(c for c in rows[0] if c not in (*PLACE_COLUMNS, "sha256")), *PLACE_COLUMNS, "sha256"]
    types = {"days": pa.list_(pa.int32()), "scenes": pa.list_(pa.string())}
    return pa.table({c: pa.array([row[c] for row in rows], types.get(c)) for c in columns})

"""A data set on disk → Samples. IO: reads one folder; nothing is loaded before it is asked for, except the tables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from bocage.core.artifacts import read_json
from bocage.core.digest import digest_file
from bocage.core.errors import CorruptFile, MissingFile, UnknownName
from bocage.core.grid import make_grid
from bocage.core.progress import track
from bocage.core.registry import nearest
from bocage.core.sample import Origin, Sample
from bocage.datasets.info import DatasetInfo
from bocage.datasets.manifest import PLACE_COLUMNS, content_digest, count_parcels, parcel_rows, pixel_columns
from bocage.datasets.record import Record, to_reflectance
from bocage.datasets.store import STORES, Place
from bocage.datasets.write import INFO, MANIFEST, PARCELS


class Dataset:
    """An open data set; `open_dataset` makes one.

    Attributes:
        folder: where it stands.
        info: what it is.
        manifest: one row a sample, see `datasets.manifest`.
    """

    def __init__(self, folder: Path, info: DatasetInfo, manifest: pd.DataFrame) -> None:
        self.folder, self.info, self.manifest = folder, info, manifest
        self._store = STORES[info.store](folder)
        self._position = {sample_id: i for i, sample_id in enumerate(manifest["sample_id"])}
        self._places = [Place(*map(int, row)) for row in manifest[list(PLACE_COLUMNS)].itertuples(index=False)]
        self._days = [np.asarray(days, np.int32) for days in manifest["days"]]

    def __len__(self) -> int:
        return len(self.manifest)

    @property
    def sample_ids(self) -> list[str]:
        """All ids, in the order of the manifest."""
        return list(self._position)

    def read(self, sample_id: str) -> Sample:
        """One sample; its bytes are checked.

        Raises:
            UnknownName: if there is no such sample.
            CorruptFile: if its bytes are not those that were written.
        """
        record = self.read_record(sample_id)
        row = self.manifest.iloc[self._position[sample_id]]
        grid = make_grid(row["crs"], row["left"], row["top"], row["resolution_m"], (row["height"], row["width"]))
        scenes = tuple(row["scenes"])
        origin = Origin(sample_id, row["country"], int(row["year"]), row["tile"], scenes, grid)
        image, valid = to_reflectance(record.image)
        days = self.days(sample_id)
        return Sample(image, valid, record.labels, record.parcel_ids, days, self.info.bands, origin)

    def read_record(self, sample_id: str) -> Record:
        """The arrays of one sample as stored (int16 image); the fast way for loaders. Errors as `read`."""
        return self._store.read(sample_id, self._places[self._at(sample_id)])

    def days(self, sample_id: str) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """The dates of one sample: (T,) int32 days since 1970-01-01."""
        return self._days[self._at(sample_id)]

    def parcels(self) -> pd.DataFrame:
        """Pixels by sample, parcel and class: sample_id, number, class_id (255: ignored), n_px.

        Raises:
            CorruptFile: if the table is not the one that was written.
        """
        return _read_table(self.folder / PARCELS, self.info)

    def pixels_by_class(self) -> dict[str, int]:
        """Labelled pixels by class name; pixels that are ignored are under "ignore"."""
        counts = self.manifest[pixel_columns(len(self.info.classes))].sum()
        return dict(zip([*self.info.class_names, "ignore"], map(int, counts), strict=True))

    def patches_by_class(self) -> dict[str, int]:
        """Samples that have at least one pixel of the class, by class name."""
        counts = (self.manifest[pixel_columns(len(self.info.classes))[:-1]] > 0).sum()
        return dict(zip(self.info.class_names, map(int, counts), strict=True))

    def verify(self) -> list[str]:
        """Read everything and compare it with what was written; returns the problems, none if all is well."""
        problems = []
        try:
            parcels = dict(list(self.parcels().groupby("sample_id")))
        except CorruptFile as error:
            parcels, problems = None, [str(error)]
        rows = self.manifest.to_dict("records")
        if content_digest(self.info, [_plain(row) for row in rows]) != self.info.digest:
            problems.append(f"{self.folder / INFO}: the digest does not fit the manifest")
        for row in track(rows, "Verifying", unit="samples"):
            problems += self._verify_sample(row["sample_id"], row["sha256"], parcels)
        return problems

    def _verify_sample(self, sample_id: str, sha256: str, parcels: Mapping[Any, pd.DataFrame] | None) -> list[str]:
        try:
            record = self.read_record(sample_id)
        except CorruptFile as error:
            return [str(error)]
        checks = {"the arrays are not those that were written": record.digest == sha256}
        if parcels is not None:
            expected = parcel_rows({sample_id: count_parcels(record)}).to_numpy()
            fits = np.array_equal(expected, parcels.get(sample_id, pd.DataFrame(columns=range(4))).to_numpy())
            checks["the parcel table does not fit its labels"] = fits
        return [f"sample '{sample_id}': {problem}" for problem, fine in checks.items() if not fine]

    def _at(self, sample_id: str) -> int:
        try:
            return self._position[sample_id]
        except KeyError:
            hint = nearest(sample_id, list(self._position))
            raise UnknownName(f"{self.folder} has no sample '{sample_id}' among its {len(self)}.{hint}") from None


def open_dataset(folder: Path) -> Dataset:
    """Open a finished data set.

    Raises:
        MissingFile: if there is no data set in the folder.
        CorruptFile: if it was not finished, or its tables are not those that were written.
    """
    if not (folder / INFO).is_file():
        if (folder / "shards").is_dir() or (folder / "images").is_dir() or (folder / MANIFEST).is_file():
            raise CorruptFile(f"The data set in {folder} was not finished: it has no {INFO}. Build it again.")
        raise MissingFile(f"There is no data set in {folder}: no {INFO} there. Give the folder that a build wrote.")
    info = DatasetInfo.from_json(read_json(folder / INFO))
    return Dataset(folder, info, _read_table(folder / MANIFEST, info))


def _read_table(path: Path, info: DatasetInfo) -> pd.DataFrame:
    if not path.is_file() or digest_file(path) != info.files.get(path.name):
        raise CorruptFile(
            f"{path} is missing or is not the one that {INFO} was written with. Build the data set again."
        )
    frame: pd.DataFrame = pq.read_table(path).to_pandas()
    return frame


def _plain(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    """A manifest row as it was before it became a table."""
    return {str(k): v.tolist() if isinstance(v, (np.ndarray, np.generic)) else v for k, v in row.items()}

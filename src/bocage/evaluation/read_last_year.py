"""Data set of several years → what each parcel's ground was the year before. Reads samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from bocage.core.arrays import IGNORE, NO_PARCEL, Bool, UInt8, UInt32
from bocage.datasets.read import Dataset
from bocage.evaluation.baselines import carry_last_year
from bocage.evaluation.ground import LATTICE, Window, Windows, window_bounds
from bocage.evaluation.read import Batch

KEPT_WINDOWS = 256  # samples of one window, which differ in date only, come one after another


class _Place(NamedTuple):
    """Where and when a sample is: its lattice, country, year and window."""

    lattice: tuple[str, float]
    country: str
    year: int
    window: tuple[int, int, int, int]


class LastYear:
    """The baseline `last_year`: labels of the year before, from all samples of the data set, whatever their part.

    Last year's declarations are known when this year's crops are to be told, so no part is closed to them.
    """

    def __init__(self, dataset: Dataset, sample_ids: Sequence[str], *, otherwise: int) -> None:
        """`sample_ids`: the samples to be judged. `otherwise`: the class of parcels whose ground is not known."""
        self._dataset, self._otherwise = dataset, otherwise
        self._n_px, self._n_known_px = 0, 0
        manifest = dataset.manifest
        columns = [*LATTICE, "country", "year"]
        rows = zip(manifest[columns].itertuples(index=False), window_bounds(manifest).tolist(), strict=True)
        places = [_Place((crs, m), country, int(year), tuple(window)) for (crs, m, country, year), window in rows]
        self._place = dict(zip(manifest["sample_id"], places, strict=True))
        self._wanted = list(dict.fromkeys(self._place[s] for s in sample_ids))
        before = {(p.lattice, p.country, p.year - 1) for p in self._wanted}
        self._shown: dict[tuple[tuple[str, float], str, int], list[str]] = {key: [] for key in before}
        for sample_id, place in self._place.items():
            if place[:3] in before:
                self._shown[place[:3]].append(sample_id)
        self._windows = {
            key: Windows(np.array([self._place[s].window for s in ids], np.int64).reshape(-1, 4))
            for key, ids in self._shown.items()
        }
        self._labels = lru_cache(maxsize=KEPT_WINDOWS)(self._read)

    @property
    def is_known(self) -> bool:
        """True if one of the samples shows ground that some sample showed the year before."""
        return any(next(self._overlaps(place), None) for place in self._wanted)

    @property
    def known_fraction(self) -> float:
        """Share of the scored parcel pixels so far that lie in a parcel whose ground is known."""
        return self._n_known_px / max(self._n_px, 1)

    def answer(self, batch: Batch) -> UInt8:
        """A class for every pixel of a batch: (B, H, W)."""
        pairs = zip(batch.sample_ids, batch.parcel_ids, strict=True)
        answers = [self._carry(self._labels(self._place[sample_id]), ids) for sample_id, ids in pairs]
        scored = (batch.labels != IGNORE) & (batch.parcel_ids != NO_PARCEL)
        self._n_px += int(scored.sum())
        self._n_known_px += int((scored & np.stack([known for _, known in answers])).sum())
        return np.stack([classes for classes, _ in answers])

    def _carry(self, before: UInt8, parcel_ids: UInt32) -> tuple[UInt8, Bool]:
        n_classes = len(self._dataset.info.classes)
        return carry_last_year(parcel_ids, before, n_classes, otherwise=self._otherwise)

    def _overlaps(self, place: _Place) -> Iterator[tuple[str, Window, Window]]:
        """Samples of the year before, with the shared pixels here and there."""
        key = (place.lattice, place.country, place.year - 1)
        for i, here, there in self._windows[key].overlaps(np.array(place.window)):
            yield self._shown[key][i], here, there

    def _read(self, place: _Place) -> UInt8:
        """(H, W) class ids of the year before, 255 where they are not known."""
        top, bottom, left, right = place.window
        labels = np.full((bottom - top, right - left), IGNORE, np.uint8)
        for sample_id, here, there in self._overlaps(place):
            if (labels[here] == IGNORE).any():
                found = self._dataset.read_record(sample_id).labels[there]
                labels[here] = np.where(labels[here] == IGNORE, found, labels[here])
        return labels

"""Which parcels are the same, and unique ids, over a stream of any length: keys of 64 bits instead of what they stand
for. Pure; the two records of a stream grow as it runs, by 12 bytes a parcel at most.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pandas.util import hash_array

from bocage.core.arrays import Bool, Int64, UInt32, UInt64

Texts = NDArray[np.object_]  # str or None


def text_keys(texts: Texts) -> UInt64:
    """A 64-bit key of each text; None has the key of the empty text."""
    keys: UInt64 = hash_array(np.array(["" if t is None else t for t in texts], dtype=object), categorize=False)
    return keys


@dataclass
class SeenKeys:
    """Keys met so far, each with the value that it had the first time.

    They stand in sorted runs whose lengths at least double, so that a look-up asks few of them and a key moves rarely.
    """

    _runs: list[tuple[UInt64, UInt32]] = field(default_factory=list)

    def add(self, keys: UInt64, values: UInt32) -> tuple[Bool, UInt32]:
        """For each key (n), in order: whether it is new, and the value of its first time (its own if it is new)."""
        unique, first, number = np.unique(keys, return_index=True, return_inverse=True)
        known, firsts = np.zeros(len(unique), dtype=bool), values[first]
        for run_keys, run_values in self._runs:
            at = np.minimum(np.searchsorted(run_keys, unique), len(run_keys) - 1)
            hit = run_keys[at] == unique
            known |= hit
            firsts[hit] = run_values[at[hit]]
        if not known.all():
            self._runs.append((unique[~known], firsts[~known]))
            self._merge()
        is_new: Bool = (first[number] == np.arange(len(keys))) & ~known[number]
        return is_new, firsts[number]

    def _merge(self) -> None:
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            (a, a_values), (b, b_values) = self._runs[-2:]
            keys = np.concatenate([a, b])
            order = np.argsort(keys, kind="stable")
            self._runs[-2:] = [(keys[order], np.concatenate([a_values, b_values])[order])]


class UniqueIds:
    """Ids without gaps and repeats.

    A missing id becomes `<stem>-<row in the file>`; the second parcel with an id gets `#2`, and so on.
    """

    def __init__(self, given: UInt64) -> None:
        """
        Args:
            given: keys of all ids of the file, in any order.
        """
        self._given, counts = np.unique(given, return_counts=True)
        self._repeated = self._given[counts > 1]
        self._met = np.zeros(len(self._repeated), dtype=np.uint32)
        self.n_made = 0

    def name(self, ids: Texts, rows: Int64, *, stem: str) -> Texts:
        """Ids of the next parcels, which stand in these rows of the file."""
        result = ids.copy()
        missing = np.array([i is None for i in ids], dtype=bool)
        result[missing] = [self._made_up(f"{stem}-{row + 1}") for row in rows[missing]]
        self.n_made += int(missing.sum())
        keys = text_keys(ids)
        for i in np.flatnonzero(~missing & np.isin(keys, self._repeated)):
            result[i] = self._numbered(str(ids[i]), keys[i])
        return result

    def _made_up(self, name: str) -> str:
        """A name for a parcel without id; with a `+` behind it if another parcel has just that id."""
        while self._is_given(name):
            name += "+"
        return name

    def _numbered(self, name: str, key: np.uint64) -> str:
        """The id itself the first time; then with the next number that makes an id which no parcel of the file has."""
        at = np.searchsorted(self._repeated, key)
        self._met[at] += 1
        if self._met[at] == 1:
            return name
        while self._is_given(f"{name}#{self._met[at]}"):
            self._met[at] += 1
        self.n_made += 1
        return f"{name}#{self._met[at]}"

    def _is_given(self, name: str) -> bool:
        key = text_keys(np.array([name], dtype=object))[0]
        at = int(np.searchsorted(self._given, key))
        return at < len(self._given) and bool(self._given[at] == key)

"""Label rasters of another data set -> the ids of a taxonomy. Pure.

A crosswalk is a CSV: `from_id`, `from_name`, `to_name`, one row an id of the other data set; `to_name` is a class of
the target taxonomy, `background` for known not to be a target, or `ignore` for no reliable counterpart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bocage.core.arrays import IGNORE, UInt8
from bocage.core.errors import CorruptFile, DataError
from bocage.taxonomy.taxonomy import IGNORE_NAME, Taxonomy

HEADER = ("from_id", "from_name", "to_name")
_N_IDS = 256


@dataclass(frozen=True)
class Crosswalk:
    """Ids of one data set and what they are in a taxonomy.

    Attributes:
        target: name of the taxonomy.
        ids: id there → id of the target, 255 for ignore.
        names: id there → its name there.
    """

    name: str
    target: str
    ids: Mapping[int, int]
    names: Mapping[int, str]


def parse_crosswalk(name: str, rows: Sequence[Mapping[str, str | None]], target: Taxonomy) -> Crosswalk:
    """A crosswalk from the rows of its CSV.

    Raises:
        CorruptFile: if a column is missing, or an id is no number from 0 to 255 or stands twice.
        UnknownName: if `to_name` is no class of the target.
    """
    ids, names = dict[int, int](), dict[int, str]()
    for row in rows:
        given, title, to_name = (row.get(column) for column in HEADER)
        number = int(given) if given is not None and given.isascii() and given.isdigit() else -1
        if not 0 <= number < _N_IDS or number in ids or to_name is None:
            raise CorruptFile(
                f"Crosswalk '{name}': row {len(ids) + 1} has from_id '{given}', to_name '{to_name}'. Columns are "
                f"{', '.join(HEADER)}; ids run from 0 to 255 and stand once."
            )
        ids[number] = IGNORE if to_name == IGNORE_NAME else target.class_id(to_name)
        names[number] = title or str(number)
    if not ids:
        raise CorruptFile(f"Crosswalk '{name}' has no rows. Columns are {', '.join(HEADER)}.")
    return Crosswalk(name, target.name, ids, names)


def apply_crosswalk(labels: NDArray[np.integer], crosswalk: Crosswalk) -> UInt8:
    """Label raster of the other data set → label raster of the target taxonomy.

    Args:
        labels: ids of any shape; 255 stays 255 unless the crosswalk lists it.

    Raises:
        DataError: if there is an id that the crosswalk does not list.
    """
    found, inverse = np.unique(labels, return_inverse=True)
    ids = {IGNORE: IGNORE, **crosswalk.ids}
    unknown = [int(i) for i in found if int(i) not in ids]
    if unknown:
        raise DataError(
            f"Crosswalk '{crosswalk.name}' does not list id {', '.join(map(str, unknown[:5]))}; it lists "
            f"{', '.join(map(str, sorted(crosswalk.ids)))}. Add rows, or choose the crosswalk of this data set."
        )
    result: UInt8 = np.array([ids[int(i)] for i in found], dtype=np.uint8)[inverse].reshape(labels.shape)
    return result

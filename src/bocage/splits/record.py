"""The Split record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bocage.core.arrays import UInt32
from bocage.core.errors import DataError
from bocage.core.tally import Tally

PARTS = ("train", "val", "test")
PRIORITY = ("test", "val", "train")  # who keeps ground and parcels that several parts want
DROPPED = "dropped"


@dataclass(frozen=True)
class Split:
    """Which sample belongs to which part.

    Attributes:
        table: one row a sample: sample_id, part (train, val, test or dropped), block_id, reason ("" unless dropped).
        hidden: part → sorted uint32 numbers of parcels whose pixels are ignored (255) in that part.
        about: strategy, seed and options that made it.
    """

    table: pd.DataFrame
    hidden: Mapping[str, UInt32]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.table["part"]) - {*PARTS, DROPPED})
        twice = self.table["sample_id"][self.table["sample_id"].duplicated()].tolist()
        if unknown or twice or set(self.hidden) != set(PARTS):
            raise DataError(
                f"Not a split: unknown parts {unknown}, samples listed twice {twice[:5]}, hidden parcels for "
                f"{sorted(self.hidden)}."
            )

    def sample_ids(self, part: str) -> list[str]:
        """Ids of one part, in the order of the manifest."""
        return [str(s) for s in self.table.loc[self.table["part"] == part, "sample_id"]]

    @property
    def tally(self) -> Tally:
        """Samples kept in a part, and dropped with reasons."""
        return Tally.count(reason or None for reason in self.table["reason"])

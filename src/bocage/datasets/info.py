"""The info record of a data set: what stands in `dataset.json`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bocage.core.arrays import IGNORE
from bocage.core.errors import CorruptFile, DataError

FORMAT = "bocage-dataset-1"


@dataclass(frozen=True)
class ClassInfo:
    """A class of the data set; id 0 is the background."""

    id: int
    name: str
    color: str  # "#rrggbb"
    title: str
    parent: str | None = None  # name of the class above it in a hierarchy

    def to_json(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if v is not None}


@dataclass(frozen=True)
class DatasetInfo:
    """What a data set is. The fields of the last group are filled in when it is finished.

    Attributes:
        classes: by id, background first.
        bands: band names, in the order of the image.
        patch_size_px: side of a patch in pixels.
        resolution_m: pixel size in metres.
        dates: "single" (one date a sample) or "series".
        level: product level of the imagery, "L2A" or "L1C".
        preprocessing: what was done to the imagery; a model carries it along.
        tallies: stage → tally, what was kept and dropped on the way here.
        store: name of the store.
        n_samples: number of samples.
        n_dates: dates a sample, None where samples differ.
        digest: digest of the content: the same for the same samples, whatever the store.
        files: sha256 of the tables beside this record.
    """

    classes: tuple[ClassInfo, ...]
    bands: tuple[str, ...]
    patch_size_px: int
    resolution_m: float
    dates: str
    level: str
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    tallies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    store: str = "shards"

    n_samples: int = 0
    n_dates: int | None = None
    digest: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = [c.id for c in self.classes]
        if ids != list(range(len(ids))) or not 1 <= len(ids) < IGNORE:
            raise DataError(f"A data set has the classes 0 (background), 1, 2, … (at most {IGNORE - 2}); got {ids}.")

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.classes)

    @property
    def parents(self) -> Mapping[str, str | None]:
        """Each class and the class above it."""
        return {c.name: c.parent for c in self.classes}

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self), "classes": [c.to_json() for c in self.classes]}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> DatasetInfo:
        """The record back.

        Raises:
            CorruptFile: if it is not a record of this format.
        """
        found = record.get("format") if isinstance(record, Mapping) else None
        if found != FORMAT:
            raise CorruptFile(f"A data set of format '{found}'; this version reads '{FORMAT}'.")
        values = {k: v for k, v in record.items() if k != "format"}
        try:
            values["classes"] = tuple(ClassInfo(**c) for c in values["classes"])
            values["bands"] = tuple(values["bands"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise CorruptFile(f"A dataset.json with missing or unknown entries ({error}).") from error

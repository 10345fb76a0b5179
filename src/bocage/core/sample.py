"""THE record. Patch building and benchmarks make Samples, training and evaluation eat them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bocage.core.arrays import Bool, Float32, Int32, UInt8, UInt32
from bocage.core.errors import GridMismatch
from bocage.core.grid import Grid


@dataclass(frozen=True)
class Origin:
    """Where a sample came from."""

    sample_id: str
    country: str  # ISO 3166-1 alpha-2, "" if unknown
    year: int  # crop year of the declarations, 0 if unknown
    tile: str  # MGRS tile such as "31TEJ", "" if none
    scenes: tuple[str, ...]  # one product id a date
    grid: Grid | None  # None for foreign benchmarks without a georeference


@dataclass(frozen=True)
class Sample:
    """One patch: T dates of C bands on H × W pixels, with its labels. T is never dropped; a single date is T = 1.

    Attributes:
        image: (T, C, H, W) float32 surface reflectance, unitless; 0 where missing.
        valid: (T, H, W) bool, True where usable.
        labels: (H, W) uint8: 0 background, 1…K class ids, 255 ignore.
        parcel_ids: (H, W) uint32: 0 = no parcel.
        days: (T,) int32 days since 1970-01-01, ascending.
        bands: the C band names, in order.
        origin: where it came from.
    """

    image: Float32
    valid: Bool
    labels: UInt8
    parcel_ids: UInt32
    days: Int32
    bands: tuple[str, ...]
    origin: Origin

    def __post_init__(self) -> None:
        t, c, h, w = self.image.shape
        shapes = (self.valid.shape, self.labels.shape, self.parcel_ids.shape, self.days.shape, len(self.bands))
        if shapes != ((t, h, w), (h, w), (h, w), (t,), c):
            raise GridMismatch(f"sample {self.origin.sample_id}: image {self.image.shape}, but the rest is {shapes}")
        dtypes = [a.dtype for a in (self.image, self.valid, self.labels, self.parcel_ids, self.days)]
        if dtypes != [np.float32, np.bool_, np.uint8, np.uint32, np.int32]:
            raise GridMismatch(f"sample {self.origin.sample_id}: wrong dtypes {dtypes}")

"""Which pixels count, and what one count is. Pure.

Pixels are predicted once. Their counts, kept per block and per reference class, give every protocol afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bocage.core.arrays import BACKGROUND, AnyArray, Bool, Float64, Int64, UInt32
from bocage.core.registry import Registry


@dataclass(frozen=True)
class Protocol:
    """One way of judging.

    Attributes:
        unit: what is counted: a pixel, a parcel (majority vote), or a parcel weighed by its pixels of ground.
        background: False leaves out what the reference calls background; predicting background stays an error.
        present_only: means run over the classes with reference pixels only.
        lost_predictions: True also leaves out pixels that are predicted as background: they vanish instead of being
            errors. Only published numbers that were made so ask for it.
        mean_probability: a parcel is given the class of the highest mean probability, not that of most of its pixels.
        zone: "boundary" counts the pixels with a neighbour that is not of their parcel, "interior" the others.
        level: classes are merged at this level of their hierarchy (1 = top); None: the classes themselves.
    """

    name: str
    summary: str
    unit: Literal["pixel", "parcel", "parcel_area"] = "pixel"
    background: bool = True
    present_only: bool = False
    lost_predictions: bool = False
    mean_probability: bool = False
    zone: Literal["all", "interior", "boundary"] = "all"
    level: int | None = None


PROTOCOLS: Registry[Protocol] = Registry("protocol")
for _protocol in (
    Protocol("all_pixels", "every pixel with a known class, background included"),
    Protocol("crop_pixels", "pixels that the reference gives to a crop", background=False),
    Protocol("present_classes", "all pixels; means over the classes with reference pixels only", present_only=True),
    Protocol("interior_pixels", "pixels whose neighbours are all of their parcel (or of no parcel)", zone="interior"),
    Protocol("boundary_pixels", "pixels with a neighbour of another parcel or of none", zone="boundary"),
    Protocol("parcels", "one count a parcel: the majority of its pixels", unit="parcel"),
    Protocol("parcels_area", "as parcels, each weighed by its area", unit="parcel_area"),
    Protocol("parcels_mean", "one count a parcel: its highest mean probability", unit="parcel", mean_probability=True),
    Protocol(
        "parcels_mean_area", "as parcels_mean, each weighed by its area", unit="parcel_area", mean_probability=True
    ),
    Protocol(
        "s4a_published",
        "as Sen4AgriNet reports: as crop_pixels, but crop pixels predicted as background vanish",
        background=False,
        lost_predictions=True,
    ),
):
    PROTOCOLS.register(_protocol.name)(_protocol)


HIERARCHY = "hierarchy:"


def find_protocol(name: str) -> Protocol:
    """A protocol by its name; `hierarchy:2` counts all pixels with their classes merged at level 2.

    Means run over the classes with reference pixels: which a level has depends on how deep each branch goes.

    Raises:
        UnknownName: with the nearest name.
    """
    level = name.removeprefix(HIERARCHY)
    if level == name or not level.isdecimal() or int(level) == 0:
        return PROTOCOLS[name]
    summary = f"all pixels, classes merged at level {int(level)} of their hierarchy (1 = top)"
    return Protocol(
        name, f"{summary}; means over the classes with reference pixels", present_only=True, level=int(level)
    )


def find_boundary(parcel_ids: UInt32) -> Bool:
    """(H, W) True where one of the eight neighbours has another parcel number; what is outside counts as the same."""
    padded = np.pad(parcel_ids, 1, mode="edge")
    height, width = parcel_ids.shape
    shifted = [padded[r : r + height, c : c + width] for r in range(3) for c in range(3)]
    return np.asarray(np.logical_or.reduce([around != parcel_ids for around in shifted]), dtype=bool)


def protocol_counts(confusions: Int64, protocol: Protocol) -> Int64:
    """The counts (..., K, K) that a protocol looks at."""
    if protocol.background:
        return confusions
    kept = confusions.copy()
    kept[..., BACKGROUND, :] = 0
    if protocol.lost_predictions:
        kept[..., :, BACKGROUND] = 0
    return kept


def protocol_losses(losses: AnyArray, protocol: Protocol) -> Float64 | None:
    """The loss sums (...) that a protocol looks at, from loss sums by reference class (..., K).

    None where predictions are lost or classes are merged: losses are kept by reference class only.
    """
    if protocol.lost_predictions or protocol.level is not None:
        return None
    kept = losses if protocol.background else losses[..., BACKGROUND + 1 :]
    return kept.sum(-1)  # type: ignore[no-any-return]

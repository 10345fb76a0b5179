"""What is kept of the predictions of one model: counts by block and by parcel. Pure, grows batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from bocage.core.arrays import IGNORE, AnyArray, Bool, Float32, Float64, Int64, UInt8, UInt32
from bocage.metrics.calibration import CalibrationCounts, count_calibration
from bocage.metrics.confusion import confusion
from bocage.metrics.parcels import ParcelCounts, count_parcels, merge_parcels, parcel_confusions
from bocage.metrics.protocols import Protocol, find_boundary, protocol_counts, protocol_losses

# Probabilities are clipped here before the logarithm (scikit-learn's log_loss does the same for float32).
SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)
ZONES = {"all": slice(0, 2), "interior": slice(0, 1), "boundary": slice(1, 2)}  # of the first axis of an Outcome


def loss_by_class(probabilities: Float32, labels: UInt8) -> Float64:
    """Sum of the cross-entropy (nats) over the pixels of each reference class: (K,).

    Args:
        probabilities: (K, H, W).
        labels: (H, W), 255 is left out.
    """
    n_classes = len(probabilities)
    scored = labels != IGNORE
    reference = np.where(scored, labels, 0).astype(np.intp)
    given = np.take_along_axis(probabilities, reference[None], axis=0)[0]
    losses = -np.log(np.maximum(given, SMALLEST_PROBABILITY).astype(np.float64))
    return np.bincount(reference[scored], weights=losses[scored], minlength=n_classes).astype(np.float64)


class Outcome:
    """Counts of one model over `n_blocks` blocks and K classes.

    Attributes:
        confusions: (2, n_blocks, K, K) pixels inside parcels or other land, and those at boundaries.
        losses: (2, n_blocks, K) sums of the cross-entropy by reference class.
        calibration: pixels by confidence; None before the first sample, and for a baseline without probabilities.
        has_loss: False for a baseline that gives no probabilities.
    """

    def __init__(self, n_blocks: int, n_classes: int, *, has_loss: bool = True) -> None:
        self.confusions: Int64 = np.zeros((2, n_blocks, n_classes, n_classes), np.int64)
        self.losses: Float64 = np.zeros((2, n_blocks, n_classes))
        self.calibration: CalibrationCounts | None = None
        self.has_loss = has_loss
        self._parcels: list[ParcelCounts] = []
        self._parcel_blocks: list[int] = []

    def add(
        self,
        blocks: Sequence[int],
        labels: UInt8,
        parcel_ids: UInt32,
        prediction: UInt8,
        probabilities: Float32 | None = None,
        new_ground: Bool | None = None,
    ) -> None:
        """Count one batch.

        Args:
            blocks: block number of each of the B samples.
            labels, parcel_ids, prediction: (B, H, W).
            probabilities: (B, K, H, W), or None where there are none.
            new_ground: (B, H, W) False where an earlier sample showed the same ground; None: nowhere.
        """
        n_classes = self.confusions.shape[-1]
        for i, block in enumerate(blocks):
            at_boundary = find_boundary(parcel_ids[i])
            for zone, left_out in enumerate((at_boundary, ~at_boundary)):
                scored = np.where(left_out, np.uint8(IGNORE), labels[i])
                self.confusions[zone, block] += confusion(scored, prediction[i], n_classes)
                if probabilities is not None:
                    self.losses[zone, block] += loss_by_class(probabilities[i], scored)
            given = None if probabilities is None else probabilities[i]
            new = None if new_ground is None else new_ground[i]
            self._parcels.append(count_parcels(labels[i], prediction[i], parcel_ids[i], n_classes, given, new))
            self._parcel_blocks.append(block)
            if probabilities is not None:
                counted = count_calibration(probabilities[i], labels[i])
                self.calibration = self.calibration + counted if self.calibration else counted

    def to_arrays(self) -> dict[str, AnyArray]:
        """Everything, as `from_arrays` takes it; the samples of a block become one."""
        n_classes, blocks = self.confusions.shape[-1], sorted(set(self._parcel_blocks))
        kept = [p for p in zip(self._parcel_blocks, self._parcels, strict=True) if len(p[1].ids)]
        merged = [merge_parcels([part for own, part in kept if own == block], n_classes) for block in blocks]
        parcels = {f.name: np.concatenate([getattr(m, f.name) for m in merged]) for f in fields(ParcelCounts)}
        calibration = {} if self.calibration is None else asdict(self.calibration)
        return {
            "confusions": self.confusions,
            "losses": self.losses,
            "has_loss": np.array(self.has_loss),
            "parcel_block": np.repeat(np.array(blocks, np.int64), [len(m.ids) for m in merged]),
            **{f"parcel_{name}": array for name, array in parcels.items()},
            **{f"calibration_{name}": np.array(value) for name, value in calibration.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, AnyArray]) -> Outcome:
        """What `to_arrays` gave."""
        confusions = arrays["confusions"]
        outcome = cls(confusions.shape[1], confusions.shape[-1], has_loss=bool(arrays["has_loss"]))
        outcome.confusions, outcome.losses = confusions, arrays["losses"]
        block = arrays["parcel_block"]
        starts = np.flatnonzero(np.diff(block, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(block)], strict=True):
            parts = {f.name: arrays[f"parcel_{f.name}"][start:end] for f in fields(ParcelCounts)}
            outcome._parcels.append(ParcelCounts(**parts))
            outcome._parcel_blocks.append(int(block[start]))
        if "calibration_n" in arrays:
            n, right, confidence = (arrays[f"calibration_{name}"] for name in ("n", "right", "confidence"))
            outcome.calibration = CalibrationCounts(n, right, confidence, float(arrays["calibration_brier"]))
        return outcome

    @property
    def n_parcel_px(self) -> int:
        """Scored pixels in parcels."""
        return sum(int(parcels.reference.sum()) for parcels in self._parcels)

    def counts(self, protocol: Protocol) -> tuple[Int64, Float64 | None]:
        """Counts (n_blocks, K, K) under a protocol, and loss sums (n_blocks,) where there are any."""
        if protocol.unit == "pixel":
            zones = ZONES[protocol.zone]
            losses = protocol_losses(self.losses[zones].sum(0), protocol) if self.has_loss else None
            return protocol_counts(self.confusions[zones].sum(0), protocol), losses
        votes = self.votes(by_area=protocol.unit == "parcel_area", by_probability=protocol.mean_probability)
        return protocol_counts(votes, protocol), None

    def votes(self, **choices: Any) -> Int64:
        """Counts (n_blocks, K, K) of parcels; the choices are those of `parcel_confusions`."""
        _, n_blocks, n_classes = self.losses.shape
        return parcel_confusions(self._parcels, self._parcel_blocks, n_blocks, n_classes, **choices)


def join_outcomes(parts: Sequence[tuple[Outcome, Int64]], n_blocks: int) -> Outcome:
    """The counts of several parts in one.

    Args:
        parts: outcomes of one model or baseline, each with the number 0..n_blocks-1 of each of its blocks.
    """
    first = parts[0][0]
    joined = Outcome(n_blocks, first.confusions.shape[-1], has_loss=first.has_loss)
    for part, number in parts:
        joined.confusions[:, number] += part.confusions
        joined.losses[:, number] += part.losses
        joined._parcels += part._parcels
        joined._parcel_blocks += [int(number[block]) for block in part._parcel_blocks]
    calibrations = [part.calibration for part, _ in parts if part.calibration]
    joined.calibration = reduce(add, calibrations) if calibrations else None
    return joined

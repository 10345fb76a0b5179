"""What is kept of the predictions of one model: counts by block and by parcel. Pure, grows batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bocage.core.arrays import IGNORE, Float32, Float64, Int64, UInt8, UInt32
from bocage.metrics.confusion import confusion
from bocage.metrics.parcels import ParcelCounts, count_parcels, parcel_confusions
from bocage.metrics.protocols import Protocol, protocol_counts, protocol_losses

# Probabilities are clipped here before the logarithm (scikit-learn's log_loss does the same for float32).
SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)


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
        confusions: (n_blocks, K, K) pixels.
        losses: (n_blocks, K) sums of the cross-entropy by reference class.
        has_loss: False for a baseline that gives no probabilities.
    """

    def __init__(self, n_blocks: int, n_classes: int, *, has_loss: bool = True) -> None:
        self.confusions: Int64 = np.zeros((n_blocks, n_classes, n_classes), np.int64)
        self.losses: Float64 = np.zeros((n_blocks, n_classes))
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
    ) -> None:
        """Count one batch.

        Args:
            blocks: block number of each of the B samples.
            labels, parcel_ids, prediction: (B, H, W).
            probabilities: (B, K, H, W), or None where there are none.
        """
        n_classes = self.confusions.shape[1]
        for i, block in enumerate(blocks):
            self.confusions[block] += confusion(labels[i], prediction[i], n_classes)
            self._parcels.append(count_parcels(labels[i], prediction[i], parcel_ids[i], n_classes))
            self._parcel_blocks.append(block)
            if probabilities is not None:
                self.losses[block] += loss_by_class(probabilities[i], labels[i])

    def counts(self, protocol: Protocol) -> tuple[Int64, Float64 | None]:
        """Counts (n_blocks, K, K) under a protocol, and loss sums (n_blocks,) where there are any."""
        if protocol.unit == "pixel":
            losses = protocol_losses(self.losses, protocol) if self.has_loss else None
            return protocol_counts(self.confusions, protocol), losses
        n_blocks, n_classes = self.losses.shape
        votes = parcel_confusions(
            self._parcels, self._parcel_blocks, n_blocks, n_classes, by_area=protocol.unit == "parcel_area"
        )
        return protocol_counts(votes, protocol), None

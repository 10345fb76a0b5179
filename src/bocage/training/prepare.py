"""A batch as the data set gives it -> as a step takes it: dates dropped, pixels picked, pixels hidden. Pure; torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from bocage.core.arrays import IGNORE
from bocage.datasets.loader import Batch


def drop_dates(batch: Batch, share: float, rng: np.random.Generator) -> Batch:
    """Each date of each sample goes missing with probability `share`; a sample that would lose all keeps all."""
    usable = batch.valid.flatten(2).any(2)
    kept = torch.from_numpy(rng.random(tuple(usable.shape)) >= share)
    kept = kept | ~(kept & usable).any(1, keepdim=True)
    mask = kept[:, :, None, None]
    return replace(batch, image=batch.image * mask[:, :, None], valid=batch.valid & mask)


def pick_patch_pixels(batch: Batch, n: int, rng: np.random.Generator) -> Batch:
    """`n` labelled pixels of each sample, as samples of 1×1 pixels: (B·n, T, C, 1, 1).

    Pixels without a valid date are not picked. A sample of fewer pixels gives as many as it has, but two at least, so
    that a batch of one parcel still has a spread; where fewer have a label, some come twice. One without any gives
    pixels that are ignored.
    """
    n = min(n, max(2, batch.labels[0].numel()))
    labels, seen = batch.labels.flatten(1).numpy(), batch.valid.any(1).flatten(1).numpy()
    chosen = []
    for row in np.where(seen, labels, IGNORE):
        candidates = np.flatnonzero(row != IGNORE)
        if len(candidates):
            chosen.append(rng.choice(candidates, n, replace=len(candidates) < n))
        else:
            chosen.append(np.zeros(n, np.int64))
    index = torch.from_numpy(np.stack(chosen))
    of_sample = torch.arange(len(index))[:, None]
    usable = torch.from_numpy(seen)[of_sample, index]
    picked = batch.labels.flatten(1)[of_sample, index]
    return Batch(
        image=batch.image.flatten(3).permute(0, 3, 1, 2)[of_sample, index].flatten(0, 1)[..., None, None],
        valid=batch.valid.flatten(2).permute(0, 2, 1)[of_sample, index].flatten(0, 1)[..., None, None],
        labels=torch.where(usable, picked, torch.full_like(picked, IGNORE)).flatten()[:, None, None],
        parcel_ids=batch.parcel_ids.flatten(1)[of_sample, index].flatten()[:, None, None],
        days=batch.days.repeat_interleave(n, dim=0),
        sample_ids=batch.sample_ids,
    )


def only_parcels(batch: Batch) -> Batch:
    """Pixels without a parcel, and those of background, are ignored, as in the Sen4AgriNet paper."""
    hidden = (batch.parcel_ids == 0) | (batch.labels == 0)
    return replace(batch, labels=torch.where(hidden, torch.full_like(batch.labels, IGNORE), batch.labels))

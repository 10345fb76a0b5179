"""A few test samples as pictures: which ones, and their pixels. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from bocage.core.arrays import Float32, Int64, UInt8
from bocage.core.sample import Sample

TRUE_COLOUR = ("B04", "B03", "B02")


def choose_panels(px_by_class: Int64, grounds: Sequence[Hashable], n: int) -> list[int]:
    """Row numbers of up to n samples that together show most classes.

    Args:
        px_by_class: (n_samples, K) scored pixels of each sample by class.
        grounds: the ground of each sample (cube and window); one ground is shown once.

    Returns:
        Rows in the order of choice: first those that add most unseen classes, then those with most classes; ties go to
        the sample with more crop pixels. Samples without a scored pixel are never chosen.
    """
    shown = np.zeros(px_by_class.shape[1], bool)
    crop_px = px_by_class[:, 1:].sum(1)
    chosen: list[int] = []
    while len(chosen) < n:
        taken = {grounds[i] for i in chosen}
        open_rows = [i for i in range(len(grounds)) if px_by_class[i].any() and grounds[i] not in taken]
        if not open_rows:
            break
        there = px_by_class > 0
        best = max(open_rows, key=lambda i: ((there[i] & ~shown).sum(), there[i].sum(), crop_px[i], -i))
        shown |= there[best]
        chosen.append(best)
    return chosen


def to_rgb(sample: Sample) -> UInt8:
    """(H, W, 3) uint8 true colour of the date with most valid pixels, stretched between its 2nd and 98th percentile.

    Without B04, B03 and B02 the first three bands stand in (the last one repeated if there are fewer).
    """
    date = int(sample.valid.sum((1, 2)).argmax())
    names = TRUE_COLOUR if set(TRUE_COLOUR) <= set(sample.bands) else [*sample.bands, *[sample.bands[-1]] * 2][:3]
    picture: Float32 = sample.image[date, [sample.bands.index(name) for name in names]]
    valid = sample.valid[date]
    low, high = np.percentile(picture[:, valid], [2, 98]) if valid.any() else (0.0, 1.0)
    stretched = np.clip((picture - low) / max(high - low, 1e-3), 0, 1) * valid
    return np.asarray(np.rint(255 * stretched), dtype=np.uint8).transpose(1, 2, 0)

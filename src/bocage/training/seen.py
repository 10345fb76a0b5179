"""A data set → the summary of some samples, which a checkpoint keeps and `bocage shift` compares. Reads samples."""

from __future__ import annotations

from collections.abc import Sequence

from bocage.core.seeds import generator
from bocage.datasets.read import Dataset
from bocage.metrics.shift import Summary, summarise

MAX_SAMPLES = 500  # 1,000,000 pixels settle a quantile


def summarise_samples(dataset: Dataset, sample_ids: Sequence[str], *, seed: int) -> Summary:
    """Radiometry, labels and season of at most 500 samples, drawn at random.

    Raises:
        NothingLeft: if no pixel is valid.
    """
    rng = generator(seed, "training", "seen")
    chosen = rng.permutation(len(sample_ids))[:MAX_SAMPLES]
    samples = (dataset.read(sample_ids[i]) for i in sorted(chosen))
    return summarise(samples, len(dataset.info.classes), rng)

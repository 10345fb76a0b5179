"""The contract of every benchmark, as one check that a benchmark of your own can run.

check_benchmark(BENCHMARKS["mine"], tmp_path)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bocage.benchmarks.benchmark import Benchmark, Collection, View, parse_options
from bocage.core.arrays import IGNORE
from bocage.core.sample import Sample
from bocage.metrics.protocols import PROTOCOLS


def check_benchmark(benchmark: Benchmark, folder: Path) -> None:
    """Write its miniature to `folder` and raise AssertionError where the benchmark breaks the contract.

    It says where to get it and under which licence; its miniature has no problem; every view yields samples with the
    view's bands and classes, the same ones twice; the samples come one by one, so one read changes no other; an empty
    folder is refused with a reason.
    """
    assert benchmark.where, "it does not say where to get it"
    assert benchmark.licence, "it does not state its licence"
    assert benchmark.views, "it has no view"
    options = parse_options(benchmark, {})
    copy = benchmark.write_miniature(folder / "copy")
    assert benchmark.check(copy, options) == [], "its own miniature is refused"
    empty = folder / "empty"
    empty.mkdir()
    assert benchmark.check(empty, options), "an empty folder is taken for a copy"
    for name, view in benchmark.views.items():
        assert name == view.name, f"view '{view.name}' is registered as '{name}'"
        _check_view(view, benchmark.open(copy, name, options), benchmark.open(copy, name, options))


def _check_view(view: View, collection: Collection, again: Collection) -> None:
    assert all(p in PROTOCOLS for p in view.protocols), f"unknown protocol among {view.protocols}"
    assert len(view.protocols) > 0, f"view '{view.name}' has no protocol"
    entries = collection.entries
    assert entries, f"view '{view.name}' of the miniature yields nothing"
    assert collection.tally.kept == len(entries), "the tally does not count the entries"
    ids = [e.sample_id for e in entries]
    assert len(set(ids)) == len(ids), "sample ids repeat"
    assert ids == [e.sample_id for e in again.entries], "opened twice, two orders"
    if view.test_folds:
        assert {e.fold for e in entries} == set(view.test_folds), "the miniature lacks a fold"
    for entry in (entries[0], entries[-1]):
        sample = collection.read(entry)
        _check_sample(view, sample)
        other = again.read(entry)
        assert np.array_equal(sample.image, other.image), f"{entry.sample_id} read twice differs"
        assert np.array_equal(sample.labels, other.labels), f"{entry.sample_id} read twice differs"


def _check_sample(view: View, sample: Sample) -> None:
    name = sample.origin.sample_id
    assert sample.bands == view.bands, f"{name}: bands {sample.bands}, the view says {view.bands}"
    labels = set(np.unique(sample.labels).tolist()) - {IGNORE}
    assert max(labels, default=0) < len(view.class_names), f"{name}: labels {labels} go beyond the classes"
    assert np.isfinite(sample.image).all(), f"{name}: reflectance is not finite"
    missing = np.broadcast_to(~sample.valid[:, None], sample.image.shape)
    assert not sample.image[missing].any(), f"{name}: missing pixels hold something else than 0"
    assert np.abs(sample.image).max() < 10, f"{name}: this is no reflectance"
    assert (np.diff(sample.days) >= 0).all(), f"{name}: dates are not ascending"

"""Data sets → data sets: compare two, join several, draw a stratified part, select. IO: reads and writes folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.arrays import IGNORE
from bocage.core.artifacts import write_json
from bocage.core.errors import ConfigError, GridMismatch
from bocage.core.progress import track
from bocage.core.seeds import generator
from bocage.core.stratify import deal_stratified
from bocage.core.tally import Tally
from bocage.datasets.info import DatasetInfo
from bocage.datasets.manifest import further_columns, pixel_columns
from bocage.datasets.read import Dataset
from bocage.datasets.write import SELECTION, DatasetWriter
from bocage.patches.judge import KEPT
from bocage.patches.options import SelectionOptions
from bocage.patches.select import Selection, plan_selection

SAME = ("classes", "bands", "patch_size_px", "resolution_m", "dates", "level", "preprocessing")
PLACE = ("crs", "left", "top", "height", "width", "resolution_m", "days", "year")


def diff_datasets(a: Dataset, b: Dataset) -> dict[str, Any]:
    """What differs: same (bool), about (field → [a, b]), only_a and only_b (sample ids), changed (id → fields)."""
    about = {k: [_plain(getattr(a.info, k)), _plain(getattr(b.info, k))] for k in (*SAME, "store", "digest")}
    rows_a, rows_b = (d.manifest.set_index("sample_id") for d in (a, b))
    shared = [s for s in rows_a.index if s in rows_b.index]
    columns = [c for c in rows_a if c in rows_b and c not in ("shard", "offset", "length", "crc32", "sha256")]
    changed: dict[str, list[str]] = {}
    for sample_id in shared:
        x, y = rows_a.loc[sample_id], rows_b.loc[sample_id]
        fields = [str(c) for c in columns if _plain(x[c]) != _plain(y[c])]
        fields += ["arrays"] if x["sha256"] != y["sha256"] else []
        if fields:
            changed[str(sample_id)] = fields
    return {
        "same": a.info.digest == b.info.digest,
        "about": {k: v for k, v in about.items() if v[0] != v[1]},
        "only_a": [str(s) for s in rows_a.index if s not in rows_b.index],
        "only_b": [str(s) for s in rows_b.index if s not in rows_a.index],
        "changed": changed,
    }


def merge_datasets(
    datasets: Sequence[Dataset], out: Path, *, selection: SelectionOptions | None = None
) -> tuple[DatasetInfo, Tally]:
    """Join data sets of one kind; of samples with the same window, dates and year the first one's is kept.

    An id that comes again with another window gets the number of its data set behind it. Parcel numbers are those of
    the data sets: join only data sets whose numbers come from one parcel file, or whose countries or years differ.

    Args:
        selection: which samples are taken of all of them together; `selection.json` says why.

    Raises:
        GridMismatch: if they differ in classes, bands, patch size, pixel size, dates, level or preprocessing.
        ConfigError: if one has parcels of a country and year of another beside those of more places, or numbers would
            pass 32 bits, or `out` holds a data set.
        UnknownName: if the selection names a class that they do not have.
    """
    first = datasets[0].info
    for other in datasets[1:]:
        differ = [k for k in SAME if getattr(first, k) != getattr(other.info, k)]
        if differ:
            raise GridMismatch(
                f"{datasets[0].folder} and {other.folder} differ in {', '.join(differ)}; only data sets of one kind "
                "can be joined. `bocage dataset diff` shows how."
            )
    shifts = number_shifts(datasets)
    writer = DatasetWriter(out, replace(first, tallies={}))
    joined, tally = join_manifests(datasets)
    tallies = {"merge": tally.to_json()}
    if selection is not None:
        chosen = choose_samples(joined, selection, first.class_names)
        joined = joined[joined["sample_id"].isin(chosen.taken["sample_id"])]
        tally = tally.then(chosen.tally)
        tallies["selection"] = chosen.tally.to_json()
        write_json(out / SELECTION, dict(chosen.about))
    for row in track(joined.to_dict("records"), "Joining", unit="samples"):
        sample, shift = datasets[row["dataset"]].read(str(row["own_id"])), shifts[row["dataset"]]
        ids = sample.parcel_ids
        moved = np.where(ids > 0, ids + np.uint32(shift), ids) if shift else ids
        origin = replace(sample.origin, sample_id=str(row["sample_id"]))
        writer.add(replace(sample, origin=origin, parcel_ids=moved), further_columns(row))
    writer.info = replace(writer.info, tallies=tallies)
    return writer.finish(), tally


def join_manifests(datasets: Sequence[Dataset]) -> tuple[pd.DataFrame, Tally]:
    """The manifests as one, each window with its dates and year once, with the columns `dataset` (position) and
    `own_id`; `sample_id` is unique."""
    joined = pd.concat([d.manifest.assign(dataset=n) for n, d in enumerate(datasets)], ignore_index=True)
    again = joined[list(PLACE)].map(_plain).duplicated()
    joined = joined[~again].reset_index(drop=True)
    own = joined["sample_id"]
    numbered = own + "." + (joined["dataset"] + 1).astype(str)
    tally = Tally.count(["the same window and dates again" if twice else None for twice in again])
    return joined.assign(own_id=own, sample_id=np.where(own.duplicated(), numbered, own)), tally


def number_shifts(datasets: Sequence[Dataset]) -> list[int]:
    """What is added to each data set's parcel numbers so that parcels of different declarations never share one.

    Data sets of one country and year are of one parcel file: their numbers stay together.

    Raises:
        ConfigError: if one shares some of its places with another, not all: how the numbers of one became those of the
            other cannot be told, and a parcel with two numbers would leak from part to part. Or past 32 bits.
    """
    next_free, shift_of = 0, dict[tuple[tuple[str, int], ...], int]()
    shifts = []
    for dataset in datasets:
        declared = sorted({(str(c), int(y)) for c, y in dataset.manifest[["country", "year"]].itertuples(index=False)})
        key = tuple(declared)
        if key not in shift_of:
            if known := [place for place in declared if any(place in other for other in shift_of)]:
                raise ConfigError(
                    f"{dataset.folder} holds parcels of {', '.join(f'{c} {y}'.strip() for c, y in known)} like another "
                    "data set, but of more or fewer places than that one, so that their numbers differ. Join the data "
                    "sets that they were joined from."
                )
            shift_of[key] = next_free
        shifts.append(shift_of[key])
        next_free = max(next_free, shift_of[key] + int(dataset.parcels()["number"].to_numpy().max(initial=0)))
    if next_free >= 2**32:
        raise ConfigError(f"The parcels of these data sets need numbers up to {next_free}; 32 bits end at {2**32 - 1}.")
    return shifts


def sample_dataset(dataset: Dataset, n: int, out: Path, *, seed: int) -> DatasetInfo:
    """A part of `n` samples that keeps the shares of the labels: iterative stratification over classes by patch.

    Raises:
        ConfigError: if `n` is not between 1 and the number of samples, or `out` holds a data set.
    """
    if not 1 <= n <= len(dataset):
        raise ConfigError(f"A part of {n} samples was asked for; {dataset.folder} has {len(dataset)}.")
    columns = [c for c in pixel_columns(len(dataset.info.classes)) if c != f"n_px_{IGNORE}"]
    holds = dataset.manifest[columns].to_numpy() > 0
    part = deal_stratified(holds, (n, len(dataset) - n), generator(seed, "datasets", "sample"))
    tally = Tally(n, {"not drawn": len(dataset) - n})
    return _write_part(dataset, np.flatnonzero(part == 0).tolist(), out, step="sample", tally=tally)


def select_samples(dataset: Dataset, options: SelectionOptions, out: Path) -> tuple[DatasetInfo, Selection]:
    """The samples that a selection takes: several builds, merged, are selected as one. `selection.json` says why.

    Raises:
        UnknownName: if the options name a class that the data set does not have.
        ConfigError: if `out` holds a data set.
    """
    selection = choose_samples(dataset.manifest, options, dataset.info.class_names)
    chosen = np.flatnonzero(dataset.manifest["sample_id"].isin(selection.taken["sample_id"])).tolist()
    info = _write_part(dataset, chosen, out, step="selection", tally=selection.tally)
    write_json(out / SELECTION, dict(selection.about))
    return info, selection


def choose_samples(manifest: pd.DataFrame, options: SelectionOptions, class_names: Sequence[str]) -> Selection:
    """`patches.select` on a manifest. A region is a cube of a country and year; so is the ground, on which windows of
    other years are not redundant."""
    place = manifest["country"] + "/" + manifest["year"].astype(str) + "/" + manifest["cube"]
    candidates = manifest.assign(candidate_id=manifest["sample_id"], cube=place, region=place, verdict=KEPT)
    return plan_selection(candidates, options, class_names)


def _write_part(dataset: Dataset, rows: Sequence[int], out: Path, *, step: str, tally: Tally) -> DatasetInfo:
    """The samples in these rows of the manifest as a data set of their own."""
    writer = DatasetWriter(out, replace(dataset.info, tallies={step: tally.to_json()}))
    for i in track(rows, "Writing samples", unit="samples"):
        row = dataset.manifest.iloc[i].to_dict()
        writer.add(dataset.read(str(row["sample_id"])), further_columns(row))
    return writer.finish()


def _plain(value: Any) -> Any:
    """A value that can be compared and printed."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, list):
        return tuple(value)
    return value

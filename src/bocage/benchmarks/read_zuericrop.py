"""ZueriCrop as published (one HDF5 file) -> samples. IO, read only.

    data         [N, 142, 24, 24, 9]   reflectance × 10 000; bands B08 B03 B02 B04 B05 B06 B07 B11 B12
    gt           [N, 24, 24, 1]        ids 0–124 (0 = unknown)
    gt_instance  [N, 24, 24, 1]        parcels

The rules are those of ms-convSTAR: every second date, five contiguous folds by position, and only samples with at least
90 % of their pixels labelled. The file holds no dates: they are spread evenly over 2019.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import h5py  # type: ignore[import-untyped]
import numpy as np
from pydantic import Field

from bocage.benchmarks.benchmark import BENCHMARKS, Benchmark, Collection, Entry, View
from bocage.benchmarks.crosswalks import TAXONOMY, read_class_table, target_lookup, target_names, unknown_ids
from bocage.benchmarks.read_arrays import open_hdf5
from bocage.benchmarks.write_zuericrop import write_zuericrop
from bocage.core.arrays import SCALE, Bool, UInt8
from bocage.core.options import Options
from bocage.core.sample import Origin, Sample
from bocage.core.tally import Tally

BANDS = ("B08", "B03", "B02", "B04", "B05", "B06", "B07", "B11", "B12")
FIRST_DAY = 17_897  # 2019-01-01 in days since 1970
N_DATES, SIDE, N_FOLDS = 142, 24, 5
FILE = "ZueriCrop.hdf5"
SHAPES = {"data": (N_DATES, SIDE, SIDE, len(BANDS)), "gt": (SIDE, SIDE, 1), "gt_instance": (SIDE, SIDE, 1)}

_TABLE = read_class_table("zuericrop")
FOLDS = tuple(str(i + 1) for i in range(N_FOLDS))
VIEWS = {
    "native": View(
        "native",
        "the 124 codes of the direct payments",
        ("unknown", *(_TABLE.names[i] for i in range(1, len(_TABLE.names)))),
        BANDS,
        ("crop_pixels",),
        FOLDS,
    ),
    TAXONOMY: View(
        TAXONOMY, "our crosswalk, after the rule of Table 8", target_names(), BANDS, ("crop_pixels", "all_pixels")
    ),
}


class ZueriCropOptions(Options):
    """How ZueriCrop is read."""

    every: int = Field(2, description="Take every n-th date; 2 as ms-convSTAR does.", ge=1, le=N_DATES)
    min_labelled_fraction: float = Field(
        0.9, description="Least share of labelled pixels of a sample (fraction).", ge=0, le=1
    )


def check_zuericrop(path: Path, options: ZueriCropOptions) -> list[str]:
    """Names and shapes of the arrays, all labels, and that the last sample can be read."""
    if not _file(path).is_file():
        return [f"{_file(path)} is missing"]
    try:
        with h5py.File(_file(path)) as file:
            problems = [f"{name} is missing" for name in SHAPES if name not in file]
            if problems:
                return problems
            n = len(file["gt"])
            for name, shape in SHAPES.items():
                found = file[name].shape
                if found != (n, *shape):
                    problems.append(f"{name} has the shape {found}, expected {(n, *shape)}")
            if not problems and (unknown := unknown_ids(file["gt"][:].astype(np.uint8), "zuericrop")):
                problems.append(f"gt: labels {unknown} are not in the list 0–{len(_TABLE.names) - 1}")
            if not problems:
                file["data"][n - 1]
            return problems
    except OSError as error:
        return [f"{_file(path)} is truncated or no HDF5 file ({error})"]


def labelled_enough(gt: UInt8, min_fraction: float) -> Bool:
    """Which of (N, 24, 24, 1) samples have enough labelled pixels."""
    return (gt != 0).mean((1, 2, 3)) >= min_fraction  # type: ignore[no-any-return]


def open_zuericrop(path: Path, view: str, options: ZueriCropOptions) -> Collection:
    """The samples that are labelled enough, with their fold."""
    with open_hdf5(_file(path)) as file:
        kept = labelled_enough(file["gt"][:], options.min_labelled_fraction)
    n = len(kept)
    entries = [Entry(f"{i:05d}", FOLDS[i * N_FOLDS // n], f"{i:05d}", (i,)) for i in np.nonzero(kept)[0].tolist()]
    reason = f"less than {options.min_labelled_fraction:.0%} labelled"
    tally = Tally(len(entries), {reason: n - len(entries)})
    return Collection(VIEWS[view], tuple(entries), tally, partial(_read_sample, path, view, options))


def _read_sample(path: Path, view: str, options: ZueriCropOptions, entry: Entry) -> Sample:
    (i,) = entry.key
    with open_hdf5(_file(path)) as file:
        stored = file["data"][i, :: options.every]
        gt, parcels = file["gt"][i, ..., 0].astype(np.uint8), file["gt_instance"][i, ..., 0]
    stored = np.moveaxis(stored, -1, 1)  # band before y and x
    valid = (stored != 0).any(1)
    image = (stored / np.float32(SCALE)).astype(np.float32)
    labels = target_lookup("zuericrop")[gt] if view == TAXONOMY else np.where(gt == 0, 255, gt).astype(np.uint8)
    positions = np.arange(0, N_DATES, options.every)
    days = (FIRST_DAY + positions * 365 // N_DATES).astype(np.int32)
    origin = Origin(entry.sample_id, "CH", 2019, "", ("",) * len(days), None)
    return Sample(image, valid, labels, parcels.astype(np.uint32), days, BANDS, origin)


def _file(path: Path) -> Path:
    return path / FILE if path.is_dir() else path


BENCHMARKS.register("zuericrop")(
    Benchmark(
        name="zuericrop",
        title="ZueriCrop: 28,000 series of 24 pixels, Zurich and Thurgau, 2019",
        where="https://github.com/0zgur0/multi-stage-convSTAR-network (link to ZueriCrop.hdf5); give the file",
        licence="not stated; ask the authors",
        source="Turkoglu et al. 2021, Remote Sensing of Environment",
        options=ZueriCropOptions,
        views=VIEWS,
        check=check_zuericrop,
        open=open_zuericrop,
        write_miniature=write_zuericrop,
    )
)

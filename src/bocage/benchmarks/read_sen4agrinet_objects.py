"""Sen4AgriNet's object task (OAD): a row a parcel in a CSV a COCO list -> samples of one pixel. IO, read only.

    <coco list>.csv.gz     parcel_id, label (FAO-like code), counts, <band>_<mm>_mean and _std, mm 00 = January … 11

Values are numbers of level 1C, 0–10,000. The rows of one patch stand together, their parcels ascending from 0, which is
what lies in no parcel. Rows of other crops than the eleven are left out, as in the published code.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from bocage.benchmarks.benchmark import Entry
from bocage.core.arrays import SCALE, AnyArray, Bool, Float32, Int32, UInt8
from bocage.core.bands import BANDS
from bocage.core.sample import Origin, Sample
from bocage.datasets.objects import period_days, stack_features

STATISTICS = ("mean", "std")
FEATURES = tuple(f"{band}_{statistic}" for band in sorted(BANDS) for statistic in STATISTICS)
ABOUT = ("parcel_id", "label", "counts")
N_MONTHS = 7
YEAR = 2019  # the files do not say which of their years a row is of; its months are shown in this one


def list_object_files(path: Path, coco: str | None) -> list[Path]:
    """The file of a COCO list, or without one those of the test parts, or all where no name says its part."""
    files = sorted(path.rglob("*.csv.gz"))
    if coco is not None:
        return [f for f in files if f.name == f"{Path(coco).stem}.csv.gz"]
    return [f for f in files if f.name.endswith("_test.csv.gz")] or files


def check_object_file(file: Path) -> Iterator[str]:
    """Columns and labels; the file is read to its end."""
    try:
        table = pd.read_csv(file)
    except (OSError, EOFError, ValueError) as error:
        yield f"{file.name} is truncated or no CSV ({error})"
        return
    wanted = [*ABOUT, *(f"{b}_{m:02d}_{s}" for b in BANDS for m in range(12) for s in STATISTICS)]
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        yield f"{file.name} lacks {len(missing)} of {len(wanted)} columns, such as {', '.join(missing[:3])}"
    elif text := [column for column in wanted if table[column].dtype.kind not in "iuf"]:
        yield f"{file.name} has something else than numbers in {', '.join(text[:3])}"
    elif wrong := [v for v in sorted(set(table["label"])) if v != 0 and not 100 <= v <= 998]:
        yield f"{file.name}: labels {wrong[:5]} are outside the list 100–998"


def list_objects(file: Path, codes: tuple[int, ...], first_month: int) -> tuple[list[Entry], int]:
    """The rows of the crops that count, and the number of those left out.

    Args:
        codes: label code by class id, that of the background first.
    """
    numbers, labels, _, _ = _read(file, codes, first_month)
    patches = np.cumsum(np.concatenate([[0], (np.diff(numbers) <= 0).astype(int)]))
    kept = np.flatnonzero(labels > 0).tolist()
    part = file.name.removesuffix(".csv.gz")
    entries = [Entry(f"{part}-{i}", "", f"{part}-{patches[i]}", (file, i, codes, first_month)) for i in kept]
    return entries, len(labels) - len(kept)


def read_object(entry: Entry) -> Sample:
    """One row as a sample: T months of 26 features."""
    file, row, codes, first_month = entry.key
    numbers, labels, image, days = _read(file, codes, first_month)
    series = image[row]
    valid: Bool = np.isfinite(series).all(axis=1)
    return Sample(
        image=np.where(valid[:, None], series, np.float32(0))[:, :, None, None],
        valid=valid[:, None, None],
        labels=np.full((1, 1), labels[row], np.uint8),
        parcel_ids=np.full((1, 1), numbers[row], np.uint32),
        days=days,
        bands=FEATURES,
        origin=Origin(entry.sample_id, "", YEAR, "", (), None),
    )


@lru_cache(maxsize=2)
def _read(file: Path, codes: tuple[int, ...], first_month: int) -> tuple[AnyArray, UInt8, Float32, Int32]:
    """Parcel numbers (N,), class ids (N,), 0 where none; reflectance (N, T, 26), NaN where missing; days (T,)."""
    months = range(first_month - 1, first_month - 1 + N_MONTHS)
    features = [f.replace("_", f"_{m:02d}_") for m in months for f in FEATURES]
    table = pd.read_csv(file, usecols=[*ABOUT, *features])[[*ABOUT, *features]]
    _, periods, values = stack_features(table.drop(columns="parcel_id"))
    class_of = {code: i for i, code in enumerate(codes)}
    labels: UInt8 = table["label"].map(class_of).fillna(0).to_numpy().astype(np.uint8)
    image = (values / np.float32(SCALE)).astype(np.float32)
    numbers: AnyArray = table["parcel_id"].to_numpy()
    return numbers, labels, image, period_days(periods, YEAR)

"""Sen4AgriNet as published -> samples: patches (netCDF-4, one file a patch and year), and parcels. IO, read only.

    <year>_<tile>_patch_<ii>_<jj>.nc    groups B01 … B12, B8A (level 1C, B10 included), labels, parcels
    a band group                         variable of its name: uint16 (time, y, x), coordinate `time`
    labels, parcels                      uint32 (366, 366): FAO-like codes and parcel numbers, 0 = none

The pixel task (PAD): monthly medians of B02 B03 B04 B08, April to September, patches of 366 pixels cut in 36, eleven
classes. A month without an image is filled along time. Scenarios 1–3 are lists of patches: give their COCO file.
netCDF-4 files are HDF5 files, and read as such.

The object task (OAD): see `read_sen4agrinet_objects`. A copy may hold either, or both.
"""

from __future__ import annotations

import json
import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bocage.benchmarks.benchmark import BENCHMARKS, Benchmark, Collection, Entry, View
from bocage.benchmarks.crosswalks import read_class_table
from bocage.benchmarks.read_arrays import days_since_epoch, open_hdf5
from bocage.benchmarks.read_sen4agrinet_objects import (
    FEATURES,
    check_object_file,
    list_object_files,
    list_objects,
    read_object,
)
from bocage.benchmarks.write_sen4agrinet import write_sen4agrinet
from bocage.core.arrays import SCALE, AnyArray, Float32, Float64, UInt8, UInt32
from bocage.core.bands import BANDS
from bocage.core.errors import CorruptFile, MissingFile, NothingLeft
from bocage.core.options import Options
from bocage.core.sample import Origin, Sample
from bocage.core.tally import Tally

SIDE_BY_RESOLUTION_M = {10: 366, 20: 183, 60: 61}
SIDE = 366
SUB_PX = 61
MONTHS = range(4, 10)
INPUT_BANDS = ("B02", "B03", "B04", "B08")
_TABLE = read_class_table("sen4agrinet")
_CODES = sorted(_TABLE.names)
CLASS_NAMES = tuple(_TABLE.names[code] for code in _CODES)
_NAME = re.compile(r"^(\d{4})_(\w{5})_patch_(\d{2})_(\d{2})\.nc$")
_UNITS = re.compile(r"^(days|hours|minutes|seconds) since (\d{4}-\d{2}-\d{2})")
_UNIT_SECONDS = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}

VIEWS = {
    "native": View(
        "native",
        "pixel task (PAD): eleven crops, monthly medians of four bands, level 1C",
        CLASS_NAMES,
        INPUT_BANDS,
        ("s4a_published", "crop_pixels"),
    ),
    "objects": View(
        "objects",
        "object task (OAD): parcels of eleven crops, monthly means and deviations of 13 bands, level 1C",
        CLASS_NAMES,
        FEATURES,
        ("crop_pixels", "present_classes"),
    ),
}


class Sen4AgriNetOptions(Options):
    """How Sen4AgriNet is read."""

    coco: str | None = Field(
        None,
        description="COCO file of a scenario's part, such as exp1_patches2000_strat_coco_test.json; else all "
        "patches, and the parcels of every test part.",
    )
    first_month: int = Field(
        5,
        ge=1,
        le=6,
        description="objects: first of the seven months. The published code takes the columns 04 to 10, which are May "
        "to November; it says April to October, which is 4.",
    )


def list_patches(path: Path, options: Sen4AgriNetOptions) -> dict[str, Path]:
    """File name → file, of all patches or of those in the COCO file.

    Raises:
        MissingFile: if a patch of the list is not there.
        CorruptFile: if the list is none.
    """
    there = {f.name: f for f in sorted(path.rglob("*.nc")) if _NAME.match(f.name)}
    if options.coco is None:
        return there
    try:
        images = json.loads(Path(options.coco).read_text(encoding="utf-8"))["images"]
        wanted = [Path(i["file_name"]).name for i in images]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptFile(
            f"{options.coco} is no COCO file ({type(error).__name__}: {error}). Set coco to one of S4A's."
        ) from error
    if missing := [name for name in wanted if name not in there]:
        raise MissingFile(
            f"{len(missing)} of {len(wanted)} patches of {options.coco} are not under {path}: "
            f"{', '.join(missing[:3])}. Get them, or leave coco out to judge what is there."
        )
    return {name: there[name] for name in wanted}


def check_sen4agrinet(path: Path, options: Sen4AgriNetOptions) -> list[str]:
    """Groups, shapes and types of every patch, its labels are read; every object file is read."""
    objects = sorted(path.rglob("*.csv.gz"))
    try:
        patches = {} if objects and not any(path.rglob("*.nc")) else list_patches(path, options)
    except (MissingFile, CorruptFile) as error:
        return [str(error)]
    if not patches and not objects:
        return [f"neither <year>_<tile>_patch_<ii>_<jj>.nc nor <coco list>.csv.gz under {path}"]
    problems = [f"{name}: {problem}" for name, file in patches.items() for problem in _check_patch(file)]
    return problems + [problem for file in objects for problem in check_object_file(file)]


def _check_patch(path: Path) -> list[str]:
    try:
        with h5py.File(path) as file:
            groups = (*BANDS, "labels", "parcels")
            if missing := [g for g in groups if g not in file or g not in file[g]]:
                return [f"group {', '.join(missing)} is missing"]
            problems = [p for band in BANDS for p in _check_band(file[band], band)]
            for name in ("labels", "parcels"):
                if file[name][name].shape != (SIDE, SIDE):
                    problems.append(f"{name} has the shape {file[name][name].shape}, expected {(SIDE, SIDE)}")
            if not problems:
                problems = _check_labels(file["labels"]["labels"][:])
            return problems
    except OSError as error:
        return [f"truncated or no netCDF-4 file ({error})"]


def _check_band(group: Any, band: str) -> list[str]:
    side = SIDE_BY_RESOLUTION_M[BANDS[band].resolution_m]
    stored = group[band]
    if stored.shape[1:] != (side, side):
        return [f"{band} has the shape {stored.shape}, expected (time, {side}, {side})"]
    if "time" not in group or group["time"].shape != stored.shape[:1]:
        return [f"{band} has {stored.shape[0]} images, but its times differ in number"]
    return []


def _check_labels(labels: UInt32) -> list[str]:
    found = np.unique(labels)
    wrong = [int(v) for v in found if v != 0 and not 100 <= v <= 998]  # the list of codes runs from 100 to 998
    return [f"labels {wrong} are outside the list 100–998"] if wrong else []


def open_sen4agrinet(path: Path, view: str, options: Sen4AgriNetOptions) -> Collection:
    """36 sub-patches of every patch, or one row of every parcel; nothing where the copy has none of them."""
    return _open_objects(path, options) if view == "objects" else _open_patches(path, options)


def _open_patches(path: Path, options: Sen4AgriNetOptions) -> Collection:
    patches = list_patches(path, options) if any(path.rglob("*.nc")) else {}
    starts = range(0, SIDE, SUB_PX)
    entries = [
        Entry(f"{name.removesuffix('.nc')}_{row // SUB_PX}{col // SUB_PX}", "", name[5:], (file, row, col))
        for name, file in patches.items()
        for row in starts
        for col in starts
    ]
    return Collection(VIEWS["native"], tuple(entries), Tally(len(entries)), _read_sub_patch)


def _open_objects(path: Path, options: Sen4AgriNetOptions) -> Collection:
    codes = tuple(_CODES)
    listed = [list_objects(file, codes, options.first_month) for file in list_object_files(path, options.coco)]
    entries = [entry for found, _ in listed for entry in found]
    tally = Tally(len(entries), {"none of the eleven crops": sum(n for _, n in listed)})
    return Collection(VIEWS["objects"], tuple(entries), tally, read_object)


def _read_sub_patch(entry: Entry) -> Sample:
    path, row, col = entry.key
    medians, codes, parcels, country = _read_patch(path)
    window = np.s_[row : row + SUB_PX, col : col + SUB_PX]
    image = medians[(..., *window)]
    match = _NAME.match(path.name)
    year, tile = (int(match[1]), match[2]) if match else (0, "")
    days = np.array([days_since_epoch(date(year, month, 15)) for month in MONTHS], np.int32)
    valid = np.ones((len(days), SUB_PX, SUB_PX), bool)
    origin = Origin(entry.sample_id, country, year, tile, ("",) * len(days), None)
    return Sample(image, valid, to_classes(codes[window]), parcels[window], days, INPUT_BANDS, origin)


def to_classes(codes: UInt32) -> UInt8:
    """FAO-like codes → 0 … 11; every code that was not selected is 0."""
    position = np.minimum(np.searchsorted(_CODES, codes), len(_CODES) - 1)
    return np.where(np.take(_CODES, position) == codes, position, 0).astype(np.uint8)


@lru_cache(maxsize=1)
def _read_patch(path: Path) -> tuple[Float32, UInt32, UInt32, str]:
    """Monthly medians (6, 4, 366, 366) as reflectance, label codes, parcel numbers, country."""
    match = _NAME.match(path.name)
    year = int(match[1]) if match else 0
    with open_hdf5(path) as file:
        bands = [
            monthly_medians(file[b][b][:], read_times(file[b]["time"]), year)[MONTHS.start - 1 : MONTHS.stop - 1]
            for b in INPUT_BANDS
        ]
        labels, parcels = file["labels"]["labels"][:], file["parcels"]["parcels"][:]
        country = file.attrs.get("patch_country_code", "")
    image = np.stack(bands, axis=1) / SCALE
    name = country.decode() if isinstance(country, bytes) else str(country)
    return image.astype(np.float32), labels.astype(np.uint32), parcels.astype(np.uint32), name


def read_times(variable: Any) -> NDArray[np.datetime64]:
    """CF times such as "days since 2019-01-01" as datetime64[s].

    Raises:
        CorruptFile: if the unit is another one.
    """
    raw = variable.attrs.get("units", "")
    units = raw.decode() if isinstance(raw, bytes) else str(raw)
    match = _UNITS.match(units)
    if match is None:
        raise CorruptFile(f"times are given in '{units}', expected '<unit> since <date>'")
    seconds = np.rint(np.asarray(variable[:], np.float64) * _UNIT_SECONDS[match[1]]).astype("timedelta64[s]")
    return np.datetime64(match[2], "s") + seconds


def monthly_medians(stored: AnyArray, times: NDArray[np.datetime64], year: int) -> Float64:
    """(T, H, W) → (12, H, W) medians, months without an image filled along time.

    An image at midnight of the first of a month belongs to the month before (their bins are closed on the right).
    Empty months lie on the straight line between their neighbours; at the ends the last line goes on.

    Raises:
        NothingLeft: if the year has no image.
    """
    months = (times - np.timedelta64(1, "s")).astype("datetime64[M]") - np.datetime64(f"{year}-01", "M")
    number = months.astype(int)
    known = [m for m in range(12) if (number == m).any()]
    if not known:
        raise NothingLeft(f"No image in {year}: the times of the patch do not fit the year in its name. Get it again.")
    result = np.zeros((12, *stored.shape[1:]))
    for m in known:
        result[m] = np.median(stored[number == m], axis=0)
    day = [days_since_epoch(date(year, m + 1, 1)) for m in range(12)]
    for m in sorted(set(range(12)) - set(known)):
        a, b = _neighbours(known, m)
        share = 0.0 if a == b else (day[m] - day[a]) / (day[b] - day[a])
        result[m] = result[a] + share * (result[b] - result[a])
    return result


def _neighbours(known: list[int], month: int) -> tuple[int, int]:
    """The two known months whose line goes through `month`."""
    after = int(np.searchsorted(known, month))
    first = min(max(after - 1, 0), max(len(known) - 2, 0))
    return known[first], known[min(first + 1, len(known) - 1)]


BENCHMARKS.register("sen4agrinet")(
    Benchmark(
        name="sen4agrinet",
        title="Sen4AgriNet: Catalonia and France, 2019–2020, level 1C",
        where="https://github.com/Orion-AI-Lab/S4A (links to patches, COCO files); give the folder of .nc or .csv.gz",
        licence="CC BY-SA 4.0",
        source="Sykas et al. 2022, IEEE JSTARS",
        options=Sen4AgriNetOptions,
        views=VIEWS,
        check=check_sen4agrinet,
        open=open_sen4agrinet,
        write_miniature=write_sen4agrinet,
    )
)

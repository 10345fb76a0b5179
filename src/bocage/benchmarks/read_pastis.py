"""PASTIS as published -> samples. IO, read only.

    metadata.geojson                  ID_PATCH, Fold 1–5, TILE, dates-S2 (position -> yyyymmdd; at times as JSON text)
    DATA_S2/S2_<id>.npy               int16 (T, 10, 128, 128); MAJA reflectance × 10 000, −10 000 = no data
    ANNOTATIONS/TARGET_<id>.npy       uint8 (3, 128, 128), channel 0 = class
    ANNOTATIONS/ParcelIDs_<id>.npy    (128, 128)

Two views. `native`: the official protocol on the whole series: 18 crops and background, void left out, mean over the
five folds. `eurocrops-10`: the single-date adaptation of the EuroCrops paper, April to September, clipped to 0–1. Which
date stood for a patch is not published: `date` says it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from bocage.benchmarks.benchmark import BENCHMARKS, Benchmark, Collection, Entry, View
from bocage.benchmarks.crosswalks import TAXONOMY, read_class_table, target_lookup, target_names, unknown_ids
from bocage.benchmarks.read_arrays import check_npy, days_since_epoch
from bocage.benchmarks.write_pastis import write_pastis
from bocage.core.arrays import IGNORE, SCALE, Bool, Float32, Int16, Int32, UInt8
from bocage.core.bands import DEFAULT_BANDS
from bocage.core.errors import CorruptFile
from bocage.core.options import Options
from bocage.core.sample import Origin, Sample
from bocage.core.tally import Tally

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")  # order in the arrays
SIDE = 128
MISSING = -10_000
VOID = 19
FOLDS = ("1", "2", "3", "4", "5")
TEST_FOLDS = ("5", "1", "2", "3", "4")  # of the rotations 123|4|5, 234|5|1, 345|1|2, 451|2|3, 512|3|4
BRIGHT_BLUE = 0.2  # reflectance; our choice: clouds lie above it, land seldom
PUBLISHED = {"patches": 2433, "parcels": 124_422, "single-date samples of the EuroCrops paper": 1955}
COUNTRY = "FR"
YEAR = 2019  # the series run from September 2018 to November 2019

NATIVE_NAMES = tuple(read_class_table("pastis").names[i] for i in range(VOID))
VIEWS = {
    "native": View(
        "native",
        "official: whole series, 18 crops and background, void left out, mean over five folds",
        NATIVE_NAMES,
        BANDS,
        ("all_pixels",),
        TEST_FOLDS,
    ),
    TAXONOMY: View(
        TAXONOMY,
        "EuroCrops paper: one date of April to September, its Table 8 classes",
        target_names(),
        DEFAULT_BANDS,
        ("crop_pixels", "all_pixels", "present_classes"),
    ),
}


class PastisOptions(Options):
    """How PASTIS is read."""

    date: Literal["clearest", "middle", "all"] = Field(
        "clearest",
        description="Which date of the season stands for a patch in the view eurocrops-10: the one with least missing "
        "or bright pixels, the middle one, or each by itself.",
    )


def read_metadata(path: Path) -> list[dict[str, Any]]:
    """Properties of the patches, in the order of the file; `dates-S2` as a list of days since 1970-01-01.

    Raises:
        CorruptFile: if the file is no such collection.
    """
    file = path / "metadata.geojson"
    if not file.is_file():
        raise CorruptFile(f"{file} is missing. Give the folder that holds metadata.geojson, DATA_S2 and ANNOTATIONS.")
    try:
        features = json.loads(file.read_text(encoding="utf-8"))["features"]
        return [_properties(f["properties"]) for f in features]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CorruptFile(
            f"{file} is no PASTIS metadata ({type(error).__name__}: {error}). Unpack it again."
        ) from error


def _properties(raw: Mapping[str, Any]) -> dict[str, Any]:
    dates = raw["dates-S2"]
    if isinstance(dates, str):
        dates = json.loads(dates)
    ordered = [str(dates[k]) for k in sorted(dates, key=int)]
    days = [days_since_epoch(date(int(d[:4]), int(d[4:6]), int(d[6:8]))) for d in ordered]
    about = {"id": str(raw["ID_PATCH"]), "fold": str(raw["Fold"]), "tile": str(raw.get("TILE", ""))}
    return about | {"n_parcels": raw.get("N_Parcel", 0), "days": days}


def check_pastis(path: Path, options: PastisOptions) -> list[str]:
    """Every file of every patch: shape and type of all, classes of the labels, and that no fold is missing."""
    try:
        patches = read_metadata(path)
    except CorruptFile as error:
        return [str(error)]
    folds = {p["fold"] for p in patches}
    problems = [f"metadata.geojson: no patch in fold {f}" for f in FOLDS if f not in folds]
    problems += [f"metadata.geojson: there is no fold {f}" for f in sorted(folds - set(FOLDS))]
    for patch in patches:
        problems += _check_patch(path, patch)
    return problems


def _check_patch(path: Path, patch: Mapping[str, Any]) -> Iterator[str]:
    days = patch["days"]
    if any(b < a for a, b in pairwise(days)):
        yield f"patch {patch['id']}: its dates are not ascending"
    yield from check_npy(_image_path(path, patch["id"]), "int16", (len(days), len(BANDS), SIDE, SIDE))
    yield from check_npy(_parcel_path(path, patch["id"]), None, (SIDE, SIDE))
    target = _target_path(path, patch["id"])
    if problems := check_npy(target, "uint8", (3, SIDE, SIDE)):
        yield from problems
    elif unknown := unknown_ids(np.load(target)[0], "pastis"):
        yield f"{target.name}: labels {unknown} are not in the list 0–{VOID}"


def open_pastis(path: Path, view: str, options: PastisOptions) -> Collection:
    """The series of every patch (`native`), or its date(s) in the season (`eurocrops-10`)."""
    patches = read_metadata(path)
    if view == "native":
        entries = [Entry(p["id"], p["fold"], p["id"], (p, None)) for p in patches]
        return Collection(VIEWS[view], tuple(entries), Tally(len(entries)), partial(_read_series, path))
    dated = {p["id"]: _choose_dates(path, p, options.date) for p in patches}
    entries = [Entry(f"{p['id']}_{i:02d}", p["fold"], p["id"], (p, i)) for p in patches for i in dated[p["id"]]]
    tally = Tally(len(entries), {"no date in April to September": sum(not d for d in dated.values())})
    return Collection(VIEWS[view], tuple(entries), tally, partial(_read_single, path))


def count_pastis(path: Path, options: PastisOptions) -> dict[str, int]:
    """Patches, and the samples of the single-date view; parcels as the metadata state them."""
    patches = read_metadata(path)
    parcels = sum(int(patch["n_parcels"]) for patch in patches)
    return dict(zip(PUBLISHED, (len(patches), parcels, len(open_pastis(path, TAXONOMY, options).entries)), strict=True))


def _choose_dates(path: Path, patch: Mapping[str, Any], which: str) -> list[int]:
    """Positions of the dates that stand for a patch."""
    season = find_season(np.array(patch["days"], np.int32))
    if which == "middle":
        return season[len(season) // 2 :][:1]
    if which == "clearest" and season:
        stored = np.load(_image_path(path, patch["id"]), mmap_mode="r")
        return [season[find_clearest(np.asarray(stored[season]))]]
    return season


def find_season(days: Int32) -> list[int]:
    """Positions of the dates in April to September of the year of the labels (the series start the autumn before)."""
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    inside = (months >= np.datetime64(f"{YEAR}-04")) & (months <= np.datetime64(f"{YEAR}-09"))
    return [int(i) for i in np.nonzero(inside)[0]]


def find_clearest(stored: Int16) -> int:
    """The date of (T, 10, H, W) with the smallest share of missing or bright pixels; of equals the darker in blue."""
    image, valid = to_reflectance(stored)
    blue = image[:, 0]
    unclear = (~valid | (blue > BRIGHT_BLUE)).mean((1, 2))
    return int(np.lexsort((blue.mean((1, 2)), unclear))[0])


def to_reflectance(stored: Int16) -> tuple[Float32, Bool]:
    """(T, C, H, W) numbers → reflectance, 0 where any band is missing, and valid (T, H, W)."""
    valid: Bool = np.all(stored > MISSING, axis=1)
    return np.where(valid[:, None], stored / np.float32(SCALE), np.float32(0)).astype(np.float32), valid


def _read_series(path: Path, entry: Entry) -> Sample:
    patch, _ = entry.key
    image, valid = to_reflectance(np.load(_image_path(path, patch["id"])))
    labels = np.load(_target_path(path, patch["id"]))[0]
    labels = np.where(labels == VOID, np.uint8(IGNORE), labels)
    return _sample(path, entry, image, valid, labels, BANDS, patch["days"])


def _read_single(path: Path, entry: Entry) -> Sample:
    patch, position = entry.key
    stored = np.load(_image_path(path, patch["id"]), mmap_mode="r")[position : position + 1]
    image, valid = to_reflectance(np.asarray(stored))
    order = [BANDS.index(band) for band in DEFAULT_BANDS]
    labels = target_lookup("pastis")[np.load(_target_path(path, patch["id"]))[0]]
    clipped = np.clip(image[:, order], 0, 1)
    return _sample(path, entry, clipped, valid, labels, DEFAULT_BANDS, patch["days"][position : position + 1])


def _sample(
    path: Path, entry: Entry, image: Float32, valid: Bool, labels: UInt8, bands: tuple[str, ...], days: list[int]
) -> Sample:
    patch = entry.key[0]
    parcels = np.load(_parcel_path(path, patch["id"])).astype(np.uint32)
    origin = Origin(entry.sample_id, COUNTRY, YEAR, patch["tile"], ("",) * len(days), None)
    return Sample(image, valid, labels.astype(np.uint8), parcels, np.array(days, np.int32), bands, origin)


def _image_path(path: Path, number: str) -> Path:
    return path / "DATA_S2" / f"S2_{number}.npy"


def _target_path(path: Path, number: str) -> Path:
    return path / "ANNOTATIONS" / f"TARGET_{number}.npy"


def _parcel_path(path: Path, number: str) -> Path:
    return path / "ANNOTATIONS" / f"ParcelIDs_{number}.npy"


BENCHMARKS.register("pastis")(
    Benchmark(
        name="pastis",
        title="PASTIS: crop series in France, 2,433 patches of 128 pixels",
        where="https://zenodo.org/records/5012942 (29 GB); unpack it and give the folder with metadata.geojson",
        licence="Etalab Open Licence 2.0",
        source="Sainte Fare Garnot and Landrieu 2021, ICCV",
        options=PastisOptions,
        views=VIEWS,
        check=check_pastis,
        open=open_pastis,
        write_miniature=write_pastis,
        published=PUBLISHED,
        count=count_pastis,
    )
)

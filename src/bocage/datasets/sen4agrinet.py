"""A data set as Sen4AgriNet's netCDF patches, or as the monthly medians that its networks eat. IO: writes files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import bocage
from bocage.core.arrays import BACKGROUND, MISSING_INT16, AnyArray, Float32, Int16, Int32, UInt8
from bocage.core.artifacts import write_json
from bocage.core.bands import BANDS
from bocage.core.errors import ConfigError, DataError
from bocage.core.progress import track
from bocage.cubes.composite import reduce_dates
from bocage.cubes.fill import fill_gaps
from bocage.datasets.info import DatasetInfo
from bocage.datasets.read import Dataset
from bocage.datasets.record import Record

SUBS_A_SIDE = 6  # of a patch of 366 px: 36 sub-patches of 61 px
CODES = {  # Orion-AI-Lab/S4A: its numbers, after FAO's ICC, of the eleven classes of its experiments
    "wheat": 110, "maize": 120, "sorghum": 140, "barley": 150, "rye": 160, "oats": 170, "grapes": 330,
    "rapeseed": 435, "sunflower": 438, "potatoes": 510, "peas": 770,
}  # fmt: skip


def write_netcdf(dataset: Dataset, out: Path) -> None:
    """One netCDF4 file a window in the layout of Sen4AgriNet, with all of its dates; and `classes.json`.

    `<year>_<tile>_patch_<ii>_<jj>.nc`: a group for each band with a variable of its name, uint16 (time, y, x) =
    10 000 · reflectance, 0 where missing, at the band's own pixel size; groups `labels` (0 = none) and
    `parcels` (0 = none), uint32 (y, x); attributes of the root as there. ii and jj count windows from the upper left
    of the cube, so the windows must lie side by side. Labels are those of `label_codes`.

    Raises:
        ConfigError: if h5netcdf is not installed.
        DataError: if two windows would have one name, or a window is no whole number of pixels of a band.
    """
    try:
        import h5netcdf  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise ConfigError("netCDF files need h5netcdf: run pip install h5netcdf.") from None
    factors, codes = _factors(dataset), label_codes(dataset.info)
    for name, sample_ids in track(list(group_windows(dataset).items()), "Writing netCDF", unit="windows"):
        records = [dataset.read_record(s) for s in sample_ids]
        image = np.concatenate([r.image for r in records])
        days = np.concatenate([dataset.days(s) for s in sample_ids])
        part = out / f".{name}.part"
        with h5netcdf.File(part, "w") as file:
            file.attrs.update(_attributes(dataset, sample_ids[0], name))
            for i, band in enumerate(dataset.info.bands):
                pixels = to_native(image[:, i], factors[band])
                group = _group(file, band, pixels.shape[1:], days)
                group.create_variable(band, ("time", "y", "x"), data=pixels, compression="gzip", compression_opts=4)
            for title, values in (("labels", codes[known_labels(records)]), ("parcels", records[0].parcel_ids)):
                group = _group(file, title, values.shape, None)
                group.create_variable(title, ("y", "x"), data=values, compression="gzip", compression_opts=4)
        part.replace(out / f"{name}.nc")
    _write_classes(dataset.info, out)


def write_medians(dataset: Dataset, out: Path) -> None:
    """The sub-patches of monthly medians that Sen4AgriNet's networks eat: `<patch>/sub<nn>_bin<mm>.npy`, float32
    (band, y, x) = 10 000 · reflectance in the data set's pixels, and `<patch>/labels_sub<nn>.npy`, uint32 (y, x).

    A patch is cut in 6 × 6, row by row; bin 00 is January of the year of the declarations. A pixel's month without a
    valid view lies on the line between the months around it, at the ends it is the nearest one; 0 without any view.
    Labels are those of `label_codes`.

    Raises:
        DataError: if two windows would have one name, a window cannot be cut in 6 × 6, or none of a window's dates lies
            in its year.
    """
    size, codes = dataset.info.patch_size_px, label_codes(dataset.info)
    if size % SUBS_A_SIDE:
        raise DataError(f"A patch of {size} px cannot be cut in {SUBS_A_SIDE} x {SUBS_A_SIDE} sub-patches; 366 px can.")
    year_of = dict(zip(dataset.manifest["sample_id"], dataset.manifest["year"], strict=True))
    for name, sample_ids in track(list(group_windows(dataset).items()), "Writing medians", unit="windows"):
        records = [dataset.read_record(s) for s in sample_ids]
        days = np.concatenate([dataset.days(s) for s in sample_ids])
        medians = monthly_medians(np.concatenate([r.image for r in records]), days, int(year_of[sample_ids[0]]))
        part = out / f".{name}.part"
        part.mkdir(exist_ok=True)
        for n, (labels, months) in enumerate(zip(cut(codes[known_labels(records)]), cut(medians), strict=True)):
            np.save(part / f"labels_sub{n:02d}.npy", labels)
            for month, values in enumerate(months):
                np.save(part / f"sub{n:02d}_bin{month:02d}.npy", values)
        part.replace(out / name)
    _write_classes(dataset.info, out)


def monthly_medians(image: Int16, days: Int32, year: int) -> Float32:
    """(T, C, H, W) stored reflectance → (12, C, H, W) medians of the months of a year, gaps filled along time.

    Raises:
        DataError: if no date lies in the year.
    """
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    wanted = np.datetime64(f"{year}-01", "M") + np.arange(12)
    if not np.isin(months, wanted).any():
        raise DataError(f"None of the {len(days)} dates of a window lies in {year}, the year of its declarations.")
    shape = (12, *image.shape[1:])
    medians, valid = np.zeros(shape, np.int16), np.zeros((12, *image.shape[2:]), np.bool_)
    for position, month in enumerate(wanted):
        own = image[months == month]
        if len(own):
            median, observed = reduce_dates(own, own[:, 0] != MISSING_INT16, "median")
            medians[position], valid[position] = np.rint(median), observed > 0
    middle = (wanted.astype("datetime64[D]") + 14).astype(np.int32)
    filled, _ = fill_gaps(medians, valid, middle, method="linear")
    return filled.astype(np.float32)


def cut(values: AnyArray) -> list[AnyArray]:
    """(…, H, W) → the 36 sub-patches, row by row."""
    return [part for rows in np.split(values, SUBS_A_SIDE, axis=-2) for part in np.split(rows, SUBS_A_SIDE, axis=-1)]


def label_codes(info: DatasetInfo) -> AnyArray:
    """(256,) uint32: what a label is in these files, 0 for background and 255. Sen4AgriNet's own numbers if the classes
    are its eleven (taxonomy `s4a-11`), so that its code knows them; else the class ids."""
    table = np.zeros(256, np.uint32)
    own = {c.name for c in info.classes if c.id != BACKGROUND} <= set(CODES)
    for c in info.classes:
        table[c.id] = 0 if c.id == BACKGROUND else CODES[c.name] if own else c.id
    return table


def _write_classes(info: DatasetInfo, out: Path) -> None:
    codes = label_codes(info)
    write_json(out / "classes.json", {str(int(codes[c.id])): c.name for c in info.classes})


def group_windows(dataset: Dataset) -> dict[str, list[str]]:
    """Name of each patch of Sen4AgriNet → the ids of its samples, in the order of their days.

    Raises:
        DataError: if two windows would have one name.
    """
    size = dataset.info.patch_size_px
    windows: dict[str, dict[tuple[Any, ...], list[str]]] = {}
    for row in dataset.manifest.to_dict("records"):
        name = f"{row['year']}_{row['tile'] or 'none'}_patch_{row['row'] // size:02d}_{row['col'] // size:02d}"
        place = (row["cube"], row["row"], row["col"])
        windows.setdefault(name, {}).setdefault(place, []).append(str(row["sample_id"]))
    twice = [name for name, places in windows.items() if len(places) > 1]
    if twice:
        raise DataError(
            f"{len(twice)} names stand for several windows, e.g. {twice[0]}: Sen4AgriNet's patches lie side by side. "
            "Build with patches.stride_px = size_px and border: false, from one cube a tile and year."
        )
    return {
        name: sorted(next(iter(places.values())), key=lambda s: dataset.days(s).tolist())
        for name, places in windows.items()
    }


def known_labels(records: Sequence[Record]) -> UInt8:
    """The labels of a window from its dates: one without a view of a pixel says 255, the most."""
    return np.asarray(np.min([r.labels for r in records], axis=0))


def to_native(stored: Int16, factor: int) -> AnyArray:
    """(T, H, W) stored reflectance → uint16 at the band's own pixels: the mean of factor × factor pixels, at least 1;
    0, which stands for missing, where any of them is missing."""
    t, h, w = stored.shape
    blocks = stored.reshape(t, h // factor, factor, w // factor, factor)
    mean = np.rint(blocks.mean(axis=(2, 4))).clip(1, 65535).astype(np.uint16)
    return np.asarray(np.where((blocks == MISSING_INT16).any(axis=(2, 4)), np.uint16(0), mean))


def _factors(dataset: Dataset) -> dict[str, int]:
    """Band → how many pixels of the data set one of its own is wide."""
    size = dataset.info.patch_size_px
    found = {b: max(1, round(BANDS[b].resolution_m / dataset.info.resolution_m)) for b in dataset.info.bands}
    bad = [f"{b} ({BANDS[b].resolution_m} m)" for b, factor in found.items() if size % factor]
    if bad:
        raise DataError(f"A patch of {size} px is no whole number of pixels of {', '.join(bad)}; 366 px is, of all.")
    return found


def _group(file: Any, name: str, shape: tuple[int, ...], days: AnyArray | None) -> Any:
    group = file.create_group(name)
    group.dimensions = {"y": shape[0], "x": shape[1]} | ({} if days is None else {"time": len(days)})
    if days is not None:
        time = group.create_variable("time", ("time",), data=days.astype(np.int64))
        time.attrs.update({"units": "days since 1970-01-01", "calendar": "proleptic_gregorian"})
    return group


def _attributes(dataset: Dataset, sample_id: str, name: str) -> dict[str, Any]:
    origin = dataset.read(sample_id).origin
    return {
        "title": "Sentinel-2 patch with parcel labels",
        "authors": "bocage",
        "patch_full_name": name,
        "patch_year": str(origin.year),
        "patch_name": name.split("_", 2)[2],
        "patch_country_code": origin.country,
        "patch_tile": origin.tile,
        "creation_date": datetime.now(UTC).strftime("%d %b %Y"),
        "references": f"data set {dataset.info.digest}; {dataset.info.level}; classes: classes.json",
        "institution": "",
        "version": f"bocage {bocage.__version__}",
    }

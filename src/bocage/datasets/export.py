"""A data set in other formats: npy, Zarr, the netCDF patches of Sen4AgriNet. IO: writes one folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import zarr
from zarr.codecs import BloscCodec

import bocage
from bocage.core.arrays import IGNORE, MISSING_INT16, AnyArray, Int16, UInt8
from bocage.core.artifacts import write_json
from bocage.core.bands import BANDS
from bocage.core.errors import ConfigError, DataError, GridMismatch
from bocage.core.progress import track
from bocage.core.registry import Registry
from bocage.datasets.card import CARD
from bocage.datasets.lock import LOCK
from bocage.datasets.manifest import further_columns
from bocage.datasets.read import Dataset
from bocage.datasets.record import Record
from bocage.datasets.write import MANIFEST, DatasetWriter, write_table

EXPORTS: Registry[Callable[[Dataset, Path], None]] = Registry("export")


def export_dataset(dataset: Dataset, kind: str, out: Path) -> dict[str, Any]:
    """Write a data set in another format, with its card and lock.

    Args:
        kind: a name of EXPORTS.
        out: a folder that is not there yet or is empty.

    Returns:
        out, to, n_patches, n_files, bytes.

    Raises:
        UnknownName: no such format. ConfigError: something stands in `out`. DataError: the format cannot hold it.
    """
    write = EXPORTS[kind]
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out} is not empty. Choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    write(dataset, out)
    for name in (LOCK, *CARD):
        if (dataset.folder / name).is_file():
            shutil.copyfile(dataset.folder / name, out / name)
    sizes = [p.stat().st_size for p in out.rglob("*") if p.is_file()]
    return {"out": str(out), "to": kind, "n_patches": len(dataset), "n_files": len(sizes), "bytes": sum(sizes)}


@EXPORTS.register("npy")
def export_npy(dataset: Dataset, out: Path) -> None:
    """The same data set with the store `npy`: one .npy file for image, labels and parcel ids of each sample."""
    writer = DatasetWriter(out, replace(dataset.info, store="npy"))
    for row in track(dataset.manifest.to_dict("records"), "Writing npy", unit="samples"):
        writer.add(dataset.read(row["sample_id"]), further_columns(row))
    writer.finish()


@EXPORTS.register("zarr")
def export_zarr(dataset: Dataset, out: Path) -> None:
    """`dataset.zarr`: image int16 (sample, time, band, y, x), labels, parcel_ids, days; and `manifest.parquet`.

    Raises:
        GridMismatch: if samples differ in their number of dates.
    """
    info = dataset.info
    if info.n_dates is None:
        raise GridMismatch("Zarr holds one array of all samples, but these differ in their number of dates.")
    n, t, c, size = len(dataset), info.n_dates, len(info.bands), info.patch_size_px
    part = out / ".dataset.zarr.part"
    group = zarr.create_group(part, zarr_format=3, attributes={"classes": list(info.class_names), **_about(dataset)})
    dimensions = ("sample", "time", "band", "y", "x")
    arrays: dict[str, tuple[str, tuple[int, ...], tuple[str, ...], int]] = {
        "image": ("int16", (t, c, size, size), dimensions, MISSING_INT16),
        "labels": ("uint8", (size, size), ("sample", "y", "x"), IGNORE),
        "parcel_ids": ("uint32", (size, size), ("sample", "y", "x"), 0),
    }
    for name, (dtype, shape, names, fill) in arrays.items():
        group.create_array(
            name,
            shape=(n, *shape),
            chunks=(1, *shape),
            dtype=dtype,
            fill_value=fill,
            compressors=BloscCodec(cname="zstd", clevel=3, shuffle="shuffle", typesize=np.dtype(dtype).itemsize),
            dimension_names=names,
        )
    days = group.create_array("days", shape=(n, t), dtype="int32", dimension_names=("sample", "time"))
    days[:] = np.stack([dataset.days(s) for s in dataset.sample_ids])
    target: Any = group
    for i, sample_id in enumerate(track(dataset.sample_ids, "Writing zarr", unit="samples")):
        record = dataset.read_record(sample_id)
        target["image"][i], target["labels"][i], target["parcel_ids"][i] = _arrays(record)
    part.replace(out / "dataset.zarr")
    write_table(out / MANIFEST, pa.Table.from_pandas(dataset.manifest, preserve_index=False))


@EXPORTS.register("sen4agrinet")
def export_sen4agrinet(dataset: Dataset, out: Path) -> None:
    """One netCDF4 file a window in the layout of Sen4AgriNet, with all of its dates; and `classes.json`.

    `<year>_<tile>_patch_<ii>_<jj>.nc`: a group for each band with a variable of its name, uint16 (time, y, x) =
    10 000 · reflectance, 0 where missing, at the band's own pixel size; groups `labels` (class ids, 0 = none) and
    `parcels` (0 = none), uint32 (y, x); attributes of the root as there. ii and jj count windows from the upper left
    of the cube, so the windows must lie side by side.

    Raises:
        ConfigError: if h5netcdf is not installed.
        DataError: if two windows would have one name, or a window is no whole number of pixels of a band.
    """
    try:
        import h5netcdf  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise ConfigError("netCDF files need h5netcdf: run pip install h5netcdf.") from None
    factors = _factors(dataset)
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
            known = known_labels(records)
            labels = np.where(known == IGNORE, 0, known).astype(np.uint32)
            for title, values in (("labels", labels), ("parcels", records[0].parcel_ids)):
                group = _group(file, title, values.shape, None)
                group.create_variable(title, ("y", "x"), data=values, compression="gzip", compression_opts=4)
        part.replace(out / f"{name}.nc")
    write_json(out / "classes.json", {str(c.id): c.name for c in dataset.info.classes})


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
    """(T, H, W) stored reflectance → uint16 at the band's own pixels: the mean of factor × factor pixels, clipped to
    0 … 65535; 0 where any of them is missing."""
    t, h, w = stored.shape
    blocks = stored.reshape(t, h // factor, factor, w // factor, factor)
    mean = np.rint(blocks.mean(axis=(2, 4))).clip(0, 65535).astype(np.uint16)
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


def _about(dataset: Dataset) -> dict[str, Any]:
    info = dataset.info
    return {"bands": list(info.bands), "level": info.level, "resolution_m": info.resolution_m, "digest": info.digest}


def _arrays(record: Record) -> tuple[AnyArray, AnyArray, AnyArray]:
    return record.image, record.labels, record.parcel_ids

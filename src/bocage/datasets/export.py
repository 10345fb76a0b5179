"""A data set in other formats: npy, Zarr, the netCDF patches of Sen4AgriNet and their medians. IO: one folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import zarr
from zarr.codecs import BloscCodec

from bocage.core.arrays import IGNORE, MISSING_INT16, AnyArray
from bocage.core.errors import ConfigError, GridMismatch
from bocage.core.progress import track
from bocage.core.registry import Registry
from bocage.datasets.card import CARD
from bocage.datasets.lock import LOCK
from bocage.datasets.manifest import further_columns
from bocage.datasets.read import Dataset
from bocage.datasets.record import Record
from bocage.datasets.sen4agrinet import write_medians, write_netcdf
from bocage.datasets.write import MANIFEST, DatasetWriter, write_table

EXPORTS: Registry[Callable[[Dataset, Path], None]] = Registry("export")
EXPORTS.register("sen4agrinet")(write_netcdf)
EXPORTS.register("sen4agrinet_medians")(write_medians)


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


def _about(dataset: Dataset) -> dict[str, Any]:
    info = dataset.info
    return {"bands": list(info.bands), "level": info.level, "resolution_m": info.resolution_m, "digest": info.digest}


def _arrays(record: Record) -> tuple[AnyArray, AnyArray, AnyArray]:
    return record.image, record.labels, record.parcel_ids

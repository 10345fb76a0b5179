"""Rows of the manifest (one a sample) and of the parcel table (one a sample, parcel and class). Pure.

Manifest columns: sample_id, cube, country, year, tile, crs, row, col, height, width (pixels in the cube), left, top
(metres in crs), resolution_m, days, scenes, n_px_0 … n_px_K-1, n_px_255 (labels), valid_fraction (of pixels × dates),
further *_fraction columns from the candidates, shard, offset, length, crc32 (where the arrays stand), sha256 (their
content). Parcel columns: sample_id, number, class_id (255: pixels that are ignored), n_px.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.arrays import IGNORE, MISSING_INT16, NO_PARCEL, Int32, Int64, UInt8, UInt32
from bocage.core.digest import digest_value
from bocage.core.errors import DataError
from bocage.core.grid import grid_bounds, grid_resolution_m, grid_to_json
from bocage.core.sample import Origin
from bocage.datasets.info import DatasetInfo
from bocage.datasets.record import Record

PLACE_COLUMNS = ("shard", "offset", "length", "crc32")
ParcelPixels = tuple[UInt32, UInt8, Int64]  # parcel numbers, class ids, pixels: one entry a parcel and class
PARCEL_COLUMNS = {"sample_id": "object", "number": "uint32", "class_id": "uint8", "n_px": "int64"}


def pixel_columns(n_classes: int) -> list[str]:
    """Names of the label count columns, by class id, ignored pixels last."""
    return [f"n_px_{i}" for i in (*range(n_classes), IGNORE)]


def further_columns(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What a writer wants beside the sample: its window, and the fractions that the sample does not say itself."""
    fractions = {str(k): float(v) for k, v in row.items() if str(k).endswith("_fraction") and k != "valid_fraction"}
    return {"cube": row["cube"], "row": row["row"], "col": row["col"], **fractions}


def sample_row(origin: Origin, days: Int32, record: Record, n_classes: int, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest row of one sample, without its place in the store.

    Args:
        days: (T,) days since 1970-01-01.
        extra: `cube`, `row`, `col` and any further columns (`*_fraction`).

    Raises:
        DataError: if a label is no class of the data set, or the sample has no georeference.
    """
    if origin.grid is None:
        raise DataError(f"Sample '{origin.sample_id}' has no grid; a data set needs to know where its samples lie.")
    counts = np.bincount(record.labels.ravel(), minlength=256)
    unknown = [i for i in range(n_classes, IGNORE) if counts[i]]
    if unknown:
        raise DataError(f"Sample '{origin.sample_id}' has labels {unknown}, but the classes are 0 … {n_classes - 1}.")
    left, _, _, top = grid_bounds(origin.grid)
    height, width = record.labels.shape
    return {
        "sample_id": origin.sample_id,
        "cube": str(extra["cube"]),
        "country": origin.country,
        "year": int(origin.year),
        "tile": origin.tile,
        "crs": grid_to_json(origin.grid)["crs"],
        "row": int(extra["row"]),
        "col": int(extra["col"]),
        "height": height,
        "width": width,
        "left": left,
        "top": top,
        "resolution_m": grid_resolution_m(origin.grid),
        "days": [int(d) for d in days],
        "scenes": list(origin.scenes),
        **{f"n_px_{i}": int(counts[i]) for i in (*range(n_classes), IGNORE)},
        "valid_fraction": float((record.image[:, 0] != MISSING_INT16).mean()),
        **{k: v for k, v in extra.items() if k not in ("cube", "row", "col")},
        "sha256": record.digest,
    }


def count_parcels(record: Record) -> ParcelPixels:
    """Pixels by parcel and label within one sample, sorted; land without a parcel is left out."""
    all_keys = (record.parcel_ids.astype(np.uint64) << np.uint64(8) | record.labels).ravel()
    starts = np.flatnonzero(np.diff(all_keys, prepend=~all_keys[:1]))  # of runs along the rows: few beside the pixels
    keys, run_key = np.unique(all_keys[starts], return_inverse=True)
    counts = np.bincount(run_key, np.diff(starts, append=all_keys.size), len(keys)).astype(np.int64)
    parcels, labels = (keys >> np.uint64(8)).astype(np.uint32), (keys & np.uint64(255)).astype(np.uint8)
    is_parcel = parcels != NO_PARCEL
    return parcels[is_parcel], labels[is_parcel], counts[is_parcel]


def parcel_rows(counted: Mapping[str, ParcelPixels]) -> pd.DataFrame:
    """The counts of samples, by their ids, as one table of PARCEL_COLUMNS."""
    lengths = [len(numbers) for numbers, _, _ in counted.values()]
    columns = (np.concatenate(parts) for parts in zip(*counted.values(), strict=True))
    sample_ids = np.repeat(np.array(list(counted), dtype=object), lengths)
    return pd.DataFrame(dict(zip(PARCEL_COLUMNS, (sample_ids, *columns), strict=True))).astype(PARCEL_COLUMNS)


def content_digest(info: DatasetInfo, rows: Sequence[Mapping[str, Any]]) -> str:
    """Digest of what the data set says, not of where its bytes stand; rows in any order."""
    content = [{k: v for k, v in row.items() if k not in PLACE_COLUMNS} for row in rows]
    record = info.to_json()
    about = {
        k: record[k] for k in ("classes", "bands", "patch_size_px", "resolution_m", "dates", "level", "preprocessing")
    }
    return digest_value({"about": about, "samples": sorted(content, key=lambda row: str(row["sample_id"]))})

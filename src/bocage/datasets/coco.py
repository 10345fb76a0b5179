"""The split files of Sen4AgriNet: one COCO file a part, with the outlines of the parcels in each patch.

IO: writes JSON beside the netCDF patches of the export `sen4agrinet`, which it names.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.features import shapes

from bocage.core.arrays import BACKGROUND, IGNORE, NO_PARCEL, UInt8, UInt32
from bocage.core.artifacts import write_json
from bocage.core.errors import DataError
from bocage.core.progress import track
from bocage.datasets.read import Dataset
from bocage.datasets.sen4agrinet import group_windows, known_labels, label_codes


def write_coco(dataset: Dataset, part_of: Mapping[str, str], out: Path) -> list[Path]:
    """Write `bocage_coco_<part>.json` for every part.

    Args:
        part_of: sample id → part; samples that are not in it, or "dropped", are left out.
        out: the folder of the patches.

    Raises:
        DataError: if the dates of one window, which are one patch, are in several parts.
    """
    images: dict[str, list[dict[str, Any]]] = {}
    annotations: dict[str, list[dict[str, Any]]] = {}
    codes, parts = label_codes(dataset.info), part_of_windows(dataset, part_of)
    for name, sample_ids in track(list(group_windows(dataset).items()), "Writing COCO", unit="windows"):
        if name not in parts:
            continue
        part = parts[name]
        records = [dataset.read_record(s) for s in sample_ids]
        labels, ids = known_labels(records), records[0].parcel_ids
        own, taken = images.setdefault(part, []), annotations.setdefault(part, [])
        own.append(
            {
                "license": 0,
                "file_name": f"{name}.nc",
                "height": labels.shape[0],
                "width": labels.shape[1],
                "date_captured": int(name.partition("_")[0]),
                "id": len(own) + 1,
            }
        )
        for about in outline_parcels(labels, ids):
            about["category_id"] = int(codes[about["category_id"]])
            taken.append({"id": len(taken) + 1, "iscrowd": 0, "image_id": len(own), **about})
    categories = [
        {"supercategory": "Crop", "name": c.name, "id": int(codes[c.id])}
        for c in dataset.info.classes
        if c.id != BACKGROUND
    ]
    written = []
    for part, own in images.items():
        path = out / f"bocage_coco_{part}.json"
        info = {"description": f"data set {dataset.info.digest}", "version": dataset.info.level}
        whole = {
            "info": info,
            "licenses": [],
            "images": own,
            "annotations": annotations[part],
            "categories": categories,
        }
        write_json(path, whole)
        written.append(path)
    return written


def part_of_windows(dataset: Dataset, part_of: Mapping[str, str]) -> dict[str, str]:
    """Name of each patch → its part, without those that are dropped.

    Raises:
        DataError: if the dates of one window, which are one patch, are in several parts.
    """
    found = {}
    for name, sample_ids in group_windows(dataset).items():
        parts = {part_of.get(s, "dropped") for s in sample_ids}
        if len(parts) > 1:
            raise DataError(
                f"The dates of window {name} are in {', '.join(sorted(parts))}, but a patch holds all of its dates. "
                "Split by blocks, or build with patches.dates: series."
            )
        if parts != {"dropped"}:
            found[name] = parts.pop()
    return found


def sort_by_part(dataset: Dataset, part_of: Mapping[str, str], out: Path) -> list[Path]:
    """Move the folders of monthly medians into one folder a part, and delete those of no part; returns the folders."""
    parts = part_of_windows(dataset, part_of)
    for name in group_windows(dataset):
        if name not in parts:
            shutil.rmtree(out / name)
            continue
        (out / parts[name]).mkdir(exist_ok=True)
        (out / name).replace(out / parts[name] / name)
    return [out / part for part in sorted(set(parts.values()))]


def outline_parcels(labels: UInt8, parcel_ids: UInt32) -> list[dict[str, Any]]:
    """One annotation for each piece of a parcel whose class is known: category_id, segmentation (the outer ring, in
    pixels from the upper left), bbox (x, y, width, height), area (pixels)."""
    found = []
    known = (parcel_ids != NO_PARCEL) & (labels != IGNORE) & (labels != BACKGROUND)
    keys, pieces = np.unique(parcel_ids[known], return_inverse=True)  # GDAL's outlines know no uint32
    numbered = np.zeros(parcel_ids.shape, np.int32)
    numbered[known] = pieces + 1
    class_of = {int(n): int(np.bincount(labels[numbered == n]).argmax()) for n in range(1, len(keys) + 1)}
    for shape, number in shapes(numbered, mask=known):
        outer, *holes = (np.array(ring) for ring in shape["coordinates"])
        ring = outer[:-1]
        (x0, y0), (x1, y1) = ring.min(axis=0), ring.max(axis=0)
        found.append(
            {
                "category_id": class_of[int(number)],
                "segmentation": [ring.ravel().tolist()],
                "bbox": [float(x0), float(y0), float(x1 - x0), float(y1 - y0)],
                "area": _ring_area(outer) - sum(map(_ring_area, holes)),
            }
        )
    return found


def _ring_area(ring: Any) -> float:
    """Area within a closed ring, in pixels."""
    x, y = ring[:, 0], ring[:, 1]
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2)

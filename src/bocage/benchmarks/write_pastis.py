"""A miniature of PASTIS: two patches a fold, seven dates, the layout to the byte. IO: writes one folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from bocage.benchmarks.invent import draw_fields, paint

DATES = (20180918, 20181205, 20190322, 20190510, 20190629, 20190812, 20191101)
CLOUDY = 4  # position of a date under a bright veil
PATCHES_PER_FOLD = 2
SIDE, N_CLASSES, N_BANDS, MISSING = 128, 20, 10, -10_000


def write_pastis(folder: Path) -> Path:
    """Write it; returns the folder."""
    for name in ("DATA_S2", "ANNOTATIONS"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    features = []
    for i in range(5 * PATCHES_PER_FOLD):
        number, fold = 10_000 + i, i % 5 + 1
        labels, parcels = draw_fields((SIDE, SIDE), range(N_CLASSES), rng)
        stored = np.repeat(np.rint(1e4 * paint(labels, N_BANDS))[None], len(DATES), axis=0)
        stored[CLOUDY] += 4000
        stored[0, :, :, :20] = MISSING  # a part of the first date lies outside the swath
        stored[3, :, :30] = MISSING
        stored[2, 3, 5, 7] = 22_000  # artefacts above 1 are in the original as well
        np.save(folder / "DATA_S2" / f"S2_{number}.npy", stored.astype(np.int16))
        target = np.stack([labels, parcels > 0, parcels]).astype(np.uint8)
        np.save(folder / "ANNOTATIONS" / f"TARGET_{number}.npy", target)
        np.save(folder / "ANNOTATIONS" / f"ParcelIDs_{number}.npy", parcels.astype(np.int32))
        features.append(_feature(i, number, fold))
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}}
    collection = {"type": "FeatureCollection", "crs": crs, "features": features}
    (folder / "metadata.geojson").write_text(json.dumps(collection), encoding="utf-8")
    return folder


def _feature(i: int, number: int, fold: int) -> dict[str, object]:
    left, top = 800_000 + 1280 * i, 6_300_000
    ring = [(left, top), (left + 1280, top), (left + 1280, top - 1280), (left, top - 1280), (left, top)]
    dates: dict[str, int] | str = {str(k): d for k, d in enumerate(DATES)}
    properties = {
        "ID_PATCH": number,
        "TILE": "t31tfj",
        "Fold": fold,
        "N_Parcel": 15,
        "Parcel_Cover": 0.9,
        "id": i,
        "dates-S2": json.dumps(dates) if i % 2 else dates,  # both forms are met
    }
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "id": str(number), "properties": properties, "geometry": geometry}

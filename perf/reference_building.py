"""The good script that ours is measured against: rasterio, one date at a time, all of GDAL's threads, no framework.

`python -m perf.reference_building WORLD.json OUT` writes a .npz for every kept window and `statistics.npz`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from rasterio import features
from rasterio.enums import Resampling

MISSING, UNKNOWN = -32768, 255
CLEAR = (4, 5, 6, 7)


def build(files: list[dict[str, str]], offsets: list[int], parcels: Path, crops: dict[str, int], out: Path) -> None:
    """Read, rasterise, cut, filter, write; mean and std of every parcel, band and date."""
    size = 256
    bands = [b for b in files[0] if b != "SCL"]
    with rasterio.open(files[0]["B02"]) as source:
        shape, transform, crs = source.shape, source.transform, source.crs
    frame = gpd.read_file(parcels).to_crs(crs)
    pairs = zip(frame.geometry, range(1, len(frame) + 1), strict=True)
    ids = features.rasterize(pairs, out_shape=shape, transform=transform, dtype="uint32")
    class_of = np.array([0, *frame["EC_hcat_c"].map(crops)], np.uint8)
    labels = class_of[ids]
    n = len(frame) + 1
    mean, std = np.full((2, len(files), len(bands), n), np.nan)
    counts = np.zeros((len(files), n), np.int64)
    windows = [(r, c) for r in range(0, shape[0] - size + 1, size) for c in range(0, shape[1] - size + 1, size)]
    foreground = {(r, c): np.mean(labels[r : r + size, c : c + size] > 0) for r, c in windows}
    for date, (paths, offset) in enumerate(zip(files, offsets, strict=True)):
        image = np.empty((len(bands), *shape), np.int16)
        missing = np.zeros(shape, bool)
        with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):
            for i, band in enumerate(bands):
                with rasterio.open(paths[band]) as source:
                    dn = source.read(1, out_shape=shape, resampling=Resampling.nearest)
                missing |= dn == 0
                np.add(dn, offset, out=image[i], dtype=np.int32, casting="unsafe")
            with rasterio.open(paths["SCL"]) as source:
                scl = source.read(1, out_shape=shape, resampling=Resampling.nearest)
        unclear = ~np.isin(scl, CLEAR) & ~missing
        valid = ~missing & ~unclear
        image[:, ~valid] = MISSING
        used = ids[valid]
        counts[date] = np.bincount(used, minlength=n)
        for i in range(len(bands)):
            values = image[i][valid].astype(np.float64)
            with np.errstate(invalid="ignore"):
                mean[date, i] = np.bincount(used, values, n) / counts[date]
                squares = np.bincount(used, values * values, n) / counts[date]
                std[date, i] = np.sqrt(np.maximum(squares - mean[date, i] ** 2, 0))
        for r, c in windows:
            part = np.s_[r : r + size, c : c + size]
            if foreground[r, c] < 0.01 or missing[part].mean() > 0.2 or unclear[part].mean() > 0.2:
                continue
            patch = np.where(valid[part], labels[part], UNKNOWN).astype(np.uint8)
            np.savez(out / f"{date}_{r}_{c}.npz", image=image[:, *part], labels=patch, ids=ids[part])
    np.savez(out / "statistics.npz", mean=mean, std=std, counts=counts)


if __name__ == "__main__":
    world = json.loads(Path(sys.argv[1]).read_text())
    build(world["files"], world["offsets"], Path(world["parcels"]), world["crops"], Path(sys.argv[2]))

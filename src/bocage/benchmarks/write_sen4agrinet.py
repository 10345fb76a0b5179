"""A miniature of Sen4AgriNet: a patch in Catalonia and one in France, full size, and their parcels. IO.

netCDF-4 is HDF5 with dimension scales; any netCDF reader opens these files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pandas as pd

from bocage.benchmarks.invent import draw_fields, paint
from bocage.core.arrays import AnyArray
from bocage.core.bands import BANDS

PATCHES = (("2020_31TCG_patch_14_14", "ES"), ("2019_31TCJ_patch_02_27", "FR"))
DAYS = (20, 75, 105, 110, 160, 200, 230, 300)  # of the year; none in May and in September
CODES = (0, 110, 120, 140, 150, 160, 170, 330, 435, 438, 510, 770, 911)
SIDE = 366


def write_sen4agrinet(folder: Path) -> Path:
    """Write it; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, float]] = []
    for i, (name, country) in enumerate(PATCHES):
        rng = np.random.default_rng(i)
        ranks, parcels = draw_fields((SIDE, SIDE), range(len(CODES)), rng, field_px=30)
        with h5py.File(folder / f"{name}.nc", "w") as file:
            year, tile, _, row, col = name.split("_")
            attributes = {
                "title": "S4A Patch Dataset",
                "patch_full_name": name,
                "patch_year": year,
                "patch_name": f"patch_{row}_{col}",
                "patch_country_code": country,
                "patch_tile": tile,
                "version": "21.03",
            }
            file.attrs.update(attributes)
            _write_bands(file, int(year), ranks)
            for group, values in (("labels", np.take(CODES, ranks)), ("parcels", parcels)):
                _write_raster(file.create_group(group), group, values.astype(np.uint32))
        rows += list(_describe_parcels(ranks, parcels))
    pd.DataFrame(rows).to_csv(folder / "exp1_patches2000_strat_coco_test.csv.gz", index=False)
    return folder


def _describe_parcels(ranks: AnyArray, parcels: AnyArray) -> Iterator[dict[str, float]]:
    """Rows of the object file: the painted reflectance is the mean, no parcel has a spread."""
    numbers, first, counts = np.unique(parcels, return_index=True, return_counts=True)
    for number, at, count in zip(numbers.tolist(), first.tolist(), counts.tolist(), strict=True):
        rank = int(ranks.flat[at])
        spectrum = np.rint(1e4 * paint(np.array([[rank if rank < 12 else 0]]), len(BANDS)))[:, 0, 0]
        row: dict[str, float] = {"parcel_id": number, "label": CODES[rank], "counts": count}
        for value, band in sorted(zip(spectrum.tolist(), BANDS, strict=True), key=lambda pair: pair[1]):
            for month in range(12):
                row |= {f"{band}_{month:02d}_mean": value, f"{band}_{month:02d}_std": 0.0}
        yield row


def _write_bands(file: Any, year: int, ranks: AnyArray) -> None:
    spectra = np.rint(1e4 * paint(np.where(ranks == 12, 0, ranks), len(BANDS))).astype(np.uint16)
    for spectrum, band in zip(spectra, BANDS.values(), strict=True):
        group = file.create_group(band.name)
        coarse = spectrum[:: band.resolution_m // 10, :: band.resolution_m // 10]
        time = group.create_dataset("time", data=np.array(DAYS, np.int64))
        time.attrs.update({"units": f"days since {year}-01-01 00:00:00", "calendar": "proleptic_gregorian"})
        time.make_scale("time")
        variable = _write_raster(group, band.name, np.repeat(coarse[None], len(DAYS), axis=0))
        variable.dims[0].attach_scale(time)


def _write_raster(group: Any, name: str, values: AnyArray) -> Any:
    variable = group.create_dataset(name, data=values, compression="gzip", compression_opts=1)
    for axis, side, dimension in ((-2, values.shape[-2], "y"), (-1, values.shape[-1], "x")):
        scale = group.create_dataset(dimension, data=np.arange(side, dtype=np.float64))
        scale.make_scale(dimension)
        variable.dims[values.ndim + axis].attach_scale(scale)
    return variable

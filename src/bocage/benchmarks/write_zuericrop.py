"""A miniature of ZueriCrop: ten samples. IO: writes one HDF5 file."""

from __future__ import annotations

from pathlib import Path

import h5py  # type: ignore[import-untyped]
import numpy as np

from bocage.benchmarks.invent import draw_fields, paint

N_SAMPLES, N_DATES, SIDE, N_BANDS = 10, 142, 24, 9
CODES = (1, 7, 10, 16, 18, 22, 27, 62, 74, 113)


def write_zuericrop(folder: Path) -> Path:
    """Write it; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    labels = np.stack([draw_fields((SIDE, SIDE), CODES, rng, field_px=12)[0] for _ in range(N_SAMPLES)])
    filled = np.where(labels == 0, 113, labels)  # the strips are woods
    filled[3, :5] = 0  # the fourth sample lacks a fifth of its labels
    ranks = np.searchsorted((0, *CODES), filled)
    spectra = np.stack([np.rint(1e4 * paint(rank, N_BANDS)) for rank in ranks]).transpose(0, 2, 3, 1)
    data = np.repeat(spectra[:, None], N_DATES, axis=1).astype(np.uint16)
    data[:, 10, :, :6] = 0  # a date without data on one side
    parcels = np.stack([np.where(x == 113, 0, i * 100 + x) for i, x in enumerate(filled)])
    path = folder / "ZueriCrop.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=data, compression="gzip", compression_opts=1)
        file.create_dataset("gt", data=filled[..., None].astype(np.uint8))
        file.create_dataset("gt_instance", data=parcels[..., None].astype(np.int32))
    return path

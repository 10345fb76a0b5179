"""A miniature of two country-years, as `bocage build` leaves them: six windows each. IO: writes one folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from bocage.benchmarks.invent import draw_fields, paint
from bocage.core.bands import DEFAULT_BANDS
from bocage.core.grid import make_grid
from bocage.core.sample import Origin, Sample
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.write import DatasetWriter
from bocage.patches.options import PatchOptions
from bocage.regions.options import RegionOptions
from bocage.taxonomy.load import load_taxonomy
from bocage.taxonomy.options import TaxonomyOptions

NAMES = ("BE_VLG_2021", "BE_WAL_2021")
SIDE = 64
DAYS = (18_750, 18_840)  # days since 1970: in May and in August 2021
WINDOWS = ((0, 0), (0, 64), (512, 0))  # row, column in a tile


def write_eurocrops_holdout(folder: Path) -> Path:
    """Write it; returns the folder."""
    classes = load_taxonomy(TaxonomyOptions(name="eurocrops-10")).classes
    info = DatasetInfo(
        classes=tuple(ClassInfo(c.id, c.name, c.color, c.title) for c in classes),
        bands=tuple(reversed(DEFAULT_BANDS)),  # a data set may order its bands as it likes
        patch_size_px=SIDE,
        resolution_m=10.0,
        dates="single",
        level="L2A",
        tallies={"patches": {"kept": 6, "dropped": {"too little foreground": 2}}},
    )
    for number, name in enumerate(NAMES):
        rng = np.random.default_rng(number)
        writer = DatasetWriter(folder / name / "dataset", info)
        for row, col in WINDOWS:
            labels, parcels = draw_fields((SIDE, SIDE), range(len(classes)), rng, field_px=16)
            for day in DAYS:
                sample = _sample(name, (row, col), day, labels.astype(np.uint8), parcels)
                writer.add(sample, {"cube": f"{name}_31UES", "row": row, "col": col})
        writer.finish()
        plain = {"patches": PatchOptions(size_px=SIDE), "regions": RegionOptions(kind="grid")}
        text = yaml.safe_dump({"name": name} | {k: v.model_dump(mode="json") for k, v in plain.items()})
        (folder / name / "experiment.yaml").write_text(text, encoding="utf-8")
    return folder


def _sample(name: str, at: tuple[int, int], day: int, labels: np.ndarray, parcels: np.ndarray) -> Sample:
    row, col = at
    image = paint(labels, len(DEFAULT_BANDS))[::-1].astype(np.float32)[None]
    grid = make_grid("EPSG:32631", 500_000 + 10 * col, 5_650_000 - 10 * row, 10, labels.shape)
    origin = Origin(f"{name}_{row}_{col}_{day}", "BE", 2021, "31UES", (f"{name}_{day}",), grid)
    valid = np.ones((1, *labels.shape), bool)
    days = np.array([day], np.int32)
    return Sample(image, valid, labels, parcels, days, tuple(reversed(DEFAULT_BANDS)), origin)

"""A small invented cube with labels, and the data set built from it."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bocage.core.grid import Grid, Window, make_grid
from bocage.datasets.build import build_dataset
from bocage.datasets.info import DatasetInfo
from bocage.datasets.options import DatasetOptions
from bocage.taxonomy.taxonomy import CropClass

CLASSES = (
    CropClass(id=0, name="background", color="#000000", title="Background"),
    CropClass(id=1, name="wheat", color="#ddcc77", title="Wheat"),
    CropClass(id=2, name="vineyard", color="#882255", title="Vineyard"),
)


class SmallCube:
    """Two dates, three bands, 16 × 24 pixels; reflectance follows from row, column, band and date."""

    bands = ("B02", "B03", "B8A")
    tile = "31TEJ"
    scenes = ("first", "second")
    days = np.array([17_000, 17_010], np.int32)

    def __init__(self) -> None:
        self.grid: Grid = make_grid("EPSG:32631", 500_000, 4_800_000, 10, (16, 24))
        t, c, y, x = np.ogrid[:2, :3, :16, :24]
        self.reflectance = (0.1 * t + 0.01 * c + 0.001 * y + 0.0001 * x).astype(np.float32)
        self.valid = np.ones((2, 16, 24), bool)
        self.valid[0, 0, :3] = False  # cloud on the first date
        self.valid[:, 5, 5] = False  # never seen

    def read_stored(
        self, window: Window | None = None, dates: Sequence[int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        rows, cols = (window or Window(0, 0, 16, 24)).slices
        t = list(range(2) if dates is None else dates)
        stored = np.rint(self.reflectance[t][:, :, rows, cols] * 10_000).astype(np.int16)
        return stored, self.valid[t][:, rows, cols]


class SmallLabels:
    """Parcel 1 (wheat) is the upper half of the left two thirds, parcel 2 (vineyard) the right third."""

    def __init__(self) -> None:
        self.grid = make_grid("EPSG:32631", 500_000, 4_800_000, 10, (16, 24))
        self.labels, self.parcel_ids = np.zeros((16, 24), np.uint8), np.zeros((16, 24), np.uint32)
        self.labels[:8, :16], self.parcel_ids[:8, :16] = 1, 1
        self.labels[:, 16:], self.parcel_ids[:, 16:] = 2, 2

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        return self.labels[window.slices], self.parcel_ids[window.slices]


def candidates(dates: list[list[int]]) -> pd.DataFrame:
    """The six 8 × 8 windows of the small cube, once for each list of dates."""
    return pd.DataFrame(
        [
            {
                "candidate_id": f"A-31TEJ_{row}_{col}_{'-'.join(map(str, t))}",
                "cube": "A-31TEJ",
                "row": row,
                "col": col,
                "height": 8,
                "width": 8,
                "dates": t,
                "nodata_fraction": 0.0,
            }
            for row in (0, 8)
            for col in (0, 8, 16)
            for t in dates
        ]
    )


def build(
    folder: Path,
    *,
    store: str = "shards",
    dates: list[list[int]] | None = None,
    cube: SmallCube | None = None,
    resume: bool = False,
) -> DatasetInfo:
    return build_dataset(
        folder,
        candidates(dates or [[0], [1]]),
        cubes={"A-31TEJ": cube or SmallCube()},
        labels={"A-31TEJ": SmallLabels()},
        classes=CLASSES,
        dates="single",
        level="L2A",
        country="FR",
        year=2018,
        preprocessing={"resampling": "nearest"},
        tallies={"patches": {"kept": 12, "dropped": {"clouds": 3}}},
        options=DatasetOptions(store=store),
        resume=resume,
    )


@pytest.fixture
def world() -> SimpleNamespace:
    """The small cube and labels, their candidates, and `build(folder, store=…, dates=…)`."""
    return SimpleNamespace(cube=SmallCube(), labels=SmallLabels(), candidates=candidates, build=build, classes=CLASSES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished data set of twelve samples: six windows on two dates."""
    build(tmp_path / "dataset")
    return tmp_path / "dataset"

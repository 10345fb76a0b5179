"""A parcel table of two parcels, two months and one band becomes a data set of one-pixel samples."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bocage.core.grid import Grid, Window, full_window, make_grid
from bocage.datasets.objects import build_object_dataset, first_pixels, period_days, stack_features
from bocage.datasets.options import DatasetOptions
from bocage.datasets.read import open_dataset
from bocage.taxonomy.taxonomy import CropClass

GRID = make_grid("EPSG:32631", 500_000, 4_800_000, 10.0, (3, 4))
IDS = np.array([[0, 0, 7, 7], [3, 3, 7, 7], [3, 3, 0, 0]], np.uint32)
CLASSES = (
    CropClass(id=0, name="background", color="#c8c8c8", title="Background"),
    CropClass(id=1, name="wheat", color="#a57000", title="Wheat"),
)


@dataclass(frozen=True)
class Place:
    """What is asked of an opened cube and of its labels."""

    grid: Grid = GRID
    bands: tuple[str, ...] = ("B04",)
    tile: str = "31TEH"
    scenes: tuple[str, ...] = ()

    def read(self, window: Window | None = None, dates: Any = None) -> Any:
        rows, cols = (window or full_window(GRID)).slices
        return np.zeros_like(IDS[rows, cols], np.uint8), IDS[rows, cols]


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": np.array([3, 7], np.uint32),
            "id": ["a", "b"],
            "label": np.array([1, 0], np.uint8),
            "class_name": ["wheat", "background"],
            "cube": "c",
            "counts": [4, 4],
            "B04_04_mean": np.float32([0.1, np.nan]),
            "B04_04_std": np.float32([0.01, np.nan]),
            "B04_03_mean": np.float32([0.2, 0.3]),
            "B04_03_std": np.float32([0.02, 0.03]),
            "count_03": [4, 4],
            "count_04": [4, 0],
        }
    )


def test_statistics_become_bands_and_periods_become_dates(table: pd.DataFrame) -> None:
    bands, periods, values = stack_features(table)
    assert bands == ("B04_mean", "B04_std")
    assert periods == ("03", "04")
    np.testing.assert_array_equal(values[0], np.float32([[0.2, 0.02], [0.1, 0.01]]))
    assert np.isnan(values[1, 1]).all()


def test_a_date_is_its_day_and_a_month_its_fifteenth() -> None:
    assert period_days(["20200229"], 2020).tolist() == [18321]
    assert period_days(["00", "12"], 2019).astype("datetime64[D]").astype(str).tolist() == ["2019-01-15", "2020-01-15"]


def test_a_parcel_lies_where_its_first_pixel_is() -> None:
    assert first_pixels(Place()) == {7: Window(0, 2, 1, 1), 3: Window(1, 0, 1, 1)}


def test_one_sample_a_parcel(table: pd.DataFrame, tmp_path: Path) -> None:
    place = {"c": Place()}
    info = build_object_dataset(
        tmp_path / "d",
        table,
        cubes=place,
        labels=place,
        classes=CLASSES,
        level="L2A",
        country="FR",
        year=2020,
        first_year=2020,
        preprocessing={},
        tallies={},
        options=DatasetOptions(samples="objects"),
    )
    assert (info.n_samples, info.n_dates, info.patch_size_px, info.bands) == (2, 2, 1, ("B04_mean", "B04_std"))
    dataset = open_dataset(tmp_path / "d")
    seven = dataset.read("FR-2020-7")
    assert seven.valid.ravel().tolist() == [True, False]  # no valid pixel in April
    np.testing.assert_allclose(seven.image[:, :, 0, 0], [[0.3, 0.03], [0, 0]], atol=5e-5)
    assert (seven.labels.item(), seven.parcel_ids.item()) == (0, 7)
    row = dataset.manifest.set_index("sample_id").loc["FR-2020-3"]
    assert (row["left"], row["top"], row["n_px_1"]) == (500_000, 4_799_990, 1)

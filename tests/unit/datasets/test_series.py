"""A table of series becomes a data set: two parcels, two months, two bands."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bocage.core.errors import CorruptFile, DataError, MissingBand, NothingLeft
from bocage.core.grid import utm_of
from bocage.datasets.read import open_dataset
from bocage.datasets.series import SeriesClass, SeriesOptions, build_series_dataset, class_of_codes

CLASSES = (
    SeriesClass(name="fruit", title="Fruit", color="#ff0000", codes=("12",)),
    SeriesClass(name="vines", title="Vines", color="#00ff00", codes=("1201",)),
)


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "parcel": ["b", "a", "b", "a", "c", "c"],
            "month": pd.to_datetime(
                ["2022-03-01", "2022-03-01", "2022-02-01", "2022-02-01", "2022-02-01", "2022-03-01"]
            ),
            "code": [1201, 1299, 1201, 1299, 77, 77],
            "lon": [9.25, 9.5, 9.25, 9.5, 9.0, 9.0],
            "lat": [42.5, 42.25, 42.5, 42.25, 42.0, 42.0],
            "red": [500, 65535, 400, 100, 1, 1],
            "nir": [3000, 2000, 2500, 1000, 1, 1],
        }
    )


def options_of(table: pd.DataFrame, folder: Path, **changes: object) -> SeriesOptions:
    table.to_parquet(folder / "series.parquet")
    values = {
        "id_column": "parcel",
        "date_column": "month",
        "code_column": "code",
        "bands": {"B04": "red", "B08": "nir"},
    }
    more = {"path": str(folder / "series.parquet"), "missing": 65535, "country": "FR", "year": 2022, "classes": CLASSES}
    return SeriesOptions.model_validate({**values, **more, **changes})


def test_one_sample_a_parcel_with_a_class(table: pd.DataFrame, tmp_path: Path) -> None:
    info, tally = build_series_dataset(tmp_path / "d", options_of(table, tmp_path))
    assert (info.n_samples, info.n_dates, info.bands) == (2, 2, ("B04", "B08"))
    assert tally.dropped == {"code of no class": 1}
    dataset = open_dataset(tmp_path / "d")
    assert dataset.verify() == []
    a, b = (dataset.read(s) for s in ("FR-2022-1", "FR-2022-2"))
    assert (a.labels.item(), b.labels.item()) == (1, 2)
    assert b.days.astype("datetime64[D]").astype(str).tolist() == ["2022-02-01", "2022-03-01"]
    np.testing.assert_allclose(b.image[:, :, 0, 0], [[0.04, 0.25], [0.05, 0.3]])
    assert a.valid.ravel().tolist() == [True, False]  # March lacks its red
    row = dataset.manifest.set_index("sample_id").loc["FR-2022-2"]
    assert (row["source_id"], row["crs"], row["left"] % 10, row["top"] % 10) == ("b", "EPSG:32632", 0, 0)
    assert (500_000 < row["left"] < 600_000, 4_700_000 < row["top"] < 4_710_000) == (True, True)


def test_the_longest_code_decides() -> None:
    assert class_of_codes(pd.Series(["1201000010", "1202", "99"]), CLASSES).tolist() == [2, 1, 0]


@pytest.mark.parametrize(("lon", "lat", "crs"), [(9.2, 42.4, "EPSG:32632"), (-179.9, -10.0, "EPSG:32701")])
def test_zones(lon: float, lat: float, crs: str) -> None:
    assert utm_of(lon, lat) == crs


def test_what_does_not_fit_is_said(table: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(MissingBand, match="has no column swir"):
        build_series_dataset(tmp_path / "d", options_of(table, tmp_path, bands={"B11": "swir"}))
    with pytest.raises(NothingLeft, match="code of no class"):
        build_series_dataset(tmp_path / "d", options_of(table.assign(code=0), tmp_path))
    with pytest.raises(DataError, match="every parcel needs one row for every date"):
        build_series_dataset(tmp_path / "d", options_of(table.iloc[:5], tmp_path))
    with pytest.raises(DataError, match="several codes or places"):
        build_series_dataset(tmp_path / "d", options_of(table.assign(code=range(6)), tmp_path))


def test_a_time_of_another_zone_is_of_the_day_that_it_says(table: pd.DataFrame, tmp_path: Path) -> None:
    there = table.assign(month=table["month"].dt.tz_localize("Europe/Berlin"))
    build_series_dataset(tmp_path / "d", options_of(there, tmp_path))
    days = open_dataset(tmp_path / "d").days("FR-2022-1")
    assert days.astype("datetime64[D]").astype(str).tolist() == ["2022-02-01", "2022-03-01"]


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("month", [20220301, 20220301, 20220201, 20220201, 20220201, 20220301], "no date: numbers"),
        ("month", ["2022-03-01", "2022-03-01", "soon", "2022-02-01", "2022-02-01", "2022-03-01"], "no date: .*soon"),
        ("month", pd.to_datetime(["2022-03-01", None, "2022-02-01", None, "2022-02-01", None]), "3 rows have no date"),
        ("lat", [42.5, 42.25, 42.5, 42.25, np.nan, np.nan], "2 rows have no place in column 'lat'"),
        ("lon", [9.25, 999.0, 9.25, 999.0, 9.0, 9.0], "e.g. 999.0; degrees go from -180 to 180"),
        ("red", ["1", "x", "2", "3", "4", "5"], "'red' holds what is no number"),
    ],
)
def test_what_is_no_date_place_or_number_is_named(
    table: pd.DataFrame, tmp_path: Path, column: str, values: object, said: str
) -> None:
    with pytest.raises(CorruptFile, match=said):
        build_series_dataset(tmp_path / "d", options_of(table.assign(**{column: values}), tmp_path))


def test_a_parcel_without_a_code_is_counted(table: pd.DataFrame, tmp_path: Path) -> None:
    codes = ["1201", "1299", "1201", "1299", None, None]
    _, tally = build_series_dataset(tmp_path / "d", options_of(table.assign(code=codes), tmp_path))
    assert tally.dropped == {"code of no class": 1}

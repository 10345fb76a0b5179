"""From a cube and labels to a data set and back."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bocage.core.errors import ConfigError, DataError, GridMismatch, NothingLeft, UnknownName
from bocage.core.grid import grid_bounds, make_grid
from bocage.core.sample import Sample
from bocage.datasets.build import build_dataset, read_sample
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.options import DatasetOptions
from bocage.datasets.read import open_dataset
from bocage.datasets.record import to_reflectance
from bocage.datasets.store import STORES
from bocage.datasets.write import DatasetWriter


@pytest.mark.parametrize("store", list(STORES))
def test_a_sample_comes_back_as_it_was_cut_from_the_cube(tmp_path: Path, world: SimpleNamespace, store: str) -> None:
    world.build(tmp_path / "d", store=store)
    sample = open_dataset(tmp_path / "d").read("A-31TEJ_0_0_0")
    # first date: three cloudy pixels, and (5, 5) which is never seen
    expected_valid = np.ones((1, 8, 8), bool)
    expected_valid[0, 0, :3] = expected_valid[0, 5, 5] = False
    np.testing.assert_array_equal(sample.valid, expected_valid)
    expected = np.where(expected_valid[:, None], world.cube.reflectance[:1, :, :8, :8], 0)
    np.testing.assert_allclose(sample.image, expected, atol=5.1e-5)
    assert not np.signbit(sample.image).any()
    assert sample.days.tolist() == [17_000]
    assert sample.bands == ("B02", "B03", "B8A")
    assert sample.origin.scenes == ("first",)
    assert (sample.origin.country, sample.origin.year, sample.origin.tile) == ("FR", 2018, "31TEJ")
    assert sample.origin.grid is not None
    assert grid_bounds(sample.origin.grid) == (500_000, 4_799_920, 500_080, 4_800_000)


def test_pixels_without_any_valid_date_are_ignored_and_others_are_not(world: SimpleNamespace) -> None:
    row = {"candidate_id": "a", "row": 0, "col": 0, "height": 8, "width": 8}
    _, _, one = read_sample({**row, "dates": [0]}, world.cube, world.labels.read, country="", year=0)
    _, _, both = read_sample({**row, "dates": [0, 1]}, world.cube, world.labels.read, country="", year=0)
    assert one.labels[0, :4].tolist() == [255, 255, 255, 1]  # cloudy on its only date
    assert both.labels[0, :4].tolist() == [1, 1, 1, 1]  # seen on the second date
    assert one.labels[5, 5] == both.labels[5, 5] == 255
    assert one.parcel_ids[5, 5] == 1  # the parcel is still there


def test_the_manifest_counts_what_is_stored(folder: Path) -> None:
    dataset = open_dataset(folder)
    row = dataset.manifest.set_index("sample_id").loc["A-31TEJ_0_0_0"]
    assert [row["n_px_0"], row["n_px_1"], row["n_px_2"], row["n_px_255"]] == [0, 60, 0, 4]
    assert row["valid_fraction"] == 60 / 64
    assert row["nodata_fraction"] == 0.0
    assert [row["crs"], row["left"], row["top"], row["resolution_m"]] == ["EPSG:32631", 500_000, 4_800_000, 10]
    # per date: left two thirds: 8 × 16 wheat above, as much background below; right third 16 × 8 vineyard
    assert dataset.pixels_by_class() == {"background": 256, "wheat": 2 * 128 - 5, "vineyard": 256, "ignore": 5}
    assert dataset.patches_by_class() == {"background": 4, "wheat": 4, "vineyard": 4}
    parcels = dataset.parcels()
    assert parcels[parcels["sample_id"] == "A-31TEJ_0_0_0"][["number", "class_id", "n_px"]].values.tolist() == [
        [1, 1, 60],
        [1, 255, 4],
    ]


def test_series_keep_all_dates(tmp_path: Path, world: SimpleNamespace) -> None:
    info = world.build(tmp_path / "d", dates=[[0, 1]])
    assert (info.n_samples, info.n_dates) == (6, 2)
    sample = open_dataset(tmp_path / "d").read("A-31TEJ_8_16_0-1")
    assert sample.image.shape == (2, 3, 8, 8)
    assert sample.days.tolist() == [17_000, 17_010]
    assert sample.origin.scenes == ("first", "second")


def test_the_same_input_gives_the_same_bytes_and_the_digest_does_not_depend_on_the_store(
    tmp_path: Path, world: SimpleNamespace
) -> None:
    first, again = world.build(tmp_path / "a"), world.build(tmp_path / "b")
    plain, other = world.build(tmp_path / "c", store="npy"), world.build(tmp_path / "d", dates=[[0]])
    assert first == again
    for path in sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file()):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
    assert plain.digest == first.digest
    assert other.digest != first.digest


def test_npy_files_open_with_numpy_alone(tmp_path: Path, world: SimpleNamespace) -> None:
    world.build(tmp_path, store="npy")
    assert np.load(tmp_path / "images" / "A-31TEJ_0_0_0.npy")[0, :, 0, 2:4].tolist() == [
        [-32768, 3],
        [-32768, 103],
        [-32768, 203],
    ]
    assert np.load(tmp_path / "labels" / "A-31TEJ_0_16_0.npy").tolist() == [[2] * 8] * 8


def test_what_cannot_be_one_data_set_is_refused(tmp_path: Path, world: SimpleNamespace) -> None:
    def built(selected: pd.DataFrame, labels: object = world.labels) -> DatasetInfo:
        return build_dataset(
            tmp_path / "d",
            selected,
            cubes={"A-31TEJ": world.cube},
            labels={"A-31TEJ": labels},  # type: ignore[dict-item]
            classes=world.classes,
            dates="single",
            level="L2A",
            country="",
            year=0,
            preprocessing={},
            tallies={},
            options=DatasetOptions(),
        )

    selected = world.candidates([[0]])
    with pytest.raises(NothingLeft, match="No patch was selected"):
        built(selected.iloc[:0])
    with pytest.raises(GridMismatch, match="patch sizes"):
        built(selected.assign(height=[8, 8, 8, 8, 8, 4]))
    shifted = SimpleNamespace(grid=make_grid("EPSG:32631", 500_010, 4_800_000, 10, (16, 24)), read=world.labels.read)
    with pytest.raises(GridMismatch, match="differ in grid"):
        built(selected, shifted)
    with pytest.raises(DataError, match=r"classes 0 \(background\), 1, 2"):
        DatasetInfo((ClassInfo(1, "wheat", "#000000", ""),), ("B02",), 8, 10.0, "single", "L2A")


def test_the_writer_refuses_ids_labels_and_bands_that_do_not_fit(tmp_path: Path, world: SimpleNamespace) -> None:
    classes = ClassInfo(0, "background", "#000000", ""), ClassInfo(1, "wheat", "#000000", "")
    info = DatasetInfo(classes, world.cube.bands, 8, 10.0, "single", "L2A")
    writer, place = DatasetWriter(tmp_path, info), {"cube": "A", "row": 0, "col": 0}

    def cut(sample_id: str, col: int = 0) -> Sample:
        row = {"candidate_id": sample_id, "row": 0, "col": col, "height": 8, "width": 8, "dates": [0]}
        origin, days, record = read_sample(row, world.cube, world.labels.read, country="", year=0)
        image, valid = to_reflectance(record.image)
        return Sample(image, valid, record.labels, record.parcel_ids, days, world.cube.bands, origin)

    writer.add(cut("a"), place)
    with pytest.raises(DataError, match="comes twice"):
        writer.add(cut("a"), place)
    with pytest.raises(DataError, match="characters other than"):
        writer.add(cut("../a"), place)
    with pytest.raises(DataError, match=r"labels \[2\], but the classes are 0 … 1"):
        writer.add(cut("b", col=16), place)
    with pytest.raises(GridMismatch, match="has bands"):
        writer.add(replace(cut("c"), bands=("B02", "B03", "B04")), place)
    assert writer.finish().n_samples == 1
    with pytest.raises(ConfigError, match="already holds a finished data set"):
        DatasetWriter(tmp_path, info)


def test_an_unknown_sample_is_named(folder: Path) -> None:
    with pytest.raises(UnknownName, match=r"no sample .A-31TEJ_0_0_9. among its 12\. Did you mean"):
        open_dataset(folder).read("A-31TEJ_0_0_9")

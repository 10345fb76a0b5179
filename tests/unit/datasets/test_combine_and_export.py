"""Data sets compared, joined, drawn from and written in other formats."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
import zarr

from bocage.benchmarks.read_sen4agrinet import Sen4AgriNetOptions, check_sen4agrinet
from bocage.cli.main import main
from bocage.core.errors import ConfigError, DataError, GridMismatch, UnknownName
from bocage.core.grid import make_grid
from bocage.core.sample import Origin
from bocage.core.tally import Tally
from bocage.datasets.card import document_derived
from bocage.datasets.coco import sort_by_part, write_coco
from bocage.datasets.combine import (
    diff_datasets,
    merge_datasets,
    number_shifts,
    sample_dataset,
    select_samples,
)
from bocage.datasets.export import export_dataset
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.read import open_dataset
from bocage.datasets.record import Record
from bocage.datasets.sen4agrinet import cut, group_windows, label_codes, monthly_medians, to_native
from bocage.datasets.write import DatasetWriter
from bocage.patches.options import SelectionOptions


def test_a_data_set_and_its_copy_do_not_differ_and_a_changed_one_says_where(
    folder: Path, world: SimpleNamespace, tmp_path: Path
) -> None:
    world.build(tmp_path / "npy", store="npy")
    first, copy = open_dataset(folder), open_dataset(tmp_path / "npy")
    found = diff_datasets(first, copy)
    assert found == {
        "same": True, "about": {"store": ["shards", "npy"]}, "only_a": [], "only_b": [], "changed": {}
    }  # fmt: skip
    world.build(tmp_path / "one", dates=[[0]])
    assert len(diff_datasets(first, open_dataset(tmp_path / "one"))["only_a"]) == 6


def test_merging_takes_every_window_once(folder: Path, world: SimpleNamespace, tmp_path: Path) -> None:
    world.build(tmp_path / "first", dates=[[0]])
    parts = [open_dataset(tmp_path / "first"), open_dataset(folder)]
    info, tally = merge_datasets(parts, tmp_path / "both")
    assert (info.n_samples, tally.dropped) == (12, {"the same window and dates again": 6})
    both = open_dataset(tmp_path / "both")
    assert both.verify() == []
    assert set(both.sample_ids) == set(parts[1].sample_ids)
    assert not diff_datasets(parts[1], both)["changed"]
    with pytest.raises(ConfigError, match="already holds"):
        merge_datasets(parts, tmp_path / "both")


def test_parcels_of_different_declarations_never_share_a_number(folder: Path, tmp_path: Path) -> None:
    first, other = open_dataset(folder), open_dataset(folder)
    other.manifest["year"] = 2019
    assert number_shifts([first, first]) == [0, 0]
    assert number_shifts([first, other, first]) == [0, 2, 0]
    info, _ = merge_datasets([first, other], tmp_path / "both")
    both = open_dataset(tmp_path / "both")
    assert info.n_samples == 24
    assert both.verify() == []
    assert set(both.parcels()["number"]) == {1, 2, 3, 4}


def test_data_sets_that_share_some_of_their_places_are_not_joined(folder: Path, tmp_path: Path) -> None:
    first, both = open_dataset(folder), open_dataset(folder)
    both.manifest.loc[both.manifest.index[0], "year"] = 2019
    for given in ([first, both], [both, first]):
        with pytest.raises(ConfigError, match=r"parcels of FR 2018 like another"):
            merge_datasets(given, tmp_path / "both")
    assert number_shifts([both, both]) == [0, 0]


def test_only_data_sets_of_one_kind_are_joined(folder: Path, tmp_path: Path) -> None:
    other = open_dataset(folder)
    other.info = replace(other.info, level="L1C")
    with pytest.raises(GridMismatch, match="differ in level"):
        merge_datasets([open_dataset(folder), other], tmp_path / "both")


def test_a_stratified_part_keeps_the_labels(folder: Path, tmp_path: Path) -> None:
    dataset = open_dataset(folder)
    info = sample_dataset(dataset, 6, tmp_path / "half", seed=0)
    half = open_dataset(tmp_path / "half")
    assert (info.n_samples, half.verify()) == (6, [])
    for name, n in dataset.patches_by_class().items():
        assert half.patches_by_class()[name] == pytest.approx(n / 2, abs=1)
    with pytest.raises(ConfigError, match="A part of 13"):
        sample_dataset(dataset, 13, tmp_path / "more", seed=0)


def test_builds_are_merged_and_then_selected_as_one(folder: Path, world: SimpleNamespace, tmp_path: Path) -> None:
    """Each window is there once a date; a cap on the background is a cap over all of them."""
    dataset = open_dataset(folder)
    other = tmp_path / "other"
    sample_dataset(dataset, 6, other, seed=0)
    merge_datasets([dataset, open_dataset(other)], tmp_path / "merged")
    merged = open_dataset(tmp_path / "merged")
    assert len(merged) == len(dataset)
    limit = merged.pixels_by_class()["background"] // 2
    options = SelectionOptions(caps={"background": limit}, rare_classes=("vineyard",))
    info, selection = select_samples(merged, options, tmp_path / "selected")
    selected = open_dataset(tmp_path / "selected")
    assert 0 < info.n_samples < len(merged)
    assert selected.verify() == []
    assert 0 < selected.pixels_by_class()["background"] <= limit
    assert selected.pixels_by_class()["vineyard"] == merged.pixels_by_class()["vineyard"]
    assert selection.tally.dropped == {"over the cap of background": len(merged) - info.n_samples}
    again, _ = select_samples(merged, options, tmp_path / "again")
    assert again.digest == info.digest
    with pytest.raises(UnknownName, match="wheat"):
        select_samples(merged, SelectionOptions(caps={"weat": 1}), tmp_path / "none")


def test_what_is_joined_can_be_selected_before_it_is_written(folder: Path, tmp_path: Path) -> None:
    """As one, over all of them, in one pass: the same as merging and selecting after it; the card shows both."""
    first, other = open_dataset(folder), open_dataset(folder)
    other.manifest["year"] = 2019
    options = SelectionOptions(max_total=9, rare_classes=("vineyard",))
    info, tally = merge_datasets([first, other], tmp_path / "at-once", selection=options)
    assert (info.n_samples, tally) == (9, Tally(9, {"over the limit in all": 15}))
    merge_datasets([first, other], tmp_path / "all")
    select_samples(open_dataset(tmp_path / "all"), options, tmp_path / "after")
    assert not diff_datasets(*(open_dataset(tmp_path / name) for name in ("at-once", "after")))["changed"]
    about = json.loads((tmp_path / "at-once" / "selection.json").read_text())
    assert about["after"]["vineyard"] == about["before"]["vineyard"]
    document_derived(tmp_path / "at-once", [first], name="joined", software={})
    card = (tmp_path / "at-once" / "card.md").read_text()
    assert "## Before and after the selection" in card
    assert "| vineyard |" in card.partition("## Before")[2]


def test_npy_and_zarr_hold_the_same_arrays(folder: Path, tmp_path: Path) -> None:
    dataset = open_dataset(folder)
    export_dataset(dataset, "npy", tmp_path / "npy")
    assert diff_datasets(dataset, open_dataset(tmp_path / "npy"))["same"]
    export_dataset(dataset, "zarr", tmp_path / "zarr")
    group = zarr.open_group(tmp_path / "zarr" / "dataset.zarr", mode="r")
    for i, sample_id in enumerate(dataset.sample_ids):
        record = dataset.read_record(sample_id)
        np.testing.assert_array_equal(group["image"][i], record.image)
        np.testing.assert_array_equal(group["parcel_ids"][i], record.parcel_ids)
    with pytest.raises(ConfigError, match="not empty"):
        export_dataset(dataset, "zarr", tmp_path / "zarr")
    with pytest.raises(UnknownName, match="sen4agrinet"):
        export_dataset(dataset, "sen4agrinett", tmp_path / "other")


def test_netcdf_patches_have_the_layout_of_sen4agrinet(folder: Path, tmp_path: Path) -> None:
    dataset = open_dataset(folder)
    export_dataset(dataset, "sen4agrinet", tmp_path / "nc")
    files = sorted(p.name for p in (tmp_path / "nc").glob("*.nc"))
    assert files == [f"2018_31TEJ_patch_{i:02d}_{j:02d}.nc" for i in range(2) for j in range(3)]
    path = tmp_path / "nc" / files[0]
    attributes = xr.open_dataset(path, engine="h5netcdf").attrs
    assert (attributes["patch_full_name"], attributes["patch_tile"]) == ("2018_31TEJ_patch_00_00", "31TEJ")
    band = xr.open_dataset(path, group="B02", engine="h5netcdf")["B02"]
    assert (band.dims, band.dtype, band.shape) == (("time", "y", "x"), np.uint16, (2, 8, 8))
    assert band["time"].values.astype("datetime64[D]").astype(int).tolist() == [17_000, 17_010]
    record = dataset.read_record(next(s for s in dataset.sample_ids if s.endswith("_0_0_1")))
    np.testing.assert_array_equal(band[1], np.maximum(record.image[0, 0], 0))
    assert xr.open_dataset(path, group="B8A", engine="h5netcdf")["B8A"].shape == (2, 4, 4)
    parcels = xr.open_dataset(path, group="parcels", engine="h5netcdf")["parcels"]
    assert parcels.dtype == np.uint32
    np.testing.assert_array_equal(parcels, record.parcel_ids)
    labels = xr.open_dataset(path, group="labels", engine="h5netcdf")["labels"]
    assert labels.values[0, 0] == 1  # cloud on the first date, seen on the second
    np.testing.assert_array_equal(labels, np.where(record.labels == 255, 0, record.labels))


def test_netcdf_patches_are_read_as_the_original_code_reads_them(folder: Path, tmp_path: Path) -> None:
    netcdf4 = pytest.importorskip("netCDF4")
    dataset = open_dataset(folder)
    export_dataset(dataset, "sen4agrinet", tmp_path / "nc")
    with netcdf4.Dataset(tmp_path / "nc" / "2018_31TEJ_patch_00_00.nc", "r") as patch:
        assert set(patch.groups) == {*dataset.info.bands, "labels", "parcels"}
        assert patch.patch_year == "2018"
        band = xr.open_dataset(xr.backends.NetCDF4DataStore(patch["B03"]))
        assert band["B03"].dims == ("time", "y", "x")
        labels = xr.open_dataset(xr.backends.NetCDF4DataStore(patch["labels"]))
        assert labels["labels"].dtype == np.uint32


def test_labels_are_sen4agrinets_own_numbers_where_the_classes_are_its_eleven(folder: Path) -> None:
    info = open_dataset(folder).info
    assert label_codes(info)[[0, 1, 2, 255]].tolist() == [0, 1, 2, 0]  # vineyard is none of them
    eleven = tuple(replace(c, name=name) for c, name in zip(info.classes, ("background", "peas", "wheat"), strict=True))
    assert label_codes(replace(info, classes=eleven))[[0, 1, 2, 255]].tolist() == [0, 770, 110, 0]


def test_all_thirteen_bands_of_a_patch_come_at_their_own_size(tmp_path: Path) -> None:
    """366 px of 10 m: 183 of 20 m, 61 of 60 m; cubes repeat the coarse pixels, and the patch has them as they were."""
    netcdf4 = pytest.importorskip("netCDF4")
    native = np.random.default_rng(0).integers(1, 9000, (61, 61), np.int16)
    coarse, middle = (np.kron(native, np.ones((k, k), np.int16)) for k in (6, 3))
    bands = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
    image = np.stack([np.repeat(np.repeat(middle, 2, 0), 2, 1) if b == "B05" else coarse for b in bands])[None]
    classes = tuple(ClassInfo(k, name, "#000000", name) for k, name in enumerate(("background", "grapes")))
    info = DatasetInfo(
        classes=classes, bands=bands, patch_size_px=366, resolution_m=10.0, dates="series", level="L1C",
        preprocessing={}, tallies={}, store="shards",
    )  # fmt: skip
    writer = DatasetWriter(tmp_path / "dataset", info)
    labels = np.ones((366, 366), np.uint8)
    record = Record(image, labels, labels.astype(np.uint32))
    grid = make_grid("EPSG:32631", 300_000, 4_700_040, 10, (366, 366))
    origin = Origin(sample_id="a", country="ES", year=2019, tile="31TCG", scenes=("s",), grid=grid)
    days = np.array([18_000], np.int32)
    writer.append(writer.prepare(origin, days, record, {"cube": "a-31TCG", "row": 14 * 366, "col": 7 * 366}))
    writer.finish()
    dataset = open_dataset(tmp_path / "dataset")
    export_dataset(dataset, "sen4agrinet", tmp_path / "nc")
    with netcdf4.Dataset(tmp_path / "nc" / "2019_31TCG_patch_14_07.nc") as patch:
        assert set(patch.groups) == {*bands, "labels", "parcels"}
        sizes = {b: patch[b].variables[b].shape for b in bands}
        assert {s for b, s in sizes.items() if b in ("B01", "B09", "B10")} == {(1, 61, 61)}
        assert (sizes["B02"], sizes["B11"]) == ((1, 366, 366), (1, 183, 183))
        np.testing.assert_array_equal(patch["B10"].variables["B10"][0], native)
        np.testing.assert_array_equal(patch["B05"].variables["B05"][0], middle)
        assert set(np.unique(patch["labels"].variables["labels"][:])) == {330}
        attributes = ("patch_full_name", "patch_year", "patch_name", "patch_country_code", "patch_tile")
        assert [patch.getncattr(a) for a in attributes] == [
            "2019_31TCG_patch_14_07", "2019", "patch_14_07", "ES", "31TCG",
        ]  # fmt: skip
        assert {"title", "authors", "creation_date", "references", "institution", "version"} <= set(patch.ncattrs())

    assert check_sen4agrinet(tmp_path / "nc", Sen4AgriNetOptions()) == []  # as the published files are read

    out = export_dataset(dataset, "sen4agrinet_medians", tmp_path / "medians")["out"]
    patch_folder = Path(out) / "2019_31TCG_patch_14_07"
    assert len(list(patch_folder.glob("sub*_bin*.npy"))) == 36 * 12
    np.testing.assert_array_equal(np.load(patch_folder / "sub07_bin05.npy"), image[0, :, 61:122, 61:122])
    assert np.load(patch_folder / "labels_sub35.npy").shape == (61, 61)


def test_months_are_medians_and_empty_ones_lie_between_their_neighbours() -> None:
    days = np.array(["2019-03-02", "2019-03-20", "2019-03-30", "2019-06-01", "2020-01-01"], "datetime64[D]")
    image = np.array([100, 300, 200, 500, 9999], np.int16)[:, None, None, None]
    image = np.concatenate([image, np.full_like(image, -32768)], axis=3)  # the second pixel is never seen
    months = monthly_medians(image, days.astype(np.int32), 2019)
    assert (months.shape, months.dtype) == ((12, 1, 1, 2), np.float32)
    first = months[:, 0, 0, 0]
    assert first[[0, 2, 5, 11]].tolist() == [200, 200, 500, 500]
    np.testing.assert_allclose(first[3:5], [300, 400], atol=3)  # by days, and months differ in theirs
    assert not months[..., 1].any()
    with pytest.raises(DataError, match="lies in 2018"):
        monthly_medians(image, days.astype(np.int32), 2018)


def test_sub_patches_lie_row_by_row() -> None:
    parts = cut(np.arange(12 * 12).reshape(12, 12))
    assert len(parts) == 36
    assert [p[0, 0] for p in parts[:7]] == [0, 2, 4, 6, 8, 10, 24]


def test_medians_of_a_split_lie_in_a_folder_a_part(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="8 px cannot be cut"):
        export_dataset(open_dataset(folder), "sen4agrinet_medians", tmp_path / "no")
    dataset = open_dataset(folder)
    for name in group_windows(dataset):
        (tmp_path / "out" / name).mkdir(parents=True)
    parts = {s: "test" if "_0_16_" in s else "train" if "_8_" not in s else "dropped" for s in dataset.sample_ids}
    assert [p.name for p in sort_by_part(dataset, parts, tmp_path / "out")] == ["test", "train"]
    found = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").glob("*/2018*")}
    assert found == {
        "train/2018_31TEJ_patch_00_00",
        "test/2018_31TEJ_patch_00_02",
    }


def test_a_split_becomes_coco_files_with_the_outlines_of_parcels(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = open_dataset(folder)
    parts = {s: "test" if "_0_16_" in s else "train" if "_8_" not in s else "dropped" for s in dataset.sample_ids}
    split = tmp_path / "split.csv"
    split.write_text("sample_id,part\n" + "".join(f"{s},{part}\n" for s, part in parts.items()))
    out = tmp_path / "nc"
    code = main(
        ["dataset", "export", str(folder), "--to", "sen4agrinet", "--split", str(split), "--out", str(out), "--json"]
    )
    assert code == 0
    written = json.loads(capsys.readouterr().out)["coco"]
    assert {Path(p).name for p in written} == {"bocage_coco_train.json", "bocage_coco_test.json"}
    test = json.loads((out / "bocage_coco_test.json").read_text())
    assert [(i["file_name"], i["height"], i["date_captured"]) for i in test["images"]] == [
        ("2018_31TEJ_patch_00_02.nc", 8, 2018)
    ]
    (annotation,) = test["annotations"]  # parcel 2, vineyard, fills the window
    assert (annotation["category_id"], annotation["bbox"], annotation["area"]) == (2, [0, 0, 8, 8], 64)
    assert {tuple(xy) for xy in np.reshape(annotation["segmentation"], (-1, 2)).tolist()} == {
        (0, 0),
        (0, 8),
        (8, 8),
        (8, 0),
    }
    assert [c["name"] for c in test["categories"]] == ["wheat", "vineyard"]
    train = json.loads((out / "bocage_coco_train.json").read_text())
    assert {i["id"] for i in train["images"]} == {a["image_id"] for a in train["annotations"]} == {1}
    assert train["annotations"][0]["area"] == 63  # one pixel was never seen: a hole
    assert main(["dataset", "export", str(folder), "--to", "npy", "--split", str(split), "--out", str(out)]) == 2


def test_a_window_whose_dates_are_in_two_parts_has_no_coco_file(folder: Path, tmp_path: Path) -> None:
    dataset = open_dataset(folder)
    parts = {s: ("train", "test")[i % 2] for i, s in enumerate(dataset.sample_ids)}
    with pytest.raises(DataError, match="are in test, train, but a patch holds all of its dates"):
        write_coco(dataset, parts, tmp_path)


def test_native_pixels_are_means_and_missing_ones_zero() -> None:
    stored = np.int16([[[100, 102, -50, -50], [104, 106, -50, -50], [7, 7, -32768, 7], [7, 7, 7, 7]]])
    assert to_native(stored, 2).tolist() == [[[103, 1], [7, 0]]]  # dark water is not missing


def test_windows_that_would_share_a_name_are_refused(folder: Path, tmp_path: Path) -> None:
    dataset = open_dataset(folder)
    dataset.manifest["row"] //= 2
    with pytest.raises(DataError, match="lie side by side"):
        export_dataset(dataset, "sen4agrinet", tmp_path / "nc")


def test_the_commands_print_their_findings(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: object) -> dict[str, object]:
        assert main(["dataset", *map(str, arguments), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert {"ok", "problems"} <= set(found)
        return dict(found)

    assert run("sample", folder, "--n", 5, "--out", tmp_path / "five")["n_patches"] == 5
    assert run("merge", folder, tmp_path / "five", "--out", tmp_path / "merged")["n_patches"] == 12
    assert not run("diff", folder, tmp_path / "five")["ok"]
    assert run("diff", folder, tmp_path / "merged")["only_a"] == []
    assert run("export", folder, "--to", "zarr")["out"] == str(folder) + "-zarr"

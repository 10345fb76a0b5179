"""Every damaged copy is refused, and the reason is said."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio
import yaml

from bocage.benchmarks.benchmark import BENCHMARKS, find_view, open_checked, parse_options
from bocage.cli.main import main
from bocage.core.errors import ConfigError, CorruptFile, UnknownName

Damaged = Callable[[str], Path]


def problems(name: str, path: Path) -> list[str]:
    """Also that `open_checked` refuses with the first problem."""
    benchmark = BENCHMARKS[name]
    options = parse_options(benchmark, {})
    found = benchmark.check(path, options)
    view = next(iter(benchmark.views.values()))
    with pytest.raises(CorruptFile) as error:
        open_checked(benchmark, path, view, options)
    assert found[0] in str(error.value)
    return found


def cut(file: Path) -> None:
    """Lose the second half."""
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def test_pastis_without_a_fold(damaged: Damaged) -> None:
    path = damaged("pastis")
    file = path / "metadata.geojson"
    collection = json.loads(file.read_text())
    collection["features"] = [f for f in collection["features"] if f["properties"]["Fold"] != 3]
    file.write_text(json.dumps(collection))
    assert problems("pastis", path) == ["metadata.geojson: no patch in fold 3"]


def test_pastis_with_wrong_bands_labels_and_files(damaged: Damaged) -> None:
    path = damaged("pastis")
    image = path / "DATA_S2" / "S2_10000.npy"
    np.save(image, np.load(image)[:, :9])
    cut(path / "DATA_S2" / "S2_10001.npy")
    (path / "ANNOTATIONS" / "ParcelIDs_10002.npy").unlink()
    target = path / "ANNOTATIONS" / "TARGET_10003.npy"
    labels = np.load(target)
    labels[0, 4, 4] = 20
    np.save(target, labels)
    found = problems("pastis", path)
    assert found[0] == "S2_10000.npy has the shape (7, 9, 128, 128), expected (7, 10, 128, 128)"
    assert found[1].startswith("S2_10001.npy is truncated")
    assert found[2] == "ParcelIDs_10002.npy is missing"
    assert found[3] == "TARGET_10003.npy: labels [20] are not in the list 0–19"
    assert len(found) == 4


def test_pastis_with_broken_metadata(damaged: Damaged) -> None:
    path = damaged("pastis")
    cut(path / "metadata.geojson")
    assert "no PASTIS metadata" in problems("pastis", path)[0]


def test_dacia5_with_wrong_bands_labels_and_files(damaged: Damaged) -> None:
    path = damaged("dacia5") / "Dataset"
    images = path / "Images_Sentinel2_GeoTIFF" / "Sentinel2_2020"
    with rasterio.open(images / "Sentinel2_L2A_20200214.tif") as raster:
        profile, pixels = raster.profile, raster.read()
    with rasterio.open(images / "Sentinel2_L2A_20200214.tif", "w", **(profile | {"count": 11})) as raster:
        raster.write(pixels[:11])
    cut(images / "Sentinel2_L2A_20200519.tif")
    masks = path / "Masks_and_legend"
    (masks / "Sentinel2_2024" / "Labels_mask_2024.png").unlink()
    mask = np.zeros((800, 450), np.uint8)
    mask[0, 0] = 18
    options = {"driver": "PNG", "height": 800, "width": 450, "count": 1, "dtype": "uint8"}
    with rasterio.open(masks / "Sentinel2_2020" / "Labels_mask_2020.png", "w", **options) as raster:
        raster.write(mask, 1)
    found = problems("dacia5", path.parent)
    assert found[0] == "Labels_mask_2020.png: labels [18] are not in the legend 0–17"
    assert found[1] == "Labels_mask_2024.png is missing"
    assert "(11, 800, 450, 'uint16'), expected (12, 800, 450, 'uint16')" in found[2]
    assert found[3].startswith("Sentinel2_L2A_20200519.tif is truncated")


def test_zuericrop_with_wrong_bands_labels_and_a_cut_file(damaged: Damaged) -> None:
    path = damaged("zuericrop")
    with h5py.File(path, "r+") as file:
        file["gt"][0, 0, 0, 0] = 125
    assert problems("zuericrop", path) == ["gt: labels [125] are not in the list 0–124"]
    with h5py.File(path, "r+") as file:
        data = file["data"][..., :8]
        del file["data"]
        file["data"] = data
    assert problems("zuericrop", path)[0].startswith("data has the shape (10, 142, 24, 24, 8)")
    with h5py.File(path, "r+") as file:
        del file["gt_instance"]
    assert problems("zuericrop", path) == ["gt_instance is missing"]
    cut(path)
    assert "truncated" in problems("zuericrop", path)[0]


def test_sen4agrinet_with_wrong_bands_labels_and_a_cut_file(damaged: Damaged) -> None:
    path = damaged("sen4agrinet")
    first, second = sorted(path.glob("*.nc"))
    with h5py.File(first, "r+") as file:
        file["labels"]["labels"][3, 3] = 99
    assert problems("sen4agrinet", path) == [f"{first.name}: labels [99] are outside the list 100–998"]
    with h5py.File(first, "r+") as file:
        del file["B10"]
    cut(second)
    found = problems("sen4agrinet", path)
    assert found[0] == f"{first.name}: group B10 is missing"
    assert found[1].startswith(f"{second.name}: truncated or no netCDF-4 file")


def test_sen4agrinet_parcels_with_missing_columns_labels_and_a_cut_file(damaged: Damaged) -> None:
    path = damaged("sen4agrinet")
    for file in path.glob("*.nc"):
        file.unlink()  # a copy may hold the parcels alone
    (file,) = path.glob("*.csv.gz")
    table = pd.read_csv(file)
    table.assign(label=table["label"].where(table.index != 3, 42)).to_csv(file, index=False)
    assert problems("sen4agrinet", path) == [f"{file.name}: labels [42] are outside the list 100–998"]
    table.drop(columns=["B10_04_mean", "B8A_11_std"]).to_csv(file, index=False)
    expected = f"{file.name} lacks 2 of 315 columns, such as B8A_11_std, B10_04_mean"
    assert problems("sen4agrinet", path) == [expected]
    cut(file)
    assert problems("sen4agrinet", path)[0].startswith(f"{file.name} is truncated")


def test_holdout_with_truncated_samples_and_without_a_data_set(damaged: Damaged) -> None:
    path = damaged("eurocrops_holdout")
    cut(max((path / "BE_VLG_2021" / "dataset").rglob("*.*"), key=lambda file: file.stat().st_size))
    (path / "BE_WAL_2021" / "dataset" / "dataset.json").unlink()
    found = problems("eurocrops_holdout", path)
    assert found[0].startswith("BE_VLG_2021: ")
    assert "was not finished" in found[-1]


def test_holdout_without_a_band_and_with_a_label_outside_the_list(damaged: Damaged) -> None:
    path = damaged("eurocrops_holdout")
    file = path / "BE_VLG_2021" / "dataset" / "dataset.json"
    info = json.loads(file.read_text())
    info["bands"].remove("B11")
    info["classes"][-1]["name"] = "hops"
    file.write_text(json.dumps(info))
    found = problems("eurocrops_holdout", path)
    assert found[0].startswith("BE_VLG_2021: its classes are background, ")
    assert found[0].endswith(", hops, not those of 'eurocrops-10'")
    assert found[1] == "BE_VLG_2021: it lacks the bands B11"


@pytest.mark.parametrize(
    ("section", "key", "value", "reason"),
    [
        ("patches", "stride_px", 32, "the windows leave gaps or overlap"),
        ("patches", "border", False, "the windows leave gaps or overlap"),
        ("patches", "filters", {"target_classes": ["wheat"]}, "chosen for their classes (wheat)"),
        ("patches", "selection", {"rare_classes": ["oats"]}, "windows were selected (patches.selection: rare_classes)"),
        ("patches", "selection", {"max_total": 5}, "windows were selected (patches.selection: max_total)"),
        ("regions", "target_classes", ["oats"], "chosen for their classes (oats)"),
    ],
)
def test_holdout_that_breaks_a_rule(damaged: Damaged, section: str, key: str, value: object, reason: str) -> None:
    path = damaged("eurocrops_holdout")
    file = path / "BE_WAL_2021" / "experiment.yaml"
    record = yaml.safe_load(file.read_text())
    record[section][key] = value
    file.write_text(yaml.safe_dump(record))
    (problem,) = problems("eurocrops_holdout", path)
    assert problem.startswith("BE_WAL_2021: ")
    assert reason in problem


@pytest.mark.parametrize("n_lost", [1, 20, 400])
def test_a_cut_mask_of_dacia5_is_found_and_one_fetched_again_is_read_again(damaged: Damaged, n_lost: int) -> None:
    path = damaged("dacia5")
    mask = next(path.rglob("Labels_mask_*.png"))
    whole = mask.read_bytes()
    mask.write_bytes(whole[:-n_lost])  # GDAL reads it without an error, and fills it up with anything
    assert problems("dacia5", path) == [f"{mask.name} is truncated or no PNG. Get it again."]
    mask.write_bytes(whole)
    assert BENCHMARKS["dacia5"].check(path, parse_options(BENCHMARKS["dacia5"], {})) == []


@pytest.mark.parametrize(("name", "view"), [("zuericrop", "native"), ("sen4agrinet", "native")])
def test_bytes_that_changed_inside_an_hdf5_file_name_it_when_they_are_read(
    damaged: Damaged, name: str, view: str
) -> None:
    path = damaged(name)
    file = path if path.is_file() else next(iter(sorted(path.rglob("*.nc"))))
    data = bytearray(file.read_bytes())
    at = len(data) * 2 // 3
    data[at : at + 64] = bytes(b ^ 0x5A for b in data[at : at + 64])
    file.write_bytes(data)
    benchmark = BENCHMARKS[name]
    collection = benchmark.open(path, view, parse_options(benchmark, {}))
    with pytest.raises(CorruptFile, match=rf"{file.name} is damaged"):
        for entry in collection.entries:
            collection.read(entry)


@pytest.mark.parametrize("name", [name for name, _ in BENCHMARKS.items()])
def test_a_copy_that_is_not_there_says_where_to_get_it(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = BENCHMARKS[name].where
    assert main(["benchmarks", "check", name, str(tmp_path / "none")]) == 3
    said = capsys.readouterr().err
    assert f"No copy of {name} at" in said
    assert where in said
    assert main(["benchmarks", "check", name, str(tmp_path)]) == 3
    said = capsys.readouterr().out
    assert where in said
    assert "Errno" not in said
    assert main(["benchmarks", "list"]) == 0
    assert f"{name}: {where}" in capsys.readouterr().out


def test_a_part_of_a_published_set_is_not_called_a_whole_copy(
    damaged: Damaged, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmarks", "check", "pastis", str(damaged("pastis"))]) == 0
    assert "Every file is whole, but there are fewer than were published." in capsys.readouterr().out


def test_a_model_of_other_classes_fits_no_view() -> None:
    with pytest.raises(ConfigError, match="fit no view of 'pastis'"):
        find_view(BENCHMARKS["pastis"], None, ("background", "rice"), ())
    with pytest.raises(UnknownName, match="Did you mean 'native'"):
        find_view(BENCHMARKS["pastis"], "nativ", (), ())

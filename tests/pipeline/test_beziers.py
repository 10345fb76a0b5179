"""The real case: ten products of 2018 near Béziers and 120 declared parcels, by the experiment file that we ship."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from bocage.cli.main import main
from bocage.core.arrays import IGNORE
from bocage.core.artifacts import ArtifactStore, read_json
from bocage.cubes.quality import NODATA
from bocage.cubes.store import open_cube
from bocage.datasets.read import open_dataset

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "beziers-2018.yaml"


@pytest.fixture
def bocage(samples, cache, monkeypatch, capsys):
    monkeypatch.setenv("BOCAGE_SAMPLES", str(samples))

    def run(*arguments):
        code = main([*map(str, arguments), "--json", "--quiet"])
        return code, json.loads(capsys.readouterr().out)

    return run


def artifact_of(result, stage):
    key = next(s["key"] for s in result["stages"] if s["name"] == stage)
    return ArtifactStore().find(stage, key)


def test_every_trap_of_the_real_products_is_handled(bocage, samples, tmp_path):
    code, result = bocage("build", EXPERIMENT, "--out", tmp_path / "run")
    assert code == 0
    tallies = {s["name"]: s["tally"] for s in result["stages"]}
    assert tallies["parcels"] == {"kept": 120, "dropped": {}}
    assert tallies["scenes"] == {"kept": 10, "dropped": {}}
    assert tallies["cubes"] == {"kept": 9, "dropped": {"no data": 1}}

    parcels = artifact_of(result, "parcels").record["notes"]
    assert parcels["crs"] == "EPSG:2154"  # from a .prj without an EPSG code

    folder = next(p for p in artifact_of(result, "cubes").path.iterdir() if p.is_dir())
    cube = open_cube(folder)
    record = read_json(folder / "cube.json")
    assert [name for name in record["dropped"] if "20180212" in name] == list(record["dropped"])
    b02 = next((samples / "beziers-2018" / "s2").glob("*20180707*/GRANULE/*/IMG_DATA/R10m/*B02_10m.jp2"))
    with rasterio.open(b02) as source:
        assert tuple(cube.grid.shape) == source.shape == (353, 232)
        assert cube.grid.affine == source.transform
    quality = cube.read_quality()
    for frame in (quality[:, 0], quality[:, -1], quality[:, :, 0], quality[:, :, -1]):
        assert (frame & NODATA).all()  # the frame of zeros is no data …
    assert (quality[:, 2:-2, 2:-2] & NODATA).mean() < 0.01  # … and only the frame

    with rasterio.open(artifact_of(result, "labels").path / folder.name / "labels.tif") as file:
        labels = file.read(1)
    assert 0.75 < np.mean(labels == IGNORE) < 0.85  # partial coverage: land without a parcel is unknown
    dataset = open_dataset(tmp_path / "run" / "dataset")
    assert dataset.info.class_names == ("background", "vineyard", "wheat", "grassland", "fallow_or_unmaintained")
    assert dataset.info.n_dates == 1
    assert min(dataset.pixels_by_class().values()) > 0


def test_one_option_makes_it_a_time_series(bocage, tmp_path):
    code, _ = bocage("build", EXPERIMENT, "--out", tmp_path / "run", "--set", "patches.dates=series")
    assert code == 0
    dataset = open_dataset(tmp_path / "run" / "dataset")
    assert dataset.info.n_dates == 9
    assert dataset.read(dataset.sample_ids[0]).image.shape == (9, 10, 64, 64)


def test_under_eurocrops_10_most_of_vineyard_country_is_background(bocage, tmp_path):
    code, result = bocage(
        *("build", EXPERIMENT, "--out", tmp_path / "run"),
        *("--set", "taxonomy.file=null", "--set", "taxonomy.name=eurocrops-10"),
    )
    assert code == 0
    audit = read_json(artifact_of(result, "taxonomy").path / "audit.json")
    assert {k: audit[k] for k in ("n_parcels", "n_mapped", "n_ambiguous", "n_background", "n_unmapped")} == {
        "n_parcels": 120,
        "n_mapped": 29,
        "n_ambiguous": 1,
        "n_background": 90,
        "n_unmapped": 0,
    }
    assert {k: v["n"] for k, v in audit["by_class"].items() if v["n"]} == {"background": 90, "wheat": 20, "pasture": 9}


def test_a_patch_of_256_does_not_fit(bocage, tmp_path):
    code, result = bocage("build", EXPERIMENT, "--out", tmp_path / "run", "--set", "patches.size_px=256")
    assert code == 4
    assert "larger than the image" in result["error"]["message"]
    assert "353 rows x 232 columns" in result["error"]["message"]


@pytest.mark.slow
def test_the_whole_experiment_and_then_no_work(bocage, tmp_path):
    code, first = bocage("run", EXPERIMENT, "--out", tmp_path / "run", "--set", "training.epochs=2")
    assert code == 0
    code, second = bocage("run", EXPERIMENT, "--out", tmp_path / "run", "--set", "training.epochs=2")
    assert code == 0
    assert all(s["cached"] for s in second["stages"])
    assert second["metrics"] == first["metrics"]
    assert set(first["metrics"]["models"]) == {"unet", "forest", "forest-context"}
    page = (tmp_path / "run" / "report.html").read_text()
    for words in ("20180212", "no data", "EPSG:2154", "partial"):
        assert words in page

"""Disks that fill up or may not be written, products that vanish, bytes that rot: a clear error, and a store that is
whole, from which the same command goes on."""

import json
import os
import shutil
import subprocess
import threading
import time

import geopandas as gpd
import numpy as np
import pytest
import shapely

from bocage.core.artifacts import ArtifactStore
from bocage.core.errors import MissingFile
from bocage.core.grid import make_grid
from bocage.datasets.read import open_dataset
from bocage.labels.options import LabelOptions
from bocage.labels.store import build_labels, open_labels


@pytest.fixture
def small_disk(tmp_path):
    """`mount(options)` gives a disk of its own at tmp_path/disk, or changes it."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        again = "remount," if os.path.ismount(folder) else ""
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", again + options, "tmpfs", folder], check=False)
        if done.returncode:
            pytest.skip("only root may mount a small disk")
        return folder

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.slow
def test_a_full_disk_ends_with_one_error_and_more_room_lets_the_build_go_on(
    bocage, experiment_file, small_disk, tmp_path, monkeypatch
):
    file, failed = experiment_file(models=[]), []
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / "roomy"))
    assert bocage("build", file, "--out", tmp_path / "whole")[0] == 0

    monkeypatch.setenv("BOCAGE_CACHE", str(small_disk("size=16k") / "cache"))
    size_kb, code = 16, 3
    while code:
        code, result = bocage("build", file, "--out", tmp_path / "run")
        if code:
            assert code == 3, result
            assert "the disk is full" in result["error"]["message"]
            assert ArtifactStore().verify() == []
            failed.append((tmp_path / "run" / "events.jsonl").read_text().splitlines()[-1])
            size_kb = int(size_kb * 1.5)
            small_disk(f"size={size_kb}k")
    stages = {json.loads(line).get("stage") for line in failed}
    assert {"taxonomy", "cubes", "datasets"} <= stages
    assert ArtifactStore().verify() == []
    dataset = open_dataset(tmp_path / "run" / "dataset")
    assert dataset.info.digest == open_dataset(tmp_path / "whole" / "dataset").info.digest
    assert dataset.verify() == []


def test_label_rasters_are_whole_or_not_there_on_a_full_disk(small_disk):
    folder, generator = small_disk("size=600k"), np.random.default_rng(0)
    square = gpd.GeoDataFrame(
        {"number": range(1, 401), "class_id": generator.integers(1, 9, 400)},
        geometry=[shapely.Point(*xy).buffer(90) for xy in generator.uniform(0, 8000, (400, 2))],
        crs="EPSG:32631",
    )
    grid = make_grid("EPSG:32631", 0, 8000, 10, (800, 800))
    (folder / "filler").write_bytes(bytes(580 << 10))
    with pytest.raises(OSError, match="No space left"):
        build_labels(square, grid, LabelOptions(), coverage="complete", folder=folder / "labels")
    with pytest.raises(MissingFile):
        open_labels(folder / "labels")


def test_a_read_only_store_says_so(bocage, experiment_file, small_disk, tmp_path, monkeypatch):
    monkeypatch.setenv("BOCAGE_CACHE", str(small_disk("size=8m") / "cache"))
    small_disk("ro")
    code, result = bocage("build", experiment_file(), "--out", tmp_path / "run")
    assert (code, result["error"]["type"]) == (3, "CannotWrite")
    assert "read-only" in result["error"]["message"]


def test_a_run_folder_that_may_not_be_written_says_so(bocage, experiment_file, cache, small_disk):
    small_disk("size=8m")
    code, result = bocage("build", experiment_file(), "--out", small_disk("ro") / "run")
    assert (code, result["error"]["type"]) == (3, "CannotWrite")


def test_a_product_that_vanishes_while_cubes_are_built(bocage, experiment_file, country, tmp_path, monkeypatch):
    products = tmp_path / "products"
    shutil.copytree(country.safe_folder, products)
    file = experiment_file(models=[], scenes={"catalog": "local_safe", "path": str(products)})
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / "whole-cache"))
    assert bocage("build", file, "--out", tmp_path / "whole")[0] == 0

    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / "cache"))
    last = sorted(products.glob("*.SAFE"), key=lambda p: p.name.split("_")[2])[-1]

    def take_away():
        while not list((tmp_path / "cache").glob("cube/.*/building.json")):
            time.sleep(0.001)
        last.rename(tmp_path / last.name)

    thief = threading.Thread(target=take_away, daemon=True)
    thief.start()
    code, result = bocage("build", file, "--out", tmp_path / "run")
    thief.join()
    assert code == 3
    assert last.name in result["error"]["message"]
    assert ArtifactStore().verify() == []
    assert not list((tmp_path / "cache").glob("cubes/*/artifact.json"))

    (tmp_path / last.name).rename(last)
    code, result = bocage("build", file, "--out", tmp_path / "run")
    assert code == 0
    digests = [open_dataset(tmp_path / name / "dataset").info.digest for name in ("run", "whole")]
    assert digests[0] == digests[1]


def test_bytes_that_rot_in_the_store_are_found_and_made_again(bocage, experiment_file, cache, tmp_path):
    file = experiment_file(models=[])
    assert bocage("build", file, "--out", tmp_path / "run")[0] == 0
    assert bocage("cache", "verify") == (0, {"ok": True, "problems": []})
    (victim,) = cache.glob("taxonomy/*/parcels.parquet")
    data = bytearray(victim.read_bytes())
    data[100] ^= 1
    victim.write_bytes(data)
    code, found = bocage("cache", "verify")
    assert code == 3
    assert found["problems"] == [f"taxonomy/{victim.parent.name}/parcels.parquet: not the bytes that were written"]
    assert bocage("cache", "verify", "--drop")[0] == 0
    code, again = bocage("build", file, "--out", tmp_path / "run")
    assert code == 0
    assert [s["name"] for s in again["stages"] if not s["cached"]] == ["taxonomy"]
    assert bocage("cache", "verify")[0] == 0

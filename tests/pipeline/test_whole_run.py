"""The whole flow on a tiny invented country, through the command line in this process."""

import json

import numpy as np
import rasterio

from bocage.datasets.read import open_dataset
from bocage.splits.store import read_split

STAGES = [
    *("parcels", "taxonomy", "scenes", "cubes", "labels", "patches", "datasets", "splits"),
    *("train/unet", "train/forest", "evaluation", "mapping", "reports"),
]


def cached(result):
    return {s["name"]: s["cached"] for s in result["stages"]}


def test_the_whole_flow_and_what_a_second_run_and_a_changed_option_redo(bocage, experiment_file, cache, tmp_path):
    out = tmp_path / "run"
    code, first = bocage("run", experiment_file(), "--out", out)
    assert code == 0
    assert [s["name"] for s in first["stages"]] == STAGES
    assert not any(cached(first).values())

    # what the run folder promises
    for name in ("experiment.yaml", "manifest.json", "events.jsonl", "split.parquet", "evaluation.json", "report.html"):
        assert (out / name).is_file(), name
    dataset, split = open_dataset(out / "dataset"), read_split(out / "split.parquet")
    assert dataset.verify() == []
    assert set(split.table["sample_id"]) == set(dataset.sample_ids)
    assert {p.name for p in (out / "checkpoint").iterdir()} == {"unet", "forest"}
    with rasterio.open(next((out / "map").rglob("class_map.tif"))) as class_map:
        assert class_map.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert set(np.unique(class_map.read(1))) <= {*range(11), 255}
    evaluation = json.loads((out / "evaluation.json").read_text())
    assert list(evaluation["models"]) == ["unet", "forest"]
    assert evaluation["baselines"]["random_parcel_class"]["protocols"]["all_pixels"]["miou_foreground"] > 0
    assert first["metrics"]["models"]["forest"]["miou"] > first["metrics"]["baselines"]["majority"]["miou"]
    page = (out / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert 'src="http' not in page

    # the same again: no work
    code, second = bocage("run", experiment_file(), "--out", out)
    assert code == 0
    assert all(cached(second).values())
    assert second["metrics"] == first["metrics"]

    # a training option: the training that it concerns and what follows, nothing else
    code, third = bocage("run", experiment_file(), "--out", out, "--set", "training.epochs=2")
    assert code == 0
    redone = [name for name, was_cached in cached(third).items() if not was_cached]
    assert redone == ["train/unet", "evaluation", "mapping", "reports"]

    # one stage and what it needs
    code, built = bocage("build", experiment_file(), "--out", tmp_path / "built")
    assert code == 0
    assert [s["name"] for s in built["stages"]] == STAGES[:7]
    code, status = bocage("status", out)
    assert code == 0
    assert {s["name"]: s["state"] for s in status["stages"]}["datasets"] == "cached"


def test_two_runs_with_one_seed_agree_and_another_seed_does_not(bocage, experiment_file, tmp_path, monkeypatch):
    results = []
    for i, seed in enumerate((1, 1, 2)):
        monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / f"cache{i}"))
        code, result = bocage("evaluate", experiment_file(seed=seed), "--out", tmp_path / f"run{i}")
        assert code == 0
        digest = open_dataset(tmp_path / f"run{i}" / "dataset").info.digest
        results.append((digest, result["metrics"]))
    assert results[0] == results[1]
    assert results[2][0] == results[0][0]  # the data do not depend on the seed …
    assert results[2][1] != results[0][1]  # … the split and the models do


def test_single_dates_make_one_sample_a_date_and_window(bocage, experiment_file, cache, tmp_path):
    code, _ = bocage("build", experiment_file(patches={"size_px": 32, "dates": "single"}), "--out", tmp_path / "run")
    assert code == 0
    dataset = open_dataset(tmp_path / "run" / "dataset")
    sample = dataset.read(dataset.sample_ids[0])
    assert sample.image.shape[0] == 1
    assert len({s.rsplit("-", 1)[0] for s in dataset.sample_ids}) < len(dataset)


def test_a_checkpoint_serves_by_itself(bocage, experiment_file, country, cache, tmp_path):
    out = tmp_path / "run"
    code, result = bocage("evaluate", experiment_file(), "--out", out)
    assert code == 0
    checkpoint = out / "checkpoint" / "forest"
    code, alone = bocage(
        *("evaluate", "--checkpoint", checkpoint, "--dataset", out / "dataset", "--split", out / "split.parquet"),
        *("--out", tmp_path / "alone"),
    )
    assert code == 0
    audit, doubts = (json.loads((folder / "split_audit.json").read_text()) for folder in (out, tmp_path / "alone"))
    assert doubts["warnings"][:-1] == audit["warnings"]
    assert "does not say which ground it was trained on" in doubts["warnings"][-1]
    assert "does not say which ground it was trained on" in (tmp_path / "alone" / "report.html").read_text()
    assert (
        alone["evaluation"]["models"]["forest"]["protocols"]["all_pixels"]["miou"]
        == result["metrics"]["models"]["forest"]["miou"]
    )
    code, made = bocage(
        *("map", "--checkpoint", checkpoint, "--catalog", "local_safe", "--path", country.safe_folder),
        *("--season", f"{country.year}-05-01/{country.year}-08-01", "--out", tmp_path / "map"),
    )
    assert code == 0
    assert rasterio.open(made["class_map"]).shape == (288, 288)

"""`bocage shift` on products of an invented country: sound ones, some whose offset is denied, and level 1C."""

import re
import shutil

import pytest

from bocage.datasets.read import open_dataset
from bocage.models.checkpoint import read_record


@pytest.fixture
def without_offset(country, tmp_path):
    """Products whose metadata say that nothing is to be added: read as reflectance, they are 0.1 too bright."""
    folder = tmp_path / "without-offset"
    shutil.copytree(country.safe_folder, folder)
    for path in sorted(folder.glob("*.SAFE/MTD_MSIL2A.xml")):
        text = path.read_text()
        if "ADD_OFFSET" not in text:
            shutil.rmtree(path.parent)  # a product of the time before the offset
            continue
        path.write_text(re.sub(r"(<BOA_ADD_OFFSET [^>]*>)-1000<", r"\g<1>0<", text))
        (path.parent / "manifest.safe").unlink()  # its checksums are those of the sound metadata
    assert any(folder.iterdir())
    return folder


@pytest.fixture
def swapped(country, tmp_path):
    """Products whose blue and near-infrared files have each other's names."""
    folder = tmp_path / "swapped"
    shutil.copytree(country.safe_folder, folder)
    for blue in sorted(folder.rglob("R10m/*_B02_10m.jp2")):
        infrared, aside = blue.with_name(blue.name.replace("B02", "B08")), blue.with_suffix(".aside")
        blue.rename(aside)
        infrared.rename(blue)
        aside.rename(infrared)
    for manifest in folder.glob("*.SAFE/manifest.safe"):
        manifest.unlink()
    return folder


def test_faults_of_the_data_are_named(bocage, experiment_file, country, cache, tmp_path, without_offset, swapped):
    forest = [{"name": "forest", "kind": "random_forest", "options": {"n_trees": 3}}]
    dates = {"size_px": 32, "dates": "single"}
    out = tmp_path / "run"
    code, _ = bocage("train", experiment_file(models=forest, patches=dates), "--out", out)
    assert code == 0
    checkpoint = out / "checkpoint" / "forest"

    def findings(name, **scenes):
        catalog = {"catalog": "local_safe"} | scenes
        changes = {"models": forest, "patches": dates, "scenes": catalog, "cubes": {"dark_check": "off"}}
        code, _ = bocage("build", experiment_file(name, **changes), "--out", tmp_path / name)
        assert code == 0
        code, result = bocage("shift", tmp_path / name / "dataset", "--against", checkpoint)
        assert code == 0
        return {f["kind"]: f["cause"] for f in result["findings"]}

    assert findings("sound", path=str(country.safe_folder)) == {}
    assert findings("bright", path=str(without_offset)) == {"radiometry": "the radiometric offset of 0.1 was left in"}
    assert findings("swapped", path=str(swapped))["radiometry"].startswith("bands in another order")
    raw = findings("raw", path=str(country.l1c_folder), level="L1C")
    assert raw["level"] == "The data are level L1C, the training data level L2A."
    assert raw["radiometry"] == "level 1C instead of 2A: the atmosphere is still in it"

    # no statistic of a foreign set enters the model: the checkpoint knows its own training part only
    record = read_record(checkpoint)
    assert record.training["seen"]["bands"] == list(open_dataset(out / "dataset").info.bands)
    assert record.training["dataset_digest"] == open_dataset(out / "dataset").info.digest

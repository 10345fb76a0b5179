"""Bad input ends with a short error that says what to do, the promised exit code, and nothing that is trusted later."""

import json
import shutil

import geopandas as gpd
import pytest

from bocage.cli.main import main
from bocage.core.artifacts import ArtifactStore


@pytest.fixture
def fail(capsys, cache):
    """Run one command line that must fail: returns the exit code, the kind of error and the message."""

    def run(*arguments):
        code = main([*map(str, arguments), "--json"])
        printed = capsys.readouterr()
        error = json.loads(printed.out)["error"]
        assert "Traceback" not in printed.err
        assert len(error["message"].splitlines()) <= 8
        return code, error["type"], error["message"]

    return run


@pytest.fixture
def products(country, tmp_path):
    """A copy of the products, to damage."""
    shutil.copytree(country.safe_folder, tmp_path / "s2")
    return tmp_path / "s2"


def scenes_in(folder):
    return {"catalog": "local_safe", "path": str(folder)}


def test_a_missing_band_is_named(fail, experiment_file, products, tmp_path):
    for file in products.rglob("*_B11_*"):
        file.unlink()
    code, kind, message = fail("build", experiment_file(scenes=scenes_in(products)), "--out", tmp_path / "run")
    assert (code, kind) == (3, "MissingBand")
    assert "B11" in message
    assert "B12" in message  # what the product has


def test_every_cut_file_is_named_and_nothing_is_kept(fail, experiment_file, products, cache, tmp_path):
    cut = [next(products.rglob("*_B02_10m.jp2")), next(products.rglob("*_B08_10m.jp2"))]
    for file in cut:
        file.write_bytes(file.read_bytes()[: int(file.stat().st_size * 0.6)])
    code, kind, message = fail("build", experiment_file(scenes=scenes_in(products)), "--out", tmp_path / "run")
    assert (code, kind) == (3, "CorruptFile")
    assert all(file.name in message for file in cut)
    assert not list((cache / "cubes").glob("[!.]*"))


def test_a_product_that_is_a_file_is_no_product(fail, experiment_file, products, tmp_path):
    product = next(products.glob("*.SAFE"))
    file = tmp_path / "file.SAFE"
    file.write_text("not a folder")
    code, kind, message = fail("build", experiment_file(scenes=scenes_in(file)), "--out", tmp_path / "run")
    assert (code, kind) == (3, "MissingFile")
    assert "folder" in message
    assert product.is_dir()


def test_an_empty_parcel_file(fail, experiment_file, country, tmp_path):
    frame = gpd.read_file(country.eurocrops_path)
    frame.iloc[:0].to_file(tmp_path / "empty.gpkg")
    parcels = {"kind": "eurocrops", "path": str(tmp_path / "empty.gpkg"), "year": 2021}
    code, kind, message = fail("build", experiment_file(parcels=parcels), "--out", tmp_path / "run")
    assert (code, kind) == (4, "NothingLeft")
    assert "empty.gpkg" in message


def test_parcels_elsewhere_on_the_globe(fail, experiment_file, country, tmp_path):
    frame = gpd.read_file(country.eurocrops_path)
    frame.translate(xoff=500_000).set_crs(frame.crs)
    frame["geometry"] = frame.translate(xoff=500_000)
    frame.to_file(tmp_path / "far.gpkg")
    parcels = {"kind": "eurocrops", "path": str(tmp_path / "far.gpkg"), "year": 2021}
    code, kind, message = fail("build", experiment_file(parcels=parcels), "--out", tmp_path / "run")
    assert (code, kind) == (4, "NothingLeft")
    assert message.count("longitude") == 2  # of the parcels and of the image


def test_a_patch_larger_than_the_image(fail, experiment_file, tmp_path):
    code, kind, message = fail("build", experiment_file(patches={"size_px": 512}), "--out", tmp_path / "run")
    assert (code, kind) == (4, "PatchLargerThanImage")
    assert "288" in message
    assert "larger than the image" in message


@pytest.mark.parametrize(
    ("override", "kind", "words"),
    [
        ("patches.sise_px=32", "UnknownKey", "size_px"),
        ("patches.filters.target_classes=[whaet]", "UnknownName", "wheat"),
        ("taxonomy.name=eurocrops-11", "UnknownName", "eurocrops-10"),
        ("parcels.kind=eurocrop", "UnknownName", "eurocrops"),
        ("scenes.catalog=local_saf", "UnknownName", "local_safe"),
        ("splits.strategy=block", "ConfigError", "blocks"),
    ],
)
def test_a_name_that_does_not_exist(fail, experiment_file, tmp_path, override, kind, words):
    code, found, message = fail("build", experiment_file(), "--out", tmp_path / "run", "--set", override)
    assert (code, found) == (2, kind)
    assert words in message


def test_the_wrong_place_and_season(fail, experiment_file, country, tmp_path):
    empty = {**scenes_in(country.safe_folder), "season": ["1999-01-01", "1999-12-31"]}
    code, kind, message = fail("build", experiment_file(scenes=empty), "--out", tmp_path / "run")
    assert (code, kind) == (4, "NothingLeft")
    assert "1999" in message
    far = {"kind": "bbox", "bbox": [-60, -30, -59, -29]}
    code, kind, message = fail("build", experiment_file(regions=far), "--out", tmp_path / "run")
    assert (code, kind) == (4, "NothingLeft")


def test_what_failed_is_made_again_once_it_is_mended(fail, experiment_file, products, country, cache, tmp_path):
    band = next(products.rglob("*_B04_10m.jp2"))
    whole = band.read_bytes()
    band.write_bytes(whole[:1000])
    file = experiment_file(scenes=scenes_in(products))
    assert fail("build", file, "--out", tmp_path / "run")[0] == 3
    band.write_bytes(whole)
    assert main(["build", str(file), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    assert {row["stage"] for row in ArtifactStore().info()} >= {"cubes", "datasets"}

"""What `bocage map` refuses, by exit code and words: a checkpoint of other data, a place without imagery, a slip."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from shapely.geometry import box

from bocage.cli.main import main
from bocage.core.artifacts import write_json
from bocage.cubes.options import CubeOptions
from bocage.models.checkpoint import FOREST_FILE, ModelRecord, save_forest, write_record
from bocage.models.options import ForestOptions
from bocage.models.zoo import MODELS
from bocage.pipeline.stages import describe_preprocessing
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import write_country

BANDS = ("B04", "B08")
CLASSES = ("background", "wheat")
COLORS = ("#000000", "#ffcc00")
CONFIG, SOURCE, DATA = 2, 3, 4  # exit codes


class Place(NamedTuple):
    safe: Path
    year: int
    checkpoint: Path
    cube: Path
    parcels: Path

    @property
    def season(self) -> str:
        return f"{self.year}-05-01/{self.year}-08-01"

    @property
    def catalog(self) -> tuple[object, ...]:
        return ("--catalog", self.safe)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    folder = tmp_path_factory.mktemp("map")
    country = write_country(folder / "country", SyntheticOptions(seed=3, size_px=192, dates=("05-26",)))
    checkpoint = save_checkpoint(folder / "forest")
    parcels = folder / "parcels.parquet"
    read = ["parcels", "read", str(country.eurocrops_path), "--source", "eurocrops", "--year", str(country.year)]
    assert main([*read, "--out", str(parcels), "--quiet"]) == 0
    made = Place(country.safe_folder, country.year, checkpoint, Path(), parcels)
    line = ("map", "--checkpoint", checkpoint, *made.catalog, "--season", made.season, "--parcels", parcels)
    assert main([*map(str, line), "--out", str(folder / "map"), "--quiet"]) == 0
    (cube,) = (folder / "map").glob("*/cube")
    return made._replace(cube=cube)


def save_checkpoint(folder: Path, *, bands: tuple[str, ...] = BANDS, **changed: object) -> Path:
    """A forest of three trees on noise; `changed` replaces entries of what it says about its training data."""
    folder.mkdir()
    options, rng = ForestOptions(n_trees=3), np.random.default_rng(0)
    forest = MODELS["random_forest"].build(options, 0, 1)
    forest.fit(rng.random((40, len(bands)), dtype=np.float32), np.repeat([0, 1], 20).astype(np.uint8))
    save_forest(forest, folder / FOREST_FILE)
    record = ModelRecord(
        name="forest",
        kind="random_forest",
        options=options.model_dump(mode="json"),
        classes=tuple(
            {"id": i, "name": name, "color": color, "title": name.title()}
            for i, (name, color) in enumerate(zip(CLASSES, COLORS, strict=True))
        ),
        bands=bands,
        n_dates=1,
        preprocessing=describe_preprocessing(CubeOptions(bands=bands), "L2A") | changed,
        statistics=None,
        n_parameters=None,
        training={},
    )
    write_record(folder, record)
    return folder


def refuse(capsys: pytest.CaptureFixture[str], out: Path, *arguments: object) -> tuple[int, str]:
    """Exit code and words of a command that must fail without a traceback and without a map."""
    capsys.readouterr()
    code = main(["map", *map(str, arguments), "--out", str(out), "--quiet"])
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert not list(out.rglob("class_map.tif"))
    return code, " ".join(said.split())


def test_a_place_is_mapped(place):
    (folder,) = (path.parent for path in place.cube.parent.glob("class_map.tif"))
    with rasterio.open(folder / "class_map.tif") as raster:
        assert raster.shape == (192, 192)
    assert json.loads((folder / "map.json").read_text())["tally"]["kept"] > 0


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"bands": ("B02", "B08")}, "bands: trained on B02, B08, mapping B04, B08"),
        ({"level": "L1C"}, "level: trained on L1C, mapping L2A"),
        ({"composite": "period_median"}, "composite: trained on period_median, mapping none"),
        ({"offset": "none"}, "offset: trained on none, mapping each product's own, added"),
    ],
)
def test_a_cube_made_otherwise_than_the_training_data_is_refused_with_the_difference(
    capsys, tmp_path, place, changed, difference
):
    other = save_checkpoint(tmp_path / "other", **changed)
    code, said = refuse(capsys, tmp_path / "map", "--checkpoint", other, "--cube", place.cube)
    assert (code, difference in said) == (DATA, True), said


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"level": "L1C"}, "L1C"),
        ({"composite": "period_median"}, "periods and composite: period_… belong together"),
        ({"offset": "none"}, "offset: trained on none, mapping each product's own, added"),
    ],
)
def test_a_checkpoint_whose_preparation_cannot_be_repeated_is_refused(capsys, tmp_path, place, changed, words):
    other = save_checkpoint(tmp_path / "other", **changed)
    line = ("--checkpoint", other, *place.catalog, "--season", place.season)
    code, said = refuse(capsys, tmp_path / "map", *line)
    assert (code, words in said) == (DATA, True), said


def test_a_cube_of_another_version_is_refused(capsys, tmp_path, place):
    old = shutil.copytree(place.cube, tmp_path / "old")
    record = json.loads((old / "cube.json").read_text())
    write_json(old / "cube.json", {**record, "options": {**record["options"], "sharpen": True}})
    code, said = refuse(capsys, tmp_path / "map", "--checkpoint", place.checkpoint, "--cube", old)
    assert (code, "sharpen Extra inputs are not permitted" in said) == (SOURCE, True), said


def test_a_place_without_imagery_is_refused(capsys, tmp_path, place):
    line = ("--checkpoint", place.checkpoint, *place.catalog)
    code, said = refuse(capsys, tmp_path / "a", *line, "--season", place.season, "--region", "-60,-10,-59,-9")
    assert (code, "-60" in said) == (DATA, True), said
    code, said = refuse(capsys, tmp_path / "b", *line, "--season", "1999-05-01/1999-08-01")
    assert (code, "1999" in said) == (DATA, True), said
    code, said = refuse(capsys, tmp_path / "c", *line, "--season", place.season, "--region", "3,44,3,44")
    assert (code, "3,44,3,44" in said or "empty" in said) == (CONFIG, True), said


def test_parcels_and_regions_elsewhere_are_refused(capsys, tmp_path, place):
    parcels = gpd.read_parquet(place.parcels)
    parcels.geometry = parcels.geometry.to_crs("EPSG:4326").translate(90).to_numpy()
    away = tmp_path / "away.parquet"
    parcels.set_crs("EPSG:4326", allow_override=True).to_parquet(away)
    line = ("--checkpoint", place.checkpoint, "--cube", place.cube)
    code, said = refuse(capsys, tmp_path / "map", *line, "--parcels", away)
    assert (code, "parcels lies on the map" in said) == (DATA, True), said
    regions = tmp_path / "regions.gpkg"
    gpd.GeoDataFrame({"nuts": ["X"]}, geometry=[box(-60, -10, -59, -9)], crs="EPSG:4326").to_file(regions)
    code, said = refuse(capsys, tmp_path / "map", *line, "--areas", regions)
    assert (code, "None of the 1 regions" in said) == (DATA, True), said
    code, said = refuse(capsys, tmp_path / "map", *line, "--areas", regions, "--areas-name", "nut")
    assert (code, "no column 'nut'" in said) == (CONFIG, True), said


def test_slips_are_refused(capsys, tmp_path, place):
    code, said = refuse(capsys, tmp_path / "a", "--chekpoint", place.checkpoint, "--cube", place.cube)
    assert (code, "--checkpoint" in said) == (CONFIG, True), said
    code, said = refuse(capsys, tmp_path / "b", "--checkpoint", place.checkpoint)
    assert (code, "--cube" in said) == (CONFIG, True), said
    code, said = refuse(capsys, tmp_path / "h", "--checkpoint", place.checkpoint, "--catalog", "earth_search")
    assert (code, "is the whole world: give --region" in said) == (CONFIG, True), said
    code, said = refuse(capsys, tmp_path / "c", "--checkpoint", tmp_path, "--cube", place.cube)
    assert (code, "is not a checkpoint" in said) == (SOURCE, True), said
    code, said = refuse(capsys, tmp_path / "d", "--checkpoint", place.checkpoint, "--cube", tmp_path)
    assert (code, "holds no finished cube" in said) == (SOURCE, True), said
    write_json(place.checkpoint.parent / "slip.yaml", {"name": "slip", "mapping": {"windw_px": 64}})
    code, said = refuse(capsys, tmp_path / "e", place.checkpoint.parent / "slip.yaml")
    assert (code, "window_px" in said) == (CONFIG, True), said

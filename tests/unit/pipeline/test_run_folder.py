"""A run keeps to its own folder, notices every file it reads, and says where it stands."""

import json
import os

import geopandas as gpd
import pytest
from shapely import box

from bocage.core.artifacts import ArtifactStore
from bocage.core.errors import ConfigError
from bocage.experiment.load import dump_experiment
from bocage.experiment.schema import Experiment
from bocage.pipeline.demo import prepare_demo
from bocage.pipeline.inputs import name_files, parcel_parts
from bocage.pipeline.places import describe_regions, draw_regions
from bocage.pipeline.run import REPLACED, check_out, run_stages
from bocage.pipeline.stages import plan_stages
from bocage.pipeline.status import read_status
from bocage.regions.record import Region

EXPERIMENT = {"name": "test", "parcels": {"path": "p.shp"}, "scenes": {"path": "s2"}}


@pytest.mark.parametrize("name", ["dataset/mine.txt", "map/mine.txt", "checkpoint/mine.txt", "figures/mine.png"])
def test_a_folder_of_somebody_else_s_is_not_replaced(tmp_path, name):
    mine = tmp_path / "mine" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    experiment = Experiment(**EXPERIMENT)
    with pytest.raises(ConfigError, match=rf"{mine.parent.name}/, which a run would replace. Name another folder"):
        run_stages([], experiment, out=tmp_path / "mine", store=ArtifactStore(tmp_path / "store"), workers=1)
    assert mine.read_text() == "precious"
    assert sorted(p.name for p in (tmp_path / "mine").iterdir()) == [mine.parent.name]


def test_nor_is_the_experiment_file_itself(tmp_path):
    experiment, file = Experiment(**EXPERIMENT), tmp_path / "experiment.yaml"
    file.write_text("# my notes\nname: test\n")
    with pytest.raises(ConfigError, match=r"experiment\.yaml, which a run would replace"):
        check_out(tmp_path, experiment, REPLACED)
    file.write_text(dump_experiment(experiment))  # what a run writes itself
    check_out(tmp_path, experiment, REPLACED)


def test_a_run_goes_on_in_its_folder(tmp_path):
    experiment, store = Experiment(**EXPERIMENT), ArtifactStore(tmp_path / "store")
    run_stages([], experiment, out=tmp_path / "run", store=store, workers=1)
    (tmp_path / "run" / "dataset").mkdir()
    run_stages([], experiment.model_copy(update={"seed": 2}), out=tmp_path / "run", store=store, workers=1)


def test_status_of_a_stage_that_an_earlier_start_still_runs(tmp_path):
    events = [
        {"event": "run started", "stages": ["parcels", "labels"], "time": "1"},
        {"event": "run started", "stages": ["parcels"], "time": "2"},
        {"event": "stage started", "stage": "labels", "time": "3"},
    ]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    states = {s["name"]: s["state"] for s in read_status(tmp_path)["stages"]}
    assert states == {"parcels": "waiting", "labels": "started"}


@pytest.mark.parametrize(
    ("section", "stage"),
    [({"regions": {"kind": "file", "path": "{file}"}}, "scenes"), ({"mapping": {"areas_path": "{file}"}}, "mapping")],
)
def test_every_part_of_a_shapefile_decides_the_key(tmp_path, section, stage):
    for ending in (".shp", ".dbf", ".prj"):
        (tmp_path / f"nuts{ending}").write_text("x")
    (tmp_path / "s2").mkdir()
    file = str(tmp_path / "nuts.shp")
    filled = {room: {k: v.replace("{file}", file) for k, v in options.items()} for room, options in section.items()}
    models = [{"name": "forest", "kind": "random_forest"}]
    scenes = {"catalog": "local_safe", "path": str(tmp_path / "s2")}
    experiment = Experiment(**{**EXPERIMENT, "scenes": scenes, "models": models, **filled})
    (own,) = (s for s in plan_stages(experiment) if s.name == stage)
    before = own.external(experiment)
    os.utime(tmp_path / "nuts.prj", (1, 1))  # the same lines, now in another place
    assert own.external(experiment) != before


def test_brackets_in_a_name_are_no_pattern(tmp_path):
    for name in ("fields[1].shp", "fields[1].dbf", "fields1.dbf"):
        (tmp_path / name).write_text("x")
    assert [p.name for p in parcel_parts(tmp_path / "fields[1].shp")] == ["fields[1].dbf", "fields[1].shp"]


def test_the_lock_names_every_part_of_the_regions(tmp_path):
    for name in ("r.shp", "r.prj"):
        (tmp_path / name).write_text("x")
    experiment = Experiment(**{**EXPERIMENT, "regions": {"kind": "file", "path": str(tmp_path / "r.shp")}})
    assert [p.name for p in name_files(experiment)["regions"]] == ["r.prj", "r.shp"]


def test_a_demonstration_does_not_replace_your_experiment(tmp_path):
    (tmp_path / "experiment.yaml").write_text("name: mine\n")
    with pytest.raises(ConfigError, match="is of no demonstration"):
        prepare_demo(tmp_path, seed=1, size_px=384, template="demo", say=print)
    assert (tmp_path / "experiment.yaml").read_text() == "name: mine\n"


def test_regions_are_drawn_whole(tmp_path):
    parcels = gpd.GeoDataFrame({"class_id": [1]}, geometry=[box(3, 44, 3.01, 44.01)], crs="EPSG:4326")
    draw_regions(parcels, [Region("west", box(3, 44, 3.1, 44.1))], tmp_path / "new" / "regions.png")
    assert (tmp_path / "new" / "regions.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_the_name_of_a_picture_is_checked_before_anything_is_made(tmp_path):
    with pytest.raises(ConfigError, match=r"Let the name end in \.png"):
        describe_regions(
            Experiment(**EXPERIMENT),
            picture=tmp_path / "regions.tif",
            out=tmp_path / "run",
            store=ArtifactStore(tmp_path / "store"),
            workers=1,
            say=print,
        )
    assert not (tmp_path / "run").exists()

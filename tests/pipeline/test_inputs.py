"""The lock of a data set names every file that its experiment names."""

from pathlib import Path

import yaml

from bocage.experiment.load import load_experiment
from bocage.pipeline.inputs import name_files


def test_every_file_of_an_experiment_is_named(tmp_path: Path) -> None:
    for name in ("fields.shp", "fields.dbf", "other.shp", "codes.csv", "classes.yaml", "places.gpkg", "maps/a.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    sections = {
        "parcels": {"kind": "eurocrops", "path": "fields.shp", "code_table": str(tmp_path / "codes.csv")},
        "taxonomy": {"name": None, "file": "classes.yaml"},
        "regions": {"kind": "landscapes", "path": "places.gpkg", "landcover": ["maps"]},
        "scenes": {"path": "s2"},
    }
    (tmp_path / "my.yaml").write_text(yaml.safe_dump({"name": "my", **sections}))
    found = name_files(load_experiment(tmp_path / "my.yaml"))
    assert {what: [p.relative_to(tmp_path).as_posix() for p in paths] for what, paths in found.items()} == {
        "parcels": ["fields.dbf", "fields.shp"],
        "code table": ["codes.csv"],
        "taxonomy": ["classes.yaml"],
        "regions": ["places.gpkg"],
        "landcover": ["maps/a.tif"],
    }

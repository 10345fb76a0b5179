"""What the command line promises: every command's JSON keys, on one finished run of a tiny invented country."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bocage.cli.main import main
from bocage.synthetic.options import SyntheticOptions
from bocage.synthetic.write import SyntheticCountry, write_country

SCORES = {
    *(
        "miou",
        "miou_foreground",
        "miou_present",
        "classes_absent",
        "pixel_accuracy",
        "mean_class_accuracy",
        "mean_loss",
    ),
    *("kappa", "macro_precision", "macro_recall", "macro_f1", "weighted_accuracy", "weighted_precision", "weighted_f1"),
    *("per_class", "confusion", "n_pixels", "n_blocks", "interval"),
}
SCENE = {"id", "tile", "datetime", "cloud_cover_fraction", "baseline", "offset", "offset_source", "assets"}
PARTS = {"parts", "shared_px", "shared_parcels", "min_distance_m", "class_share"}
AUDIT = {"n_parcels", "n_mapped", "n_background", "n_unmapped", "n_ambiguous", "by_class", "unmapped", "ambiguous"}


@dataclass(frozen=True)
class Place:
    """A finished run and what it was made of."""

    country: SyntheticCountry
    experiment: Path
    run: Path
    parcels: Path  # one schema
    free: Path  # a folder for what commands write

    @property
    def season(self) -> str:
        return f"{self.country.year}-01-01/{self.country.year}-12-31"

    @property
    def product(self) -> Path:
        return sorted(self.country.safe_folder.glob("*.SAFE"))[0]

    @property
    def scenes(self) -> tuple[object, ...]:
        box = "0,40,20,60"  # lon/lat: wherever the country was put in Europe
        return ("--catalog", self.country.safe_folder, "--region", box, "--season", self.season)


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code = main([*map(str, arguments), "--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("interface")
    country = write_country(
        folder / "country", SyntheticOptions(seed=3, size_px=288, dates=("05-26", "07-05"), cloud_fraction=0.02)
    )
    experiment = folder / "tiny.yaml"
    experiment.write_text(
        yaml.safe_dump(
            {
                "name": "tiny",
                "parcels": {"kind": "eurocrops", "path": str(country.eurocrops_path), "year": country.year},
                "scenes": {"catalog": "local_safe", "path": str(country.safe_folder)},
                "patches": {"size_px": 32, "dates": "series"},
                "splits": {"block_m": 640},
                "models": [{"name": "forest", "kind": "random_forest", "options": {"n_trees": 3}}],
                "training": {"pixels_per_class": 300},
                "evaluation": {"bootstrap": 100},
            }
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOCAGE_CACHE", str(folder / "cache"))
        assert main(["run", str(experiment), "--out", str(folder / "run"), "--quiet"]) == 0
        made = folder / "parcels.parquet"
        line = ["parcels", "read", str(country.eurocrops_path), "--source", "eurocrops", "--out", str(made)]
        assert main([*line, "--year", str(country.year), "--quiet"]) == 0
    (folder / "free").mkdir()
    return Place(country, experiment, folder / "run", made, folder / "free")


# a command line of a place → the keys that its JSON object has
PROMISES: dict[str, tuple[Callable[[Place], tuple[object, ...]], set[str]]] = {
    "run": (lambda p: ("run", p.experiment, "--out", p.run), {"run", "stages", "metrics", "report"}),
    "build": (lambda p: ("build", p.experiment, "--out", p.run), {"run", "stages"}),
    "train": (lambda p: ("train", p.experiment, "--out", p.run), {"run", "stages"}),
    "evaluate": (lambda p: ("evaluate", p.experiment, "--out", p.run), {"run", "stages", "metrics"}),
    "map": (lambda p: ("map", p.experiment, "--out", p.run), {"run", "stages"}),
    "matrix": (
        lambda p: (
            *("matrix", p.experiment, "--out", p.free / "matrix"),
            *("--set", "matrix={inside: here, scenarios: {here: {block_m: 640}}}"),
        ),
        {"cells", "leaderboard"},
    ),
    "report": (lambda p: ("report", p.run), {"report"}),
    "status": (lambda p: ("status", p.run), {"stages"}),
    "cache info": (lambda p: ("cache", "info"), {"artifacts", "bytes", "root"}),
    "doctor": (lambda p: ("doctor",), {"ok", "checks"}),
    "parcels sources": (lambda p: ("parcels", "sources"), {"sources"}),
    "parcels read": (
        lambda p: (
            *("parcels", "read", p.country.eurocrops_path, "--source", "eurocrops"),
            *("--year", p.country.year, "--out", p.free / "read.parquet"),
        ),
        {"n_read", "n_kept", "dropped", "crs", "area_ha"},
    ),
    "taxonomy list": (lambda p: ("taxonomy", "list"), {"taxonomies"}),
    "taxonomy show": (lambda p: ("taxonomy", "show", "eurocrops-10"), {"classes"}),
    "taxonomy audit": (lambda p: ("taxonomy", "audit", p.parcels, "--taxonomy", "eurocrops-10"), AUDIT),
    "taxonomy apply": (
        lambda p: ("taxonomy", "apply", p.parcels, "--taxonomy", "eurocrops-10", "--out", p.free / "classed.parquet"),
        AUDIT,
    ),
    "taxonomy diff": (lambda p: ("taxonomy", "diff", "eurocrops-10", "field-crops", p.parcels), {"moved"}),
    "scenes search": (lambda p: ("scenes", "search", *p.scenes), {"scenes"}),
    "scenes inspect": (lambda p: ("scenes", "inspect", p.product), SCENE),
    "scenes fetch": (lambda p: ("scenes", "fetch", *p.scenes, "--dry-run"), {"fetched", "cached", "failed", "bytes"}),
    "regions plan": (lambda p: ("regions", "plan", p.experiment), {"regions"}),
    "cube": (
        lambda p: ("cube", *p.scenes, "--bands", "B04,B08", "--out", p.free / "cube.nc"),
        {"shape", "times", "valid_fraction", "tally"},
    ),
    "dataset inspect": (
        lambda p: ("dataset", "inspect", p.run / "dataset"),
        {
            *("n_patches", "pixels_by_class", "patches_by_class", "by_country", "rejected", "bands"),
            *("patch_size_px", "store", "bytes"),
        },
    ),
    "dataset verify": (lambda p: ("dataset", "verify", p.run / "dataset"), {"ok", "problems"}),
    "objects": (
        lambda p: ("objects", p.experiment, "--out", p.free / "objects.parquet"),
        {"n_parcels", "n_dropped", "columns"},
    ),
    "split make": (
        lambda p: ("split", "make", p.run / "dataset", "--strategy", "blocks", "--out", p.free / "split.parquet"),
        PARTS,
    ),
    "split audit": (lambda p: ("split", "audit", p.run / "dataset", "--split", p.run / "split.parquet"), PARTS),
    "models list": (lambda p: ("models", "list"), {"models"}),
    "evaluate a checkpoint": (
        lambda p: (
            *("evaluate", "--checkpoint", p.run / "checkpoint" / "forest", "--dataset", p.run / "dataset"),
            *("--split", p.run / "split.parquet"),
        ),
        {"evaluation"},
    ),
    "benchmarks list": (lambda p: ("benchmarks", "list"), {"benchmarks"}),
    "map a place": (
        lambda p: (
            *("map", "--checkpoint", p.run / "checkpoint" / "forest", "--catalog", "local_safe"),
            *("--path", p.country.safe_folder, "--season", p.season, "--parcels", p.parcels, "--out", p.free / "map"),
        ),
        {"class_map", "confidence_map", "parcels", "stac_item", "mpx_per_s"},
    ),
}


@pytest.fixture
def at(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("BOCAGE_CACHE", str(place.run.parent / "cache"))
    return place


@pytest.mark.parametrize("command", PROMISES)
def test_a_command_prints_one_object_with_the_promised_keys(command, at, capsys):
    line, keys = PROMISES[command]
    code, result = call(capsys, *line(at))
    assert code == 0, result
    assert keys <= set(result), f"missing: {sorted(keys - set(result))}"


def test_entries_of_lists_have_their_keys_too(at, capsys):
    _, models = call(capsys, "models", "list")
    for model in models["models"]:
        assert {"name", "family", "input", "dates", "n_parameters", "source"} <= set(model)
    _, found = call(capsys, "scenes", "search", *at.scenes)
    assert found["scenes"]
    for scene in found["scenes"]:
        assert set(scene) >= SCENE
    _, run = call(capsys, "run", at.experiment, "--out", at.run)
    for stage in run["stages"]:
        assert {"name", "cached", "seconds", "tally"} <= set(stage)
        assert stage["tally"] is None or set(stage["tally"]) == {"kept", "dropped"}


def test_the_evaluation_file_has_what_is_promised(at):
    evaluation = json.loads((at.run / "evaluation.json").read_text())
    assert {"models", "baselines", "compare", "protocols"} <= set(evaluation)
    assert evaluation["protocols"] == evaluation["models"]["forest"]["protocols"]
    for judged in (*evaluation["models"].values(), *evaluation["baselines"].values()):
        for protocol, scores in judged["protocols"].items():
            assert set(scores) >= SCORES, (protocol, sorted(SCORES - set(scores)))
            assert {"iou", "accuracy", "precision", "recall", "f1", "support"} <= set(
                next(iter(scores["per_class"].values()))
            )
            if scores["n_blocks"] < 10:
                assert scores["interval"] is None
                assert "at least 10" in scores["interval_reason"]
            else:
                assert all({"low", "high", "level", "method"} <= set(i) for i in scores["interval"].values())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("run", "nowhere.yaml"), 3),
        (("taxonomy", "show", "eurocrops-11"), 2),
        (("parcels", "read", "nowhere.shp", "--source", "eurocrops", "--out", "x.parquet"), 3),
        (("parcels", "read", "nowhere.shp", "--source", "eurocrop", "--out", "x.parquet"), 2),
        (("scenes", "inspect", "nowhere.SAFE"), 3),
        (("dataset", "inspect", "nowhere"), 3),
        (("report", "nowhere"), 3),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, tuple) else None,
)
def test_mistakes_have_their_exit_code_and_one_object(line, code, at, capsys, monkeypatch):
    monkeypatch.chdir(at.free)
    found, result = call(capsys, *line)
    assert found == code
    assert set(result) == {"error"}

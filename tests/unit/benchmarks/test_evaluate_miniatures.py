"""The whole way on every miniature: a model that reads the painted class is right everywhere; the command says so."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bocage.benchmarks.benchmark import Entry, View, open_checked, parse_options
from bocage.benchmarks.crosswalks import target_lookup
from bocage.benchmarks.read_dacia5 import BAND_ORDER
from bocage.benchmarks.read_pastis import BANDS as PASTIS_BANDS
from bocage.benchmarks.read_zuericrop import BANDS as ZUERICROP_BANDS
from bocage.benchmarks.registry import BENCHMARKS
from bocage.benchmarks.write_zuericrop import CODES
from bocage.cli.main import main
from bocage.core.bands import BANDS, DEFAULT_BANDS
from bocage.core.options import Options
from bocage.core.sample import Sample
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.score_benchmark import FOLD_MEAN, evaluate_benchmark
from bocage.metrics.shift import summarise
from bocage.models.checkpoint import NETWORK_FILE, ModelRecord, load_predictor, save_tensors, write_record
from bocage.models.networks.initialize import initialize
from bocage.models.options import TempCnnOptions, UNet4Options
from bocage.models.wrap import BandStatistics
from bocage.models.zoo import MODELS

ALL = np.arange(256)
CASES = [  # view, order of the painted bands, painted rank → class
    ("pastis", "native", PASTIS_BANDS, ALL),
    ("pastis", "eurocrops-10", PASTIS_BANDS, target_lookup("pastis")),
    ("dacia5", "native", BAND_ORDER, ALL),
    ("dacia5", "eurocrops-10", BAND_ORDER, target_lookup("dacia5")),
    ("zuericrop", "native", ZUERICROP_BANDS, np.array([0, *CODES])),
    ("zuericrop", "eurocrops-10", ZUERICROP_BANDS, target_lookup("zuericrop")[[0, *CODES]]),
    ("sen4agrinet", "native", tuple(BANDS), ALL),
    ("sen4agrinet", "objects", tuple(f"{band}_mean" for band in BANDS), ALL),
    ("eurocrops_holdout", "eurocrops-10", DEFAULT_BANDS, ALL),
]


@pytest.mark.parametrize(("name", "view_name", "order", "lookup"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_model_that_reads_the_class_scores_one(
    miniatures: dict[str, Path], reader: type, name: str, view_name: str, order: tuple[str, ...], lookup: np.ndarray
) -> None:
    benchmark = BENCHMARKS[name]
    view = benchmark.views[view_name]
    collection = open_checked(benchmark, miniatures[name], view, parse_options(benchmark, {}))
    bands = tuple(band for band in view.bands if band in order)  # parcels have deviations as well
    model = reader(bands, view.class_names, order, lookup)
    result = evaluate_benchmark({"m": model}, collection, EvaluationOptions(bootstrap=100), seed=0)
    assert {*view.protocols} <= set(result["protocols"])
    assert (FOLD_MEAN in result["protocols"]) == bool(view.test_folds)
    for scores in result["protocols"].values():
        assert scores["pixel_accuracy"] == 1
        assert scores["miou_present"] == 1
        assert scores["n_pixels"] > 100


def save_untrained(folder: Path, training: Mapping[str, Any] | None = None) -> Path:
    """A U-Net of ten bands and the eleven classes, as training would leave it, but untrained."""
    view, options = BENCHMARKS["pastis"].views["eurocrops-10"], UNet4Options(base_channels=8, groups=4)
    return save_network(folder, "unet4_gn", options, view, 1, training)


def save_network(
    folder: Path, kind: str, options: Options, view: View, n_dates: int, training: Mapping[str, Any] | None = None
) -> Path:
    """An untrained network for the bands and classes of a view."""
    folder.mkdir()
    bands, names = view.bands, view.class_names
    network = MODELS[kind].build(options, len(bands), n_dates, len(names))
    initialize(network, 3)
    save_tensors(network.state_dict(), folder / NETWORK_FILE)
    classes = tuple({"id": i, "name": n, "color": "#000000", "title": n} for i, n in enumerate(names))
    about: dict[str, Any] = {"kind": kind, "options": options.model_dump(mode="json"), "n_parameters": None}
    about["training"] = training or {}
    about["statistics"] = BandStatistics((0.2,) * len(bands), (0.1,) * len(bands))
    record = ModelRecord(
        name="m",
        classes=classes,
        bands=bands,
        n_dates=n_dates,
        preprocessing={"level": "L2A"},
        **about,
    )
    write_record(folder, record)
    return folder


def test_evaluate_a_checkpoint_on_a_miniature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = save_untrained(tmp_path / "unet")
    arguments = ["benchmarks", "evaluate", "pastis", "--demo", "--checkpoint", str(checkpoint), "--set", "date=middle"]
    assert main([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["benchmark"], result["view"], result["n_samples"]) == ("pastis", "eurocrops-10", 10)
    assert set(result["protocols"]) == {"crop_pixels", "all_pixels", "present_classes"}
    assert {"miou", "interval", "n_blocks", "per_class"} <= set(result["protocols"]["crop_pixels"])
    assert main(["benchmarks", "evaluate", "zuericrop", "--demo", "--checkpoint", str(checkpoint)]) == 3
    assert "missing: B8A" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("name", "view_name"), [(n, v) for n, b in BENCHMARKS.items() for v in b.views])
def test_the_commands_run_on_every_view(
    miniatures: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, view_name: str
) -> None:
    benchmark = BENCHMARKS[name]
    view, copy = benchmark.views[view_name], str(miniatures[name])
    collection = benchmark.open(miniatures[name], view_name, parse_options(benchmark, {}))
    n_dates = len(collection.read(collection.entries[0]).days)
    checkpoint = save_network(tmp_path / "m", "tempcnn", TempCnnOptions(n_hidden=2, kernel_dates=1), view, n_dates)
    assert main(["benchmarks", "check", name, copy]) == 0
    assert " whole" in capsys.readouterr().out.partition("\n")[0]
    assert main(["benchmarks", "evaluate", name, copy, "--checkpoint", str(checkpoint), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["view"], result["n_samples"]) == (view_name, len(collection.entries))
    assert {*view.protocols} <= set(result["protocols"])


@pytest.mark.parametrize("name", ["pastis", "eurocrops_holdout"])
def test_external_sets_are_drawn(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint, out = save_untrained(tmp_path / "unet"), tmp_path / "out"
    assert main(["benchmarks", "evaluate", name, "--demo", "--checkpoint", str(checkpoint), "--out", str(out)]) == 0
    with np.load(out / "panels.npz", allow_pickle=False) as panels:
        n, side = panels["rgb"].shape[:2]
        assert 1 < n <= 6
        assert panels["labels"].shape == panels["prediction_model"].shape == (n, side, side)
    scores = json.loads((out / "evaluation.json").read_text())
    assert "crop_pixels" in scores["protocols"]
    assert (out / "panels.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("name", "settings"), [("pastis", {"date": "middle"}), ("eurocrops_holdout", {})])
def test_no_statistic_of_the_external_set_reaches_the_model(
    miniatures: dict[str, Path], tmp_path: Path, name: str, settings: dict[str, Any]
) -> None:
    folder = save_untrained(tmp_path / "unet")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    predictor = load_predictor(folder)
    benchmark = BENCHMARKS[name]
    view, options = benchmark.views["eurocrops-10"], parse_options(benchmark, settings)
    collection = open_checked(benchmark, miniatures[name], view, options)
    first = collection.entries[0]

    def brighten_others(entry: Entry) -> Sample:
        sample = collection.read(entry)
        return sample if entry == first else replace(sample, image=sample.image * np.float32(7))

    def count(*entries: Entry) -> np.ndarray:
        judged = replace(collection, entries=entries, read=brighten_others)
        result = evaluate_benchmark({"m": predictor}, judged, EvaluationOptions(bootstrap=100), seed=0)
        return np.array(result["protocols"]["all_pixels"]["confusion"])

    alone = count(first)  # what is said of a sample is the same whatever stands beside it, before or after
    np.testing.assert_array_equal(count(*collection.entries), alone + count(*collection.entries[1:]))
    np.testing.assert_array_equal(count(*reversed(collection.entries)), count(*collection.entries))
    assert (count(collection.entries[1]).sum(0) > 0).sum() > 1
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_shift_is_said_before_judging(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark = BENCHMARKS["pastis"]
    view, options = benchmark.views["eurocrops-10"], parse_options(benchmark, {"date": "middle"})
    collection = benchmark.open(benchmark.write_miniature(tmp_path / "p"), view.name, options)
    rng, read = np.random.default_rng(0), [collection.read(e) for e in collection.entries]
    offset = [replace(s, image=s.image + np.float32(0.1)) for s in read]
    seen = {"seen": summarise(offset, len(view.class_names), rng).to_json()}
    checkpoint = save_untrained(tmp_path / "unet", seen)
    arguments = ["benchmarks", "evaluate", "pastis", "--demo", "--checkpoint", str(checkpoint), "--set", "date=middle"]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["shift"][str(checkpoint)]
    assert any("0.1" in f["message"] for f in found if f["kind"] == "radiometry"), found


def test_list_and_check(miniatures: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmarks", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["benchmarks"]
    assert {"pastis", "dacia5", "sen4agrinet", "zuericrop"} <= {b["name"] for b in listed}
    assert all(b["where"].startswith("https://") and b["licence"] for b in listed)
    assert main(["benchmarks", "check", "dacia5", str(miniatures["dacia5"]), "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert (checked["ok"], checked["problems"], checked["samples"]["native"]["kept"]) == (True, [], 16)
    assert main(["benchmarks", "check", "dacia5", str(tmp_path), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["ok"] is False
    assert main(["benchmarks", "check", "dacia5"]) == 2
    assert "zenodo" in capsys.readouterr().err

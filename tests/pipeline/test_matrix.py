"""The matrix: cells, what they share, the leaderboard, and a kill in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bocage.core.artifacts import ArtifactStore
from bocage.core.errors import BocageError, ConfigError
from bocage.evaluation.options import EvaluationOptions
from bocage.experiment.load import load_experiment
from bocage.metrics.scores import scores
from bocage.pipeline.cells import plan_cells
from bocage.pipeline.demo import prepare_demo
from bocage.pipeline.matrix import bound_drops, list_scores, plan_runs, rank, run_matrix
from bocage.reports.leaderboard import (
    SCORE_COLUMNS,
    cost_table,
    describe_best,
    draw_scenarios,
    protocol_table,
    score_table,
)

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"

SMALL = {
    "patches.size_px": 32,
    "splits.block_m": 320,
    "matrix.scenarios.inside.block_m": 320,
    "matrix.scenarios.new-year.block_m": 320,
    "matrix.scenarios.new-country.block_m": 320,
    "models": "[{name: forest, kind: random_forest, options: {n_trees: 20}}, "
    "{name: unet, kind: unet4_gn, options: {base_channels: 8}}, "
    "{name: tempcnn, kind: tempcnn, options: {n_hidden: 8, kernel_dates: 3}}]",
    "training.epochs": 2,
    "training.pixels_per_class": 1500,
    "training.pixels_per_patch": 128,
    "evaluation.bootstrap": 100,
    "evaluation.panels": 0,
}


BOUNDS = {"low": -0.02, "high": 0.3}


def cells(**score_by_place: float) -> pd.DataFrame:
    """One model, two seeds a scenario; the seeds lie 0.02 apart. Only one of them knows last year's crop."""
    rows = [
        {"scenario": s, "seed": seed, "model": "forest", "miou_foreground": v + d, "low": v - 0.1, "high": high}
        | {"over_majority": v + d - 0.1, "over_centroid": v + d - 0.2, "over_last_year": last}
        for s, v in score_by_place.items()
        for seed, d, high, last in ((1, -0.01, v + 0.1, -0.3), (2, 0.01, None, None))
    ]
    rest = {"miou": 0.5, "miou_present": 0.5, "pixel_accuracy": 0.5, "mean_class_accuracy": 0.5}
    rest |= {"drop_low": 0.3, "drop_high": 0.5}
    rest |= {f"{end}_over_{name}": n for name in ("majority", "centroid", "last_year") for end, n in BOUNDS.items()}
    costs = {"n_parameters": None, "training_s": 2.0, "prediction_s_per_mpx": 1.0}
    return pd.DataFrame(rows).assign(**rest, **costs)


def test_the_drop_is_measured_from_the_inside_scenario() -> None:
    table = rank(cells(abroad=0.3, home=0.7), inside="home").set_index("scenario")
    assert list(table.index) == ["home", "abroad"]
    np.testing.assert_allclose(table["miou_foreground"], [0.7, 0.3])
    np.testing.assert_allclose(table["drop"], [np.nan, 0.4])
    np.testing.assert_allclose(table["over_majority"], [0.6, 0.2])
    np.testing.assert_allclose(table["gain"], [0.5, 0.1])
    assert list(table["best_baseline"]) == ["centroid", "centroid"]
    assert table["over_last_year"].isna().all()  # one seed lacks it
    np.testing.assert_allclose(table["spread"], np.std([0.01, -0.01], ddof=1))
    one_seed = cells(abroad=0.3, home=0.7).query("seed == 1")
    assert rank(one_seed, inside="home")["spread"].isna().all()
    assert table["high"].isna().all()  # one seed has no interval
    assert list(table["n_seeds"]) == [2, 2]


def test_the_drop_has_bounds_where_both_test_parts_have_blocks() -> None:
    """Twelve blocks a part, inside half right, outside a quarter; and a scenario of four blocks."""
    inside, outside = np.tile([[0, 0], [2, 2]], (12, 1, 1)), np.tile([[0, 0], [3, 1]], (12, 1, 1))
    inside[::2] = [[0, 0], [1, 3]]
    counts = {("home", 1, "m"): inside, ("abroad", 1, "m"): outside, ("near", 1, "m"): outside[:4]}
    found = bound_drops(counts, "home", EvaluationOptions(bootstrap=200)).set_index("scenario")
    drop = inside.sum(0)[1, 1] / 48 - 0.25
    assert 0 < found["drop_low"]["abroad"] < drop < found["drop_high"]["abroad"]
    assert found.loc[["home", "near"], ["drop_low", "drop_high"]].isna().all(axis=None)


def test_of_many_scenarios_no_two_look_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = [f"place {i}" for i in range(12)]
    means = np.linspace(0, 1, 12)
    bounds = {"low": means - 0.1, "high": means + 0.1}
    table = pd.DataFrame({"model": "forest", "scenario": scenarios, "miou_foreground": means, **bounds})
    looks: list[tuple[Any, ...]] = []

    def look(figure: Any) -> bytes:
        dots, lines = figure.axes[0].collections[::2], figure.axes[0].collections[1::2]
        assert [line.get_segments()[0][:, 0].tolist() for line in lines] == np.column_stack([*bounds.values()]).tolist()
        looks.extend((tuple(d.get_facecolor().ravel()), d.get_paths()[0].vertices.tobytes()) for d in dots)
        return b""

    monkeypatch.setattr("bocage.reports.leaderboard.to_png", look)
    draw_scenarios(table, scenarios)
    assert len(looks) == len(set(looks)) == 12


def test_the_page_says_gain_drop_and_costs() -> None:
    table = rank(cells(abroad=0.3, home=0.7), inside="home").assign(n_parameters=1234.0)
    home, abroad = (table[table["scenario"] == s] for s in ("home", "abroad"))
    (first,), (second,) = (score_table(rows, s, "home").rows for rows, s in ((home, "home"), (abroad, "abroad")))
    shown = dict(zip(SCORE_COLUMNS, second.cells, strict=True))
    assert shown[">Drop from inside"] == "0.400 (+0.300 to +0.500)"
    assert shown[">Over best baseline"] == "+0.100 (−0.020 to +0.300)"
    assert score_table(abroad, "abroad", "home").note == "Best baseline: centroid, 0.200."
    assert cost_table(abroad).rows[0].cells == ("forest", "1,234", "2.0 s", "1.00")
    assert dict(zip(SCORE_COLUMNS, first.cells, strict=True))[">Drop from inside"] == "–"


def test_every_protocol_is_listed_with_means_over_the_seeds() -> None:
    matrix = np.array([[0, 0, 0], [0, 3, 1], [0, 0, 4]])
    record = scores(matrix, ("background", "wheat", "maize"))
    for own in record["per_class"].values():
        own["iou_interval"] = {"low": 0.1, "high": 0.9}
    rows = list_scores({"all_pixels": {**record, "interval": {"miou": {"low": 0.2, "high": 0.8}}}})
    place = {"model": "forest", "fold": None}
    every = pd.DataFrame([{**place, "seed": seed, **row} for seed in (1, 2) for row in rows])
    (wheat,) = every.query("seed == 1 and `class` == 'wheat' and score == 'iou'").to_dict("records")
    assert (wheat["value"], wheat["low"], wheat["high"]) == (0.75, 0.1, 0.9)
    (miou,) = every.query("seed == 1 and `class`.isna() and score == 'miou'").to_dict("records")
    assert (miou["value"], miou["low"], miou["high"]) == (pytest.approx((0.75 + 0.8) / 3), 0.2, 0.8)
    every.loc[every["seed"] == 2, "value"] += 0.1
    (row,) = protocol_table(every).rows
    assert row.cells[:5] == ("all_pixels", "forest", "0.567", "0.825", "0.825")


def test_only_a_model_that_beats_the_baselines_is_praised() -> None:
    """`dull` learned nothing and loses least; `lost` beats them inside only."""
    rows = [
        ("home", "good", 0.7, 0.2, 0.1, np.nan),
        ("home", "lost", 0.6, 0.1, 0.05, np.nan),
        ("home", "dull", 0.4, -0.1, -0.2, np.nan),
        ("abroad", "good", 0.4, 0.2, 0.1, 0.3),
        ("abroad", "lost", 0.5, 0.0, -0.1, 0.1),
        ("abroad", "dull", 0.4, 0.0, -0.1, 0.0),
    ]
    columns = ["scenario", "model", "miou_foreground", "gain", "gain_low", "drop"]
    table = pd.DataFrame(rows, columns=columns).assign(gain_high=lambda t: t["gain"] + 0.1)
    said = describe_best(table, "home")
    assert "best by foreground mIoU is good with 0.700, +0.200 (+0.100 to +0.300) over the best baseline" in said
    assert "good loses least on the way out (abroad): 0.300" in said
    others = table[table["model"] != "good"]
    assert "no model is shown to beat the baselines everywhere" in describe_best(others, "home")
    assert "no model is shown to beat the baselines" in describe_best(table.assign(gain_low=np.nan), "home")


def test_a_matrix_needs_its_section() -> None:
    with pytest.raises(ConfigError, match="no matrix section"):
        plan_runs(load_experiment(EXPERIMENTS / "rpg-cnn.yaml"))


def test_runs_are_scenarios_times_seeds_and_each_model_is_a_cell() -> None:
    runs = plan_runs(load_experiment(EXPERIMENTS / "s4a-oad-tables.yaml", ["matrix.seeds=[1, 2]"]))
    assert [r.name for r in runs] == ["s1-1", "s1-2", "s2-1", "s2-2", "s3-1", "s3-2"]
    assert [s.name for s in plan_cells(runs[0])][-3:] == ["cell/bilstm", "cell/transformer", "cell/tempcnn"]


def test_the_models_of_the_inside_scenario_are_judged_on_benchmarks_too() -> None:
    benchmarks = "benchmarks=[{name: eurocrops_holdout, path: holdout}]"
    runs = plan_runs(load_experiment(EXPERIMENTS / "s4a-oad-tables.yaml", [benchmarks]))
    models = ("bilstm", "transformer", "tempcnn")
    assert [len(run.experiment.benchmarks) for run in runs] == [1, 0, 0]
    assert [s.name for s in plan_cells(runs[0])][-3:] == [f"external/eurocrops_holdout/{m}" for m in models]
    assert [s.name for s in plan_cells(runs[1])][-3:] == [f"cell/{m}" for m in models]


def test_a_copy_that_is_not_whole_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "not a whole copy"), (tmp_path / "nowhere", "No copy of pastis")):
        benchmarks = f"benchmarks=[{{name: pastis, path: {path}}}]"
        experiment = load_experiment(EXPERIMENTS / "inside-outside.yaml", [benchmarks])
        with pytest.raises(BocageError, match=reason):
            run_matrix(experiment, out=tmp_path, store=ArtifactStore(tmp_path), workers=1, say=lambda _: None)
    assert not list(tmp_path.iterdir())


def test_a_scenario_and_a_benchmark_have_different_names() -> None:
    changed = ["benchmarks=[{name: pastis, path: PASTIS}]", "matrix.scenarios.pastis={strategy: blocks}"]
    with pytest.raises(ConfigError, match="both called 'pastis'"):
        plan_runs(load_experiment(EXPERIMENTS / "inside-outside.yaml", changed))


@pytest.mark.slow
def test_survives_a_kill_and_says_what_is_lost_outside(tmp_path: Path) -> None:
    file = prepare_demo(tmp_path, seed=5, size_px=240, template="two-countries", say=lambda _: None)
    out = tmp_path / "matrix"
    values = [item for key, value in SMALL.items() for item in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "bocage", "matrix", str(file), "--out", str(out), "--json", "--quiet", *values]
    environment = os.environ | {"BOCAGE_CACHE": str(tmp_path / "store")}

    killed = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while killed.poll() is None and not list((tmp_path / "store").glob("cell/*/[!.]*/cell.json")):
        time.sleep(0.02)
    assert killed.poll() is None, "the matrix ended before it could be killed"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (out / "leaderboard.parquet").exists()

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    made = pd.DataFrame(result["cells"])
    assert len(made) == 3 * 2 * 3
    assert made["cached"].any()  # what was finished before the kill was kept
    assert not made["cached"].all()

    table = pd.read_parquet(out / "leaderboard.parquet")
    assert len(table) == 9
    score = made.groupby(["scenario", "model"])["miou_foreground"].mean()
    for row in table.to_dict("records"):  # the sign is no matter here: so small a country decides nothing
        lost = score["inside", row["model"]] - score[row["scenario"], row["model"]]
        expected = np.nan if row["scenario"] == "inside" else lost
        np.testing.assert_allclose(row["drop"], expected, atol=1e-9)
    assert table["gain"].notna().all()
    for name in ("new-year", "new-country"):  # the country shows the same fields in both years
        baselines = json.loads((out / f"{name}-1" / "evaluation.json").read_text())["baselines"]
        assert baselines["last_year"]["known_fraction"] > (0.9 if name == "new-year" else 0.4)
        assert table.loc[table["scenario"] == name, "over_last_year"].notna().all()
    assert (out / "leaderboard.html").read_text(encoding="utf-8").count("<table>") == 9
    scenarios = table["scenario"].unique()
    drawn = {path.stem for path in (out / "figures").glob("*.png")}
    assert drawn == {"leaderboard", "embedding", *(f"class-shares-{s}" for s in scenarios)}
    assert drawn == {path.stem for path in (out / "figures").glob("*.csv")}
    points = pd.read_csv(out / "figures" / "embedding.csv")
    assert points["region"].nunique() > 1
    assert {"training", "validation", "test"} <= set(points["part under inside"])
    assert {f"part under {s}" for s in scenarios} < set(points.columns)

"""Country-years that a model never saw, built from nothing but YAML, judged as a benchmark."""

import json
from pathlib import Path

import pytest

from bocage.cli.main import main
from bocage.core.artifacts import ArtifactStore
from bocage.experiment.load import load_experiment
from bocage.pipeline.demo import shrink_experiment
from bocage.pipeline.run import needed_stages, run_stages
from bocage.pipeline.stages import plan_stages

FILE = Path(__file__).resolve().parents[2] / "experiments" / "eurocrops-holdout.yaml"
SMALL = ["patches.size_px=48", "patches.stride_px=48"]
FOREST = "models=[{name: forest, kind: random_forest, options: {n_trees: 20}}]"


def test_real_flemish_parcels_take_the_holdouts_classes(samples: Path, tmp_path: Path) -> None:
    """As far as the real data reach: parcels and classes; there is no imagery of them."""
    (file,) = (samples / "lpis" / "be_vlg").glob("*.zip")
    table = samples / "lpis" / "be_vlg" / "be_vlg_2021.csv"
    about = {"kind": "flanders", "path": str(file), "year": 2023, "code_table": str(table)}
    experiment = load_experiment(FILE, [f"parcels.{key}={value}" for key, value in about.items()])
    stages = needed_stages(plan_stages(experiment), "taxonomy")
    taxonomy = run_stages(stages, experiment, out=tmp_path, store=ArtifactStore(tmp_path / "s"), workers=1)[-1]
    audit = json.loads((taxonomy.artifact.path / "audit.json").read_text())
    assert (audit["n_parcels"], audit["n_mapped"], audit["n_unmapped"]) == (100, 74, 0)
    assert [audit["by_class"][c]["n"] for c in ("maize", "wheat", "sugar_beet", "potato", "pasture")] == [
        17,
        3,
        3,
        7,
        44,
    ]


@pytest.mark.slow
def test_a_model_is_judged_on_unseen_country_years(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def build(seed: int, out: Path, *more: str, target: str = "datasets") -> None:
        ground = tmp_path / f"ground-{seed}"
        overrides = shrink_experiment(FILE, ground, seed=seed, size_px=144, say=lambda _: None)
        experiment = load_experiment(FILE, [*overrides, *SMALL, *more])
        stages = needed_stages(plan_stages(experiment), target)
        run_stages(stages, experiment, out=out, store=ArtifactStore(tmp_path / "store"), workers=1)

    build(3, tmp_path / "seen", FOREST, "splits.block_m=480", target="train")
    build(4, tmp_path / "holdout" / "BE_VLG_2021")
    build(5, tmp_path / "holdout" / "BE_WAL_2021")

    checkpoint, path = str(tmp_path / "seen" / "checkpoint" / "forest"), str(tmp_path / "holdout")
    assert main(["benchmarks", "check", "eurocrops_holdout", path, "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)["samples"]["eurocrops-10"]
    assert main(["benchmarks", "evaluate", "eurocrops_holdout", path, "--checkpoint", checkpoint, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["n_samples"] == counted["kept"] > 20
    assert set(result["folds"]) == {"BE_VLG_2021", "BE_WAL_2021"}
    assert list(result["protocols"]) == ["all_pixels", "crop_pixels", "present_classes"]
    pixels = [by["all_pixels"]["n_pixels"] for by in result["folds"].values()]
    assert sum(pixels) == result["protocols"]["all_pixels"]["n_pixels"]
    assert 0 < result["protocols"]["crop_pixels"]["n_pixels"] < sum(pixels)
    assert result["protocols"]["all_pixels"]["kappa"] > 0

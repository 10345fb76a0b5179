"""The papers' experiments, through YAML alone, at small scale on invented countries."""

from itertools import product
from pathlib import Path

import pytest

from bocage.core.artifacts import ArtifactStore, read_json
from bocage.core.errors import ConfigError
from bocage.datasets.read import open_dataset
from bocage.experiment.load import load_experiment
from bocage.pipeline.demo import choose_country, shrink_experiment
from bocage.pipeline.foreign import place_of
from bocage.pipeline.matrix import run_matrix
from bocage.pipeline.objects import plan_objects
from bocage.pipeline.run import needed_stages, run_stages
from bocage.pipeline.stages import plan_stages
from bocage.splits.store import read_split

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
SMALL = sorted(f.stem for f in (EXPERIMENTS / "small").glob("*.yaml"))
TABLES = [name for name in SMALL if len(load_experiment(EXPERIMENTS / f"{name}.yaml").models) > 1]
PAPERS = [name for name in SMALL if name not in TABLES]
SIZE_PX = 192
BEZIERS = {"parcels.path": "parcels/france_data_2018.shp", "scenes.path": "s2"}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented countries and the artifact store, shared by the experiments: what they have in common is built once."""
    return tmp_path_factory.mktemp("papers")


@pytest.mark.parametrize("file", sorted(EXPERIMENTS.glob("*.yaml")), ids=lambda f: f.stem)
def test_every_experiment_file_is_valid(file: Path) -> None:
    assert load_experiment(file).name == file.stem


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPERS)
def test_runs_at_small_scale(name: str, ground: Path, tmp_path: Path) -> None:
    file = EXPERIMENTS / f"{name}.yaml"
    overrides = shrink_experiment(file, ground / "countries", seed=3, size_px=SIZE_PX, say=lambda _: None)
    experiment = load_experiment(file, overrides)
    stages = plan_stages(experiment)
    run_stages(stages, experiment, out=tmp_path, store=ArtifactStore(ground / "store"), workers=1)

    places = {f"{p.parcels.country}-{p.parcels.year}" for p in experiment.split_up().values() or [experiment]}
    manifest = open_dataset(tmp_path / "dataset").manifest
    assert set(manifest["country"] + "-" + manifest["year"].astype(str)) == places
    (model,) = read_json(tmp_path / "evaluation.json")["models"]
    assert model == experiment.models[0].name
    assert (tmp_path / "report.html").is_file()
    if experiment.datasets.samples == "objects":
        assert manifest["width"].eq(1).all()
        assert not any(s.name.startswith("mapping") for s in stages)
    else:
        assert len(list((tmp_path / "map").rglob("class_map.tif"))) == len(places)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["s2", "s3"])
@pytest.mark.parametrize("name", [n for n in PAPERS if n.startswith("s4a")])
def test_sen4agrinet_scenarios_part_countries(name: str, scenario: str, ground: Path, tmp_path: Path) -> None:
    file = EXPERIMENTS / f"{name}.yaml"
    overrides = shrink_experiment(file, ground / "countries", seed=3, size_px=SIZE_PX, say=lambda _: None)
    experiment = load_experiment(file, overrides)
    assert experiment.matrix is not None
    moved = experiment.model_copy(update={"splits": experiment.matrix.scenarios[scenario]})
    stages = needed_stages(plan_stages(moved), "evaluation")
    run_stages(stages, moved, out=tmp_path, store=ArtifactStore(ground / "store"), workers=1)

    dataset = open_dataset(tmp_path / "dataset")
    parts = dataset.manifest.merge(read_split(tmp_path / "split.parquet").table, on="sample_id")
    trained, tested = (set(parts.loc[parts["part"] == p, "country"]) for p in ("train", "test"))
    assert trained
    assert tested
    assert not trained & tested
    assert read_json(tmp_path / "evaluation.json")["n_samples"] == int((parts["part"] == "test").sum())


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_result_tables_run_as_matrices_at_small_scale(name: str, ground: Path, tmp_path: Path) -> None:
    file = EXPERIMENTS / f"{name}.yaml"
    overrides = shrink_experiment(file, ground / "countries", seed=3, size_px=SIZE_PX, say=lambda _: None)
    experiment = load_experiment(file, [*overrides, "matrix.seeds=[3]"])
    store = ArtifactStore(ground / "store")
    result = run_matrix(experiment, out=tmp_path, store=store, workers=1, say=lambda _: None)
    assert experiment.matrix is not None
    benchmarks = [place_of(options) for options in experiment.benchmarks]
    places = [*experiment.matrix.scenarios, *benchmarks]
    assert [row["scenario"] for row in result["leaderboard"][:: len(experiment.models)]] == places
    assert len(result["leaderboard"]) == len(experiment.models) * len(places)
    inside = tmp_path / f"{experiment.matrix.inside}-3"
    for place, model in product(benchmarks, experiment.models):  # pictures of external sets too
        assert (inside / "benchmarks" / place / model.name / "panels.png").is_file()
    assert Path(result["report"]).is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "size_px", "n_dates"),
    [
        (["patches.dates=single"], 64, 1),
        (["patches.dates=series"], 64, 9),
        (["datasets.samples=objects", "splits.block_m=320"], 1, 9),
    ],
    ids=["single dates", "series", "parcels"],
)
def test_beziers_gives_all_three_families(
    overrides: list[str], size_px: int, n_dates: int, samples: Path, ground: Path, tmp_path: Path
) -> None:
    forest = "models=[{name: forest, kind: random_forest, options: {n_trees: 10}}]"
    path = [f"{section}={samples}/beziers-2018/{where}" for section, where in BEZIERS.items()]
    experiment = load_experiment(EXPERIMENTS / "beziers-2018.yaml", [*path, forest, *overrides])
    stages = needed_stages(plan_stages(experiment), "evaluation")
    run_stages(stages, experiment, out=tmp_path, store=ArtifactStore(ground / "store"), workers=1)
    info = open_dataset(tmp_path / "dataset").info
    assert (info.patch_size_px, info.n_dates) == (size_px, n_dates)
    assert list(read_json(tmp_path / "evaluation.json")["models"]) == ["forest"]


def test_each_country_year_is_built_by_stages_of_its_own_and_they_meet_in_one_data_set() -> None:
    experiment = load_experiment(EXPERIMENTS / "s4a-pad-unet.yaml")
    assert list(experiment.split_up()) == ["ES-2019", "ES-2020", "FR-2019"]
    stages = {s.name: s for s in plan_stages(experiment)}
    assert stages["cubes/FR-2019"].inputs == ("scenes/FR-2019",)
    assert stages["datasets"].inputs == ("datasets/ES-2019", "datasets/ES-2020", "datasets/FR-2019")
    assert stages["mapping/FR-2019"].inputs == ("taxonomy/FR-2019", "cubes/FR-2019", "train/unet")
    assert stages["train/unet"].inputs == ("datasets", "splits")


@pytest.mark.parametrize(
    ("override", "reason"),
    [("also.0.parcels.year=2019", "comes twice: ES-2019, ES-2019, FR-2019"), ("parcels.country=null", "its country")],
)
def test_country_years_are_named_and_differ(override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load_experiment(EXPERIMENTS / "s4a-pad-unet.yaml", [override])


def test_a_parcel_table_is_of_one_country_and_year() -> None:
    experiment = load_experiment(EXPERIMENTS / "s4a-oad-bilstm.yaml")
    with pytest.raises(ConfigError, match="ES-2019, ES-2020, FR-2019"):
        plan_objects(experiment)
    alone = experiment.split_up()["FR-2019"]
    assert [s.name for s in plan_objects(alone)] == ["parcels", "taxonomy", "scenes", "cubes", "labels", "objects"]


def test_a_country_that_is_not_invented_gets_one_that_its_year_has_free() -> None:
    taken = {("AT", 2021), ("SK", 2021), ("FR", 2018)}
    assert choose_country("AT", 2021, taken) == "AT"
    assert choose_country("SK", 2021, taken) == "FR"
    assert choose_country("SK", 2021, {*taken, ("FR", 2021)}) == "NL"
    with pytest.raises(ConfigError, match="more countries"):
        choose_country("SK", 2021, {(c, 2021) for c in ("FR", "AT", "NL", "ES")})

from pathlib import Path

import pytest

from bocage.core.errors import ConfigError, MissingFile, UnknownKey, UnknownName
from bocage.experiment.crossvalidation import CrossValidation
from bocage.experiment.load import dump_experiment, load_any, load_experiment, load_options
from bocage.experiment.schema import Experiment
from bocage.experiment.templates import list_templates, read_template

MINIMAL = """
name: test
parcels: {path: parcels.shp}
scenes: {path: "${S2_FOLDER:-s2}"}
models:
  - {name: unet, kind: unet4_gn}
  - {name: forest, kind: random_forest}
"""


@pytest.fixture
def write(tmp_path):
    def to_file(text=MINIMAL):
        path = tmp_path / "experiment.yaml"
        path.write_text(text)
        return path

    return to_file


def test_paths_are_relative_to_the_file_and_variables_are_filled_in(write, tmp_path, monkeypatch):
    experiment = load_experiment(write())
    assert experiment.parcels.path == str(tmp_path / "parcels.shp")
    assert experiment.scenes.path == str(tmp_path / "s2")
    monkeypatch.setenv("S2_FOLDER", "/elsewhere")
    assert load_experiment(write()).scenes.path == "/elsewhere"


def test_overrides_reach_into_sections_and_lists_by_position_or_name(write):
    experiment = load_experiment(
        write(),
        ["training.epochs=3", "models.unet.options.base_channels=16", "models.1.options.n_trees=7", "seed=5"],
    )
    assert experiment.training.epochs == 3
    assert experiment.models[0].options.base_channels == 16
    assert experiment.models[1].options.n_trees == 7
    assert experiment.seed == 5


@pytest.mark.parametrize(
    ("override", "error", "words"),
    [
        ("training.epoch=3", UnknownKey, "Did you mean 'epochs'"),
        ("trainning.epochs=3", UnknownKey, "Did you mean 'training'"),
        ("training.epochs=zero", ConfigError, "training.epochs"),
        ("training.epochs", ConfigError, "KEY=VALUE"),
        ("models.resnet.kind=x", ConfigError, "no entry 'resnet'"),
        ("models.unet.kind=unet4_gm", ConfigError, "Did you mean 'unet4_gn'"),
        ("models.unet.name=forest", ConfigError, "share a name"),
        ("mapping.model=nobody", ConfigError, "nobody"),
        ("cubes.bands=[B02,B99]", ConfigError, "B99"),
    ],
)
def test_a_mistake_is_named_with_the_nearest_key(write, override, error, words):
    with pytest.raises(error, match=words) as caught:
        load_experiment(write(), [override])
    assert caught.value.exit_code == 2
    assert len(str(caught.value).splitlines()) <= 4


def test_what_is_not_an_experiment_is_refused(write, tmp_path, monkeypatch):
    with pytest.raises(MissingFile):
        load_experiment(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigError, match="sections"):
        load_experiment(write("- a\n- b\n"))
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_experiment(write("a: [1,\n"))
    with pytest.raises(ConfigError, match="twice"):
        load_experiment(write(MINIMAL + "name: again\n"))
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_experiment(write("name: !!python/object/apply:os.system ['true']\n"))
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(ConfigError, match="NOWHERE is not set"):
        load_experiment(write(MINIMAL.replace("parcels.shp", "'${NOWHERE}/p.shp'")))


def test_a_resolved_experiment_reads_back_as_itself(write, tmp_path):
    experiment = load_experiment(write())
    again = tmp_path / "again.yaml"
    again.write_text(dump_experiment(experiment))
    assert load_experiment(again) == experiment


def test_every_field_has_a_description():
    def undescribed(schema):
        for name, model in {"Experiment": schema, **schema["$defs"]}.items():
            for field, about in model.get("properties", {}).items():
                if not {"description", "$ref"} & set(about):
                    yield f"{name}.{field}"

    assert list(undescribed(Experiment.model_json_schema())) == []


def test_the_start_template_is_a_valid_experiment(write):
    assert "start" in list_templates()
    assert load_experiment(write(read_template("start"))).name == "my-experiment"
    with pytest.raises(UnknownName, match="start"):
        read_template("strat")


def test_the_shipped_experiments_are_valid():
    shipped = sorted((Path(__file__).parents[3] / "experiments").glob("*.yaml"))
    assert "beziers-2018" in [p.stem for p in shipped]
    for path in shipped:
        assert load_experiment(path).name == path.stem


def test_an_address_with_a_login_is_refused_and_not_repeated(write, monkeypatch):
    monkeypatch.setenv("ACCOUNT", "me:very-secret")
    with pytest.raises(ConfigError, match=r"netrc") as refused:
        load_experiment(write(), ["scenes.catalog=stac", "scenes.path=https://${ACCOUNT}@example.org/v1"])
    assert "very-secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["..", ".", "-x", ".hidden"])
def test_a_name_is_that_of_a_folder_of_its_own(write, name):
    with pytest.raises(ConfigError, match="name"):
        load_experiment(write(), [f"name='{name}'"])


def test_a_code_table_may_be_a_file_beside_the_experiment_or_a_name(write, tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "at.csv").write_text("")
    text = MINIMAL.replace("{path: parcels.shp}", "{path: parcels.shp, code_table: %s}")
    beside = load_experiment(write(text % "tables/at.csv")).parcels.code_table
    assert beside == str(tmp_path / "tables" / "at.csv")
    assert load_experiment(write(text % "at_2021")).parcels.code_table == "at_2021"


def test_the_options_of_a_benchmark_name_files_beside_the_experiment(write, tmp_path):
    benchmark = "benchmarks: [{name: sen4agrinet, path: s4a, options: {coco: lists/test.json}}]"
    (read,) = load_experiment(write(MINIMAL + benchmark)).benchmarks
    assert read.options["coco"] == str(tmp_path / "lists" / "test.json")


CROSS_VALIDATION = Path(__file__).parents[3] / "experiments" / "parcels" / "corsica-2022.yaml"


def test_a_cross_validation_is_checked_too_and_other_commands_name_its_own(write, monkeypatch):
    monkeypatch.setenv("BOCAGE_SAMPLES", "/samples")
    assert load_any(CROSS_VALIDATION).name == "corsica-2022"
    assert load_any(write()).name == "test"
    with pytest.raises(ConfigError, match="section 'series': it is a file for `bocage crossvalidate`"):
        load_experiment(CROSS_VALIDATION)
    with pytest.raises(ConfigError, match="section 'parcels': it is a file for `bocage run`"):
        load_options(write(), [], CrossValidation)
    with pytest.raises(UnknownKey, match="unknown key 'series'"):
        load_any(write(MINIMAL + "series: {}"))


def test_an_unknown_option_of_a_model_names_those_of_its_own_kind(write):
    model = "models=[{name: a, kind: unet4_gn}, {name: u, kind: utae, options: {d_key: 4}}]"
    with pytest.raises(UnknownKey, match=r"'models\.1\.options\.d_key' \(value 4\)\. Did you mean 'd_k'\?") as said:
        load_experiment(write(), [model])
    assert "n_heads" in str(said.value)
    assert "base_channels" not in str(said.value)  # of another kind


def test_of_a_long_wrong_value_the_beginning_is_shown(write):
    with pytest.raises(UnknownKey, match=r"\(value \[0, 1, .{70,80} …\)") as said:
        load_experiment(write(MINIMAL + f"colors: {list(range(1000))}"))
    assert "Did you mean" in str(said.value) or "Known:" in str(said.value)

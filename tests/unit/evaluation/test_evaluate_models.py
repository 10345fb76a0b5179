"""Two models on a tiny data set of twelve test blocks, judged end to end."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bocage.cli.main import main
from bocage.core.errors import ConfigError, DataError, MissingBand, NothingLeft
from bocage.core.grid import make_grid
from bocage.core.sample import Origin, Sample
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.read import Dataset, open_dataset
from bocage.datasets.write import DatasetWriter
from bocage.evaluation.describe import describe_sizes
from bocage.evaluation.evaluate import evaluate
from bocage.evaluation.judge import judge
from bocage.evaluation.optimism import at_random, measure_optimism
from bocage.evaluation.options import EvaluationOptions
from bocage.evaluation.outcome import Outcome
from bocage.evaluation.store import read_predictions
from bocage.evaluation.write import write_blocks, write_panels
from bocage.metrics.protocols import PROTOCOLS
from bocage.models.options import ModelOptions
from bocage.splits.record import Split
from bocage.splits.store import write_split
from bocage.training.options import TrainingOptions
from bocage.training.train import train_model
from tests.unit.training.test_train_model import make_dataset  # noqa: F401 - a fixture
from tests.unit.training.test_train_model import split_of as parts_of

CLASSES = ("background", "wheat", "maize")
BANDS = ("B02", "B03", "B04", "B08")
SIDE = 8


def field_sample(
    i: int, n_dates: int, levels: tuple[float, float, float] = (0.1, 0.3, 0.5), year: int = 2020
) -> Sample:
    """Quadrants: wheat and maize (in turns), a parcel of another crop, and land without a parcel.

    `levels`: reflectance of the three classes. The year before 2021 is 2020: wheat and maize change places.
    """
    rng = np.random.default_rng(i)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    parcels = np.zeros((SIDE, SIDE), np.uint32)
    half = SIDE // 2
    for q, window in enumerate([np.s_[:half, :half], np.s_[:half, half:], np.s_[half:, :half]]):
        labels[window] = [1, 2, 0][q] if (i + year) % 2 else [2, 1, 0][q]
        parcels[window] = 10 * i + q + 1
    level = np.array(levels)[labels]
    image = (level + rng.normal(0, 0.02, (n_dates, len(BANDS), SIDE, SIDE))).astype(np.float32)
    valid = np.ones((n_dates, SIDE, SIDE), bool)
    valid[:, 0, 0] = False
    grid = make_grid("EPSG:32631", 500_000 + 10 * SIDE * i, 5_000_000, 10, (SIDE, SIDE))
    origin = Origin(f"s{i:02d}" + ("" if year == 2020 else f"-{year}"), "FR", year, "31TEJ", ("scene",) * n_dates, grid)
    return Sample(image, valid, labels, parcels, np.arange(n_dates, dtype=np.int32), BANDS, origin)


def write_fields(
    folder: Path,
    n: int = 24,
    n_dates: int = 1,
    west: tuple[float, float, float] = (0.1, 0.3, 0.5),
    east: tuple[float, float, float] | None = None,
    parents: tuple[str | None, ...] = (None, None, None),
    years: tuple[int, ...] = (2020,),
) -> Dataset:
    """A data set of n patches in one row; the classes of the eastern half may look otherwise."""
    classes = tuple(ClassInfo(i, name, "#000000", name.title(), parents[i]) for i, name in enumerate(CLASSES))
    writer = DatasetWriter(folder, DatasetInfo(classes, BANDS, SIDE, 10.0, "series", "L2A"))
    for year, i in product(years, range(n)):
        levels = east if east and i >= n // 2 else west
        writer.add(field_sample(i, n_dates, levels, year), {"cube": "c", "row": 0, "col": SIDE * i})
    writer.finish()
    return open_dataset(folder)


class Thresholds:
    """Reads B08 alone; right except for `wrong` rows of every patch, which it calls maize."""

    bands, class_names, n_dates = ("B08",), CLASSES, 1

    def __init__(self, wrong: int = 0) -> None:
        self.wrong = wrong

    def predict_proba(self, image: np.ndarray, valid: np.ndarray, days: np.ndarray) -> np.ndarray:
        assert image.shape[1:3] == (1, 1)
        classes = np.digitize(image[:, 0, 0], [0.2, 0.4])
        classes[:, SIDE - self.wrong :] = 2
        return np.where(np.arange(3)[None, :, None, None] == classes[:, None], 0.8, 0.1).astype(np.float32)


def split_of(dataset: Dataset, hidden_in_test: tuple[int, ...] = ()) -> Split:
    """First half for training, second half for testing, one block a sample."""
    ids = dataset.sample_ids
    parts = np.where(np.arange(len(ids)) < len(ids) // 2, "train", "test")
    blocks = [f"b{i}" for i in range(len(ids))]
    table = pd.DataFrame({"sample_id": ids, "part": parts, "block_id": blocks, "reason": ""})
    none = np.zeros(0, np.uint32)
    return Split(table, {"train": none, "val": none, "test": np.array(hidden_in_test, np.uint32)})


OPTIONS = EvaluationOptions(bootstrap=200, batch_size=5, panels=2)


def judge_and_score(
    models: dict, dataset: Dataset, split: Split, options: EvaluationOptions, *, seed: int, folder: Path
) -> dict:
    return evaluate(judge(models, dataset, split, options, seed=seed, folder=folder), options, seed=seed, folder=folder)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_fields(tmp_path_factory.mktemp("fields"))


@pytest.fixture(scope="module")
def judged(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("evaluation")
    models = {"good": Thresholds(), "poor": Thresholds(wrong=2)}
    return judge_and_score(models, dataset, split_of(dataset), OPTIONS, seed=1, folder=folder), folder


def test_a_model_that_is_right_scores_one_on_the_pixels_it_could_see(judged: tuple[dict, Path]) -> None:
    result, _ = judged
    record = result["models"]["good"]["protocols"]["all_pixels"]
    assert record["miou"] == 1.0
    assert record["n_pixels"] == 12 * (64 - 1)  # one pixel a patch is seen on no date
    assert result["n_unseen_px"] == 12
    assert record["mean_loss"] == pytest.approx(-np.log(0.8))
    assert record["n_blocks"] == 12
    assert record["interval"]["miou"]["low"] == 1.0
    assert result["protocols"] == result["models"]["good"]["protocols"]


def test_two_wrong_rows_are_sixteen_wrong_pixels_a_patch(judged: tuple[dict, Path]) -> None:
    protocols = judged[0]["models"]["poor"]["protocols"]
    assert protocols["all_pixels"]["pixel_accuracy"] == pytest.approx(1 - 16 / 63)
    assert protocols["crop_pixels"]["pixel_accuracy"] == 1.0  # the wrong rows are background
    assert protocols["crop_pixels"]["classes_absent"] == ["background"]
    assert protocols["crop_pixels"]["n_pixels"] == 12 * 31
    assert protocols["parcels"]["n_pixels"] == 36
    assert protocols["parcels"]["pixel_accuracy"] == 1.0  # a quadrant is half wrong: a tie, and 0 is the smaller id
    assert protocols["parcels"]["mean_loss"] is None


def test_models_are_compared_on_the_same_blocks(judged: tuple[dict, Path]) -> None:
    (name, pair), *rest = judged[0]["compare"].items()
    assert (name, rest) == ("good - poor", [])
    assert 0 < pair["low"] <= pair["difference"] <= pair["high"]
    assert pair["score"] == "miou_foreground"


def test_baselines_are_judged_on_the_same_pixels(judged: tuple[dict, Path]) -> None:
    baselines = judged[0]["baselines"]
    assert set(baselines) == {"majority", "spectral_centroid", "random_parcel_class"}
    first = {name: b["protocols"]["all_pixels"] for name, b in baselines.items()}
    assert {r["n_pixels"] for r in first.values()} == {12 * 63}
    assert first["majority"]["pixel_accuracy"] == pytest.approx(32 / 63)
    assert first["spectral_centroid"]["miou"] == 1.0  # levels lie ten standard deviations apart
    assert first["random_parcel_class"]["mean_loss"] is None
    assert 16 / 63 < first["random_parcel_class"]["pixel_accuracy"] < 1


def test_every_class_has_an_interval_of_its_iou(judged: tuple[dict, Path]) -> None:
    classes = judged[0]["models"]["poor"]["protocols"]["all_pixels"]["per_class"]
    for row in classes.values():
        assert row["iou_interval"]["low"] <= row["iou"] <= row["iou_interval"]["high"]
    assert classes["maize"]["iou"] < 1  # the wrong rows
    absent = judged[0]["models"]["poor"]["protocols"]["crop_pixels"]["per_class"]["background"]
    assert absent["iou_interval"] is None


def test_boundary_pixels_stand_against_interior_ones(judged: tuple[dict, Path]) -> None:
    zones = judged[0]["models"]["poor"]["zones"]
    assert zones["interior"]["n_pixels"] + zones["boundary"]["n_pixels"] == 12 * 63
    # the two wrong rows are 16 px, 4 of them beside the line between the lower quadrants
    assert zones["boundary"]["n_pixels"] == 12 * 28
    assert zones["boundary"]["pixel_accuracy"]["value"] == pytest.approx(1 - 4 / 28)
    assert zones["interior"]["pixel_accuracy"]["value"] == pytest.approx(1 - 12 / 35)
    assert zones["difference"]["difference"] == pytest.approx(4 / 28 - 12 / 35)
    assert zones["difference"]["high"] < 0


def test_parcels_are_judged_by_size_in_hectares(dataset: Dataset, tmp_path: Path) -> None:
    options = OPTIONS.model_copy(update={"parcel_sizes_ha": (0.1, 0.5), "protocols": ("all_pixels", "parcels_area")})
    result = judge_and_score({"m": Thresholds(wrong=3)}, dataset, split_of(dataset), options, seed=1, folder=tmp_path)
    (row,) = result["models"]["m"]["parcel_sizes"]  # every parcel has 16 px of 0.01 ha
    assert (row["from_ha"], row["to_ha"], row["n_parcels"]) == (0.1, 0.5, 36)
    assert row["area_ha"] == pytest.approx(36 * 0.16)
    assert (
        row["accuracy"]["value"] == row["accuracy_by_area"]["value"] == pytest.approx(2 / 3)
    )  # of three, one is wrong
    assert row["accuracy"]["low"] <= 2 / 3 <= row["accuracy"]["high"]
    pixels = Outcome(1, 3)
    pixels.add([0], np.ones((1, 1, 1), np.uint8), np.ones((1, 1, 1), np.uint32), np.ones((1, 1, 1), np.uint8))
    assert describe_sizes(pixels, options, px_ha=0.01, seed=1) == []
    by_area = result["models"]["m"]["protocols"]["parcels_area"]
    assert by_area["area_ha"] == pytest.approx(36 * 0.16)


def test_levels_of_the_hierarchy_are_judged_from_the_same_prediction(tmp_path: Path) -> None:
    dataset = write_fields(tmp_path / "fields", parents=(None, None, "wheat"))  # maize under wheat, for once
    options = OPTIONS.model_copy(update={"protocols": ("all_pixels", "hierarchy:1", "hierarchy:2")})
    result = judge_and_score(
        {"m": Thresholds(wrong=2)}, dataset, split_of(dataset), options, seed=1, folder=tmp_path / "out"
    )
    protocols = result["models"]["m"]["protocols"]
    assert list(protocols["hierarchy:1"]["per_class"]) == ["background", "wheat"]
    assert protocols["hierarchy:1"]["n_pixels"] == 12 * 63
    assert protocols["hierarchy:1"]["pixel_accuracy"] == pytest.approx(1 - 16 / 63)
    assert protocols["hierarchy:2"]["classes_absent"] == ["wheat"]  # too coarse to be judged here
    assert protocols["hierarchy:2"]["n_pixels"] < 12 * 63
    with np.load(tmp_path / "out" / "blocks.npz", allow_pickle=False) as blocks:
        assert blocks["m/hierarchy:1"].shape == (12, 2, 2)
    with pytest.raises(ValueError, match="compares models by their classes"):
        EvaluationOptions(protocols=("hierarchy:1",))


def test_another_protocol_is_counted_later_from_what_was_predicted(judged: tuple[dict, Path], tmp_path: Path) -> None:
    kept = read_predictions(judged[1])
    assert evaluate(kept, OPTIONS, seed=1, folder=tmp_path) == judged[0]
    every = OPTIONS.model_copy(update={"protocols": tuple(PROTOCOLS)})
    later = evaluate(kept, every, seed=1, folder=tmp_path)["models"]["poor"]["protocols"]
    assert list(later) == list(PROTOCOLS)
    assert later["crop_pixels"] == judged[0]["models"]["poor"]["protocols"]["crop_pixels"]
    assert later["boundary_pixels"]["pixel_accuracy"] == pytest.approx(1 - 4 / 28)


def test_last_year_is_carried_where_two_years_show_the_same_ground(dataset: Dataset, tmp_path: Path) -> None:
    two = write_fields(tmp_path / "two", years=(2020, 2021))
    split = split_of(two)  # 2020 trains, 2021 is tested
    result = judge_and_score({"m": Thresholds()}, two, split, OPTIONS, seed=1, folder=tmp_path / "out")
    last = result["baselines"]["last_year"]
    assert last["known_fraction"] == 1.0
    matrix = np.array(last["protocols"]["parcels"]["confusion"])
    assert matrix.tolist() == [[24, 0, 0], [0, 0, 24], [0, 24, 0]]  # wheat and maize have changed places
    assert last["protocols"]["all_pixels"]["mean_loss"] is None
    assert result["models"]["m"]["protocols"]["parcels"]["pixel_accuracy"] == 1.0
    one = judge_and_score({"m": Thresholds()}, dataset, split_of(dataset), OPTIONS, seed=1, folder=tmp_path / "one")
    assert "last_year" not in one["baselines"]


@pytest.mark.slow
def test_what_differs_from_training_is_said_before_a_checkpoint_is_judged(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forest = ModelOptions.model_validate({"name": "forest", "kind": "random_forest", "options": {"n_trees": 3}})
    checkpoint = tmp_path / "forest"
    train_model(dataset, split_of(dataset), forest, TrainingOptions(threads=1), seed=1, folder=checkpoint)
    bright = write_fields(tmp_path / "bright", west=(0.2, 0.4, 0.6), east=(0.2, 0.4, 0.6))  # 0.1 too bright

    def evaluate_on(foreign: Dataset) -> tuple[list[dict], str]:
        write_split(split_of(foreign), tmp_path / "split.parquet")
        places = {"--checkpoint": checkpoint, "--dataset": foreign.folder, "--split": tmp_path / "split.parquet"}
        places["--out"] = tmp_path / "judged"
        assert main(["evaluate", "--json", *(str(v) for pair in places.items() for v in pair)]) == 0
        said = capsys.readouterr()
        return json.loads(said.out)["evaluation"]["shift"], said.err

    findings, said = evaluate_on(bright)
    assert [f["cause"] for f in findings] == ["the radiometric offset of 0.1 was left in"]
    assert findings[0]["message"] in " ".join(said.split())
    assert "shift, radiometry" in said
    page = (tmp_path / "judged" / "report.html").read_text(encoding="utf-8")
    assert "the radiometric offset of 0.1 was left in" in page
    assert (tmp_path / "judged" / "figures" / "samples.png").is_file()  # colour, reference, prediction
    findings, said = evaluate_on(dataset)
    assert findings == []
    assert "nothing differs from its training data" in said


def test_what_is_returned_is_what_is_written(judged: tuple[dict, Path]) -> None:
    result, folder = judged
    assert json.loads((folder / "evaluation.json").read_text()) == result
    with np.load(folder / "blocks.npz", allow_pickle=False) as blocks:
        assert len(blocks["blocks"]) == 12
        total = blocks["poor/all_pixels"].sum(0).tolist()
        assert total == result["models"]["poor"]["protocols"]["all_pixels"]["confusion"]
        assert "random_parcel_class/parcels" in blocks.files


def test_panels_show_labels_and_every_model(judged: tuple[dict, Path]) -> None:
    with np.load(judged[1] / "panels.npz", allow_pickle=False) as panels:
        assert panels["rgb"].shape == (2, SIDE, SIDE, 3)
        assert panels["rgb"].dtype == np.uint8
        assert (panels["labels"][:, 0, 0] == 255).all()
        seen = panels["labels"] != 255
        assert (panels["prediction_good"] == panels["labels"])[seen].all()
        assert set(panels["sample_ids"]) <= {f"s{i}" for i in range(12, 24)}


def test_hidden_parcels_are_not_scored(dataset: Dataset, tmp_path: Path) -> None:
    split = split_of(dataset, hidden_in_test=(121, 122))  # both crops of sample 12
    result = judge_and_score({"m": Thresholds()}, dataset, split, OPTIONS, seed=1, folder=tmp_path)
    assert result["models"]["m"]["protocols"]["crop_pixels"]["n_pixels"] == 11 * 31
    assert result["models"]["m"]["protocols"]["crop_pixels"]["n_blocks"] == 11


def test_few_blocks_give_no_interval_but_a_reason(tmp_path: Path) -> None:
    dataset = write_fields(tmp_path / "fields", n=8)
    result = judge_and_score({"m": Thresholds()}, dataset, split_of(dataset), OPTIONS, seed=1, folder=tmp_path / "out")
    record = result["protocols"]["all_pixels"]
    assert record["interval"] is None
    assert record["interval_reason"].startswith("4 blocks")


def test_the_same_seed_gives_the_same_result(judged: tuple[dict, Path], dataset: Dataset, tmp_path: Path) -> None:
    models = {"good": Thresholds(), "poor": Thresholds(wrong=2)}
    assert judge_and_score(models, dataset, split_of(dataset), OPTIONS, seed=1, folder=tmp_path) == judged[0]


def test_a_model_that_does_not_fit_is_refused_before_anything_is_written(dataset: Dataset, tmp_path: Path) -> None:
    def ask(model: object, data: Dataset = dataset, name: str = "m") -> None:
        judge({name: model}, data, split_of(data), OPTIONS, seed=1, folder=tmp_path / "out")

    swir, other = Thresholds(), Thresholds()
    swir.bands = ("B08", "B11")
    other.class_names = ("background", "wheat", "oats")
    with pytest.raises(MissingBand, match="missing: B11"):
        ask(swir)
    with pytest.raises(ConfigError, match="oats"):
        ask(other)
    with pytest.raises(DataError, match="takes 1 dates, but a sample has 3"):
        ask(Thresholds(), write_fields(tmp_path / "series", n=2, n_dates=3))
    with pytest.raises(ConfigError, match="name of a baseline"):
        ask(Thresholds(), name="majority")
    with pytest.raises(NothingLeft, match="no sample in part 'test', only in train"):
        only = replace(split_of(dataset), table=split_of(dataset).table.assign(part="train"))
        judge({}, dataset, only, OPTIONS, seed=1, folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_protocol_gets_a_hint() -> None:
    with pytest.raises(ValueError, match="Did you mean 'crop_pixels'"):
        EvaluationOptions(protocols=("crop_pixel",))


def test_a_random_split_flatters_where_the_test_ground_differs(tmp_path: Path) -> None:
    """In the east wheat looks like nothing in the west: a forest of the west fails there, one of both does not."""
    fields = write_fields(tmp_path / "fields", east=(0.1, 0.7, 0.5))
    split = split_of(fields)
    found = measure_optimism(fields, split, seed=0, threads=1)
    gap = found["flattery"]["pixel_accuracy"]
    assert gap["low"] > 0.1
    assert found["given"]["pixel_accuracy"]["value"] < 0.8 < found["random"]["pixel_accuracy"]["value"]
    assert gap == measure_optimism(fields, split, seed=0, threads=1)["flattery"]["pixel_accuracy"]


def test_a_random_split_flatters_little_where_all_ground_is_alike(dataset: Dataset) -> None:
    gap = measure_optimism(dataset, split_of(dataset), seed=0, threads=1)["flattery"]["pixel_accuracy"]
    assert abs(gap["difference"]) < 0.02


def test_the_random_parts_have_the_sizes_of_the_given_ones(dataset: Dataset) -> None:
    split = split_of(dataset, hidden_in_test=(3,))
    dealt = at_random(split, np.random.default_rng(0))
    assert [len(dealt.sample_ids(p)) for p in ("train", "test")] == [
        len(split.sample_ids(p)) for p in ("train", "test")
    ]
    assert dealt.sample_ids("test") != split.sample_ids("test")
    assert all(len(hidden) == 0 for hidden in dealt.hidden.values())


def test_counts_and_pictures_of_a_run_folder_are_replaced_and_not_written_into(tmp_path: Path) -> None:
    """Files of a run folder are links into the artifact store, which must not change."""
    store, run = tmp_path / "store", tmp_path / "run"
    pixels = np.zeros((1, 2, 2), np.uint8)
    for folder in (store, run):
        folder.mkdir()
    write_blocks(store, ["a"], {})
    write_panels(store, ["s"], pixels[..., None], pixels, {})
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    for name in before:
        os.link(store / name, run / name)
    write_blocks(run, ["b", "c"], {})
    write_panels(run, ["t", "u"], pixels[..., None], pixels, {})
    assert {path.name: path.read_bytes() for path in store.iterdir()} == before
    assert sorted(path.name for path in run.iterdir()) == sorted(before)
    assert all((run / name).read_bytes() != data for name, data in before.items())


def test_series_of_different_lengths_are_judged_beside_their_baselines(
    make_dataset: Callable[..., Dataset],  # noqa: F811
    tmp_path: Path,
) -> None:
    series = make_dataset(8, dates=(2, 3))
    split = parts_of(series, train=4, val=1)
    found = judge({}, series, split, EvaluationOptions(bootstrap=100, panels=0), seed=0, folder=tmp_path)
    result = evaluate(found, EvaluationOptions(bootstrap=100), seed=0, folder=tmp_path)
    accuracy = {n: r["protocols"]["all_pixels"]["pixel_accuracy"] for n, r in result["baselines"].items()}
    assert accuracy["spectral_centroid"] > 0.9 > accuracy["majority"]
    with pytest.raises(DataError, match="--optimism"):
        measure_optimism(series, split, seed=1)

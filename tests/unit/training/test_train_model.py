"""Training from a real data set on disk to a checkpoint: learning, repeating, killing and going on, the control."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from bocage.core.errors import ConfigError, DataError, NothingLeft
from bocage.core.grid import make_grid
from bocage.core.sample import Origin, Sample
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.datasets.read import Dataset, open_dataset
from bocage.datasets.write import DatasetWriter
from bocage.models.checkpoint import load_predictor
from bocage.models.options import ModelOptions, UNet4Options
from bocage.splits.record import Split
from bocage.testing.predictors import check_predictor
from bocage.training.history import Epoch
from bocage.training.options import TrainingOptions
from bocage.training.state_store import STATE_FILE
from bocage.training.train import train_model

BANDS, SIDE = ("B04", "B08", "B11"), 32
SPECTRA = np.array([[0.10, 0.15, 0.20], [0.04, 0.45, 0.15], [0.12, 0.30, 0.28]])  # background, maize, wheat
NARROW = {"base_channels": 8, "groups": 4}
UNET = ModelOptions(name="unet", kind="unet4_gn", options={**NARROW, "standardize": "none"})
FOREST = ModelOptions(name="rf", kind="random_forest_context", options={"n_trees": 10, "context_bands": ("B08",)})
QUICK = TrainingOptions(epochs=4, batch_size=1, learning_rate=3e-3, threads=1, device="cpu", lr_patience=0)


def field_sample(index: int, *, dates: int = 1) -> Sample:
    """Background with four square fields of 12 px, each of one crop; parcel numbers 4·index + 1…4."""
    rng = np.random.default_rng(index)
    labels, parcel_ids = np.zeros((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.uint32)
    for n in range(4):
        row, col = 2 + 16 * (n // 2), 2 + 16 * (n % 2)
        labels[row : row + 12, col : col + 12] = 1 + rng.integers(2)
        parcel_ids[row : row + 12, col : col + 12] = 4 * index + n + 1
    image = np.moveaxis(SPECTRA[labels], -1, 0) + rng.normal(0, 0.04, (dates, 3, SIDE, SIDE))
    valid = np.ones((dates, SIDE, SIDE), bool)
    valid[:, :3, :3] = False
    labels[:3, :3] = 255
    return Sample(
        image=np.where(valid[:, None], image, 0).astype(np.float32),
        valid=valid,
        labels=labels,
        parcel_ids=parcel_ids,
        days=np.arange(dates, dtype=np.int32) + 17_700,
        bands=BANDS,
        origin=Origin(
            f"s{index}",
            "FR",
            2018,
            "31TEJ",
            ("S2",) * dates,
            make_grid("EPSG:32631", 320.0 * index, 0, 10, (SIDE, SIDE)),
        ),
    )


@pytest.fixture(scope="module")
def make_dataset(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Dataset]:
    def make(n: int = 24, *, dates: int | tuple[int, ...] = 1, blind: Sequence[int] = ()) -> Dataset:
        classes = tuple(
            ClassInfo(i, name, "#808080", name.title()) for i, name in enumerate(("background", "maize", "wheat"))
        )
        folder = tmp_path_factory.mktemp("dataset")
        info = DatasetInfo(classes, BANDS, SIDE, 10.0, "single", "L2A", {"level": "L2A"})
        writer = DatasetWriter(folder, info)
        for i in range(n):
            sample = field_sample(i, dates=dates if isinstance(dates, int) else dates[i % len(dates)])
            if i in blind:
                sample = replace(sample, labels=np.full_like(sample.labels, 255))
            writer.add(sample, {"cube": "c", "row": 0, "col": SIDE * i})
        writer.finish()
        return open_dataset(folder)

    return make


@pytest.fixture(scope="module")
def dataset(make_dataset: Callable[..., Dataset]) -> Dataset:
    return make_dataset()


def split_of(dataset: Dataset, *, train: int = 16, val: int = 4) -> Split:
    parts = ["train"] * train + ["val"] * val + ["test"] * (len(dataset) - train - val)
    table = pd.DataFrame({"sample_id": dataset.sample_ids, "part": parts, "block_id": "b", "reason": ""})
    none = np.array([], np.uint32)
    return Split(table, {"train": np.array([1], np.uint32), "val": none, "test": none})


def accuracy(dataset: Dataset, folder: Path, *, crops_only: bool = False) -> float:
    """Share of the labelled test pixels that are right; with `crops_only`, of the fields that were given a crop."""
    predictor = load_predictor(folder)
    right = labelled = 0
    for sample_id in split_of(dataset).sample_ids("test"):
        s = dataset.read(sample_id)
        predicted = predictor.predict_proba(s.image[None], s.valid[None], s.days[None])[0].argmax(0)
        judged = s.labels != 255
        if crops_only:
            judged &= (s.labels != 0) & (predicted != 0)
        right += int((predicted == s.labels)[judged].sum())
        labelled += int(judged.sum())
    return right / labelled


CLOCK = ("seconds", "samples_per_s", "data_wait_fraction")


def history(folder: Path) -> list[dict[str, float]]:
    """Without the fields that tell of the clock."""
    epochs = json.loads((folder / "history.json").read_text())["epochs"]
    return [{k: v for k, v in e.items() if k not in CLOCK} for e in epochs]


def weights(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


@pytest.fixture(scope="module")
def unet(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unet")
    train_model(dataset, split_of(dataset), UNET, QUICK, seed=5, folder=folder)
    return folder


def test_the_network_learns_and_leaves_a_whole_checkpoint(dataset: Dataset, unet: Path) -> None:
    assert sorted(p.name for p in unet.iterdir() if p.name != "tensorboard") == [
        "history.json",
        "history.jsonl",
        "model.json",
        "weights.safetensors",
    ]
    assert accuracy(dataset, unet) > 0.9
    epochs = history(unet)
    assert [e["epoch"] for e in epochs] == [1, 2, 3, 4]
    lines = [json.loads(line) for line in (unet / "history.jsonl").read_text().splitlines()]
    assert lines == json.loads((unet / "history.json").read_text())["epochs"]
    assert all(0 < e["data_wait_fraction"] < 1 for e in lines)
    assert epochs[-1]["train_loss"] < epochs[0]["train_loss"]
    about = json.loads((unet / "model.json").read_text())
    assert about["training"]["best_epoch"] == min(epochs, key=lambda e: e["val_loss"])["epoch"]
    assert about["classes"][2]["name"] == "wheat"
    assert about["training"]["n_train"] == 16
    check_predictor(load_predictor(unet))


def test_the_same_seed_gives_the_same_training(dataset: Dataset, unet: Path, tmp_path: Path) -> None:
    torch.manual_seed(123)  # the global state has no say
    torch.rand(3)
    before = torch.get_rng_state()
    train_model(dataset, split_of(dataset), UNET, QUICK, seed=5, folder=tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert history(tmp_path) == history(unet)
    assert weights(tmp_path) == weights(unet)


def test_a_killed_training_goes_on_and_ends_the_same(dataset: Dataset, unet: Path, tmp_path: Path) -> None:
    def kill(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(dataset, split_of(dataset), UNET, QUICK, seed=5, folder=tmp_path, on_epoch=kill)
    assert not (tmp_path / "model.json").exists()
    (tmp_path / ".weights.safetensors.1.tmp").write_bytes(b"half a file")
    seen: list[int] = []
    train_model(
        dataset, split_of(dataset), UNET, QUICK, seed=5, folder=tmp_path, on_epoch=lambda e: seen.append(e.epoch)
    )
    assert seen == [3, 4]
    assert history(tmp_path) == history(unet)
    assert weights(tmp_path) == weights(unet)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in unet.iterdir())


def test_a_state_of_another_training_is_not_taken_up(dataset: Dataset, tmp_path: Path) -> None:
    def kill(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(dataset, split_of(dataset), UNET, QUICK, seed=5, folder=tmp_path, on_epoch=kill)
    assert (tmp_path / STATE_FILE).exists()
    seen: list[int] = []
    short = QUICK.model_copy(update={"epochs": 1})
    train_model(
        dataset, split_of(dataset), UNET, short, seed=6, folder=tmp_path, on_epoch=lambda e: seen.append(e.epoch)
    )
    assert seen == [1]


def test_another_number_of_threads_goes_on_and_another_rate_starts_over(dataset: Dataset, tmp_path: Path) -> None:
    def kill(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    split, brief = split_of(dataset, train=4, val=1), QUICK.model_copy(update={"epochs": 2})
    with pytest.raises(KeyboardInterrupt):
        train_model(dataset, split, UNET, brief, seed=5, folder=tmp_path, on_epoch=kill)
    seen: list[int] = []
    others = brief.model_copy(update={"threads": 2, "pixels_per_class": 7})
    train_model(dataset, split, UNET, others, seed=5, folder=tmp_path, on_epoch=lambda e: seen.append(e.epoch))
    assert seen == [2]
    slower = brief.model_copy(update={"learning_rate": 1e-4})
    with pytest.raises(KeyboardInterrupt):
        train_model(dataset, split, UNET, slower, seed=5, folder=tmp_path, on_epoch=kill)
    assert not (tmp_path / "model.json").exists()  # it told of weights that are gone
    assert train_model(dataset, split, UNET, slower, seed=5, folder=tmp_path)["epochs"] == 2


@pytest.mark.parametrize(("part", "blind"), [("train", range(4)), ("val", range(4, 6))])
def test_a_part_without_a_label_is_refused(
    make_dataset: Callable[..., Dataset], tmp_path: Path, part: str, blind: range
) -> None:
    opened = make_dataset(7, blind=blind)
    with pytest.raises(NothingLeft, match=f"{len(blind)} samples of part '{part}' have no labelled pixel"):
        train_model(opened, split_of(opened, train=4, val=2), UNET, QUICK, seed=5, folder=tmp_path)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_class_weighs_nothing_or_more(weight: float) -> None:
    with pytest.raises(ValueError, match="class_weights"):
        TrainingOptions(class_weights={"maize": weight})
    assert TrainingOptions(class_weights={"maize": 0.0}).class_weights == {"maize": 0.0}


def test_a_finished_training_is_not_done_again(dataset: Dataset, unet: Path) -> None:
    def never(epoch: Epoch) -> None:
        raise AssertionError("trained again")

    before = (unet / "model.json").stat().st_mtime_ns
    summary = train_model(dataset, split_of(dataset), UNET, QUICK, seed=5, folder=unet, on_epoch=never)
    assert summary["epochs"] == 4
    assert (unet / "model.json").stat().st_mtime_ns == before


def test_bf16_and_standardized_bands_learn_too(dataset: Dataset, tmp_path: Path) -> None:
    model = ModelOptions(name="std", kind="unet4_gn", options={**NARROW, "standardize": "train"})
    options = QUICK.model_copy(update={"precision": "bf16"})
    train_model(dataset, split_of(dataset), model, options, seed=5, folder=tmp_path)
    assert accuracy(dataset, tmp_path) > 0.9
    statistics = json.loads((tmp_path / "model.json").read_text())["statistics"]
    images = [dataset.read(s) for s in split_of(dataset).sample_ids("train")]
    pixels = np.concatenate([s.image[0][:, s.valid[0]] for s in images], axis=1).astype(np.float64)
    assert statistics["mean"] == pytest.approx(pixels.mean(1).tolist(), rel=1e-9)
    assert statistics["std"] == pytest.approx(pixels.std(1).tolist(), rel=1e-6)


def test_the_forest_learns_and_repeats(dataset: Dataset, tmp_path: Path) -> None:
    summaries = [
        train_model(dataset, split_of(dataset), FOREST, QUICK, seed=5, folder=tmp_path / name) for name in ("a", "b")
    ]
    assert summaries[0]["n_pixels"] == summaries[1]["n_pixels"]
    assert summaries[0]["n_pixels"]["background"] == 16 * 200  # the cap a patch and class
    assert accuracy(dataset, tmp_path / "a") > 0.9
    image, valid = np.full((1, 1, 3, 8, 8), 0.2, np.float32), np.ones((1, 1, 8, 8), bool)
    days = np.zeros((1, 1), np.int32)
    a, b = (load_predictor(tmp_path / name).predict_proba(image, valid, days) for name in ("a", "b"))
    assert np.array_equal(a, b)
    check_predictor(load_predictor(tmp_path / "a"))


def test_time_series_are_stacked(make_dataset: Callable[..., Dataset], tmp_path: Path) -> None:
    series = make_dataset(8, dates=3)
    split = split_of(series, train=4, val=2)
    options = QUICK.model_copy(update={"epochs": 1})
    for model in (UNET, FOREST):
        train_model(series, split, model, options, seed=0, folder=tmp_path / model.name)
        predictor = load_predictor(tmp_path / model.name)
        assert predictor.n_dates == 3
        check_predictor(predictor)


@pytest.mark.parametrize("model", [UNET, FOREST], ids=lambda m: m.kind)
def test_shuffled_crops_are_not_learnt(dataset: Dataset, tmp_path: Path, model: ModelOptions) -> None:
    """Fields are still told from background; maize from wheat only by luck."""
    options = QUICK.model_copy(update={"permute_parcel_classes": True})
    train_model(dataset, split_of(dataset), model, options, seed=5, folder=tmp_path)
    assert accuracy(dataset, tmp_path, crops_only=True) < 0.75


def test_a_network_needs_a_val_part(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(NothingLeft, match="part 'val' of the split has no sample"):
        train_model(dataset, split_of(dataset, val=0), UNET, QUICK, seed=0, folder=tmp_path)


def test_training_stops_when_nothing_improves(dataset: Dataset, tmp_path: Path) -> None:
    options = QUICK.model_copy(update={"epochs": 50, "patience": 1, "learning_rate": 0.5})
    summary = train_model(dataset, split_of(dataset), UNET, options, seed=0, folder=tmp_path)
    assert summary["epochs"] < 50
    assert summary["epochs"] == summary["best_epoch"] + 1


STAR = ModelOptions(name="star", kind="convstar", options={"n_hidden": 8, "n_layers": 1})
TEMPCNN = ModelOptions(name="tempcnn", kind="tempcnn", options={"n_hidden": 16, "kernel_dates": 3, "dropout": 0.1})
BOOSTED = ModelOptions(name="xgb", kind="xgboost", options={"n_rounds": 10})
EVERYTHING = QUICK.model_copy(
    update={
        "epochs": 3,
        "optimizer": "adamw",
        "weight_decay": 0.01,
        "schedule": "cosine",
        "warmup_epochs": 1,
        "accumulate": 2,
        "clip_norm": 1.0,
        "drop_dates": 0.3,
        "sampling": "class_balanced",
        "pixels_per_patch": 64,
        "loss": "parcel_nll",
        "class_weights": "sen4agrinet",
    }
)


@pytest.mark.parametrize("model", [STAR, TEMPCNN], ids=lambda m: m.kind)
def test_with_every_choice_a_killed_training_ends_the_same(
    make_dataset: Callable[..., Dataset], tmp_path: Path, model: ModelOptions
) -> None:
    def kill(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    series = make_dataset(8, dates=3)
    split = split_of(series, train=5, val=2)
    train_model(series, split, model, EVERYTHING, seed=5, folder=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_model(series, split, model, EVERYTHING, seed=5, folder=tmp_path / "killed", on_epoch=kill)
    train_model(series, split, model, EVERYTHING, seed=5, folder=tmp_path / "killed")
    assert history(tmp_path / "killed") == history(tmp_path / "whole")
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    check_predictor(load_predictor(tmp_path / "whole"))


def test_a_network_on_pixels_learns(dataset: Dataset, tmp_path: Path) -> None:
    options = QUICK.model_copy(update={"epochs": 6, "learning_rate": 0.01})
    train_model(dataset, split_of(dataset), TEMPCNN, options, seed=5, folder=tmp_path)
    assert accuracy(dataset, tmp_path) > 0.85


def test_boosted_trees_learn_and_repeat(dataset: Dataset, tmp_path: Path) -> None:
    for name in ("a", "b"):
        train_model(dataset, split_of(dataset), BOOSTED, QUICK, seed=5, folder=tmp_path / name)
    assert accuracy(dataset, tmp_path / "a") > 0.85
    assert (tmp_path / "a" / "trees.ubj").read_bytes() == (tmp_path / "b" / "trees.ubj").read_bytes()


def test_series_of_different_lengths(make_dataset: Callable[..., Dataset], tmp_path: Path) -> None:
    """A model of variable dates takes them, padded; one of a fixed number refuses, and says which would do."""
    irregular = make_dataset(8, dates=(1, 2, 3))
    assert irregular.info.n_dates is None
    split = split_of(irregular, train=4, val=2)
    options = QUICK.model_copy(update={"epochs": 1, "batch_size": 3})
    train_model(irregular, split, STAR, options, seed=0, folder=tmp_path / "star")
    assert load_predictor(tmp_path / "star").n_dates is None
    for model in (TEMPCNN, BOOSTED):
        with pytest.raises(DataError, match="variable dates"):
            train_model(irregular, split, model, options, seed=0, folder=tmp_path / "refused")


def test_a_network_may_be_compiled(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same training; the compiler itself is torch's, here one that leaves the network as it is."""
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda network: compiled.append(network) or network)
    for name, chosen in (("plain", False), ("compiled", True)):
        options = QUICK.model_copy(update={"epochs": 1, "compile": chosen})
        train_model(dataset, split_of(dataset), TEMPCNN, options, seed=5, folder=tmp_path / name)
    assert len(compiled) == 1
    assert weights(tmp_path / "plain") == weights(tmp_path / "compiled")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(os.environ.get("CXX", "g++")) is None, reason="no C++ compiler on this machine")
def test_torch_s_own_compiler_trains_the_same_network(dataset: Dataset, tmp_path: Path) -> None:
    for name, chosen in (("plain", False), ("compiled", True)):
        options = QUICK.model_copy(update={"epochs": 2, "batch_size": 4, "compile": chosen})
        train_model(dataset, split_of(dataset), TEMPCNN, options, seed=5, folder=tmp_path / name)
    plain, compiled = history(tmp_path / "plain")[-1], history(tmp_path / "compiled")[-1]
    assert compiled["val_loss"] == pytest.approx(plain["val_loss"], rel=0.05)
    check_predictor(load_predictor(tmp_path / "compiled"))


def test_fp16_is_refused_where_the_cpu_has_no_instructions_for_it(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_fp16_supported", lambda: False)
    options = QUICK.model_copy(update={"precision": "fp16"})
    with pytest.raises(ConfigError, match="bf16 or fp32"):
        train_model(dataset, split_of(dataset), UNET, options, seed=5, folder=tmp_path)


def test_fp16_learns_and_a_killed_training_ends_the_same(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The arithmetic of float16, also where a CPU has to work around its missing instructions."""
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_fp16_supported", lambda: True)
    options = QUICK.model_copy(update={"precision": "fp16", "clip_norm": 1.0, "epochs": 3})
    split = split_of(dataset, train=8, val=2)
    model = UNET.model_copy(update={"options": UNet4Options(**NARROW)})

    def kill(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    train_model(dataset, split, model, options, seed=5, folder=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_model(dataset, split, model, options, seed=5, folder=tmp_path / "killed", on_epoch=kill)
    train_model(dataset, split, model, options, seed=5, folder=tmp_path / "killed")
    losses = [e["val_loss"] for e in history(tmp_path / "whole")]
    assert losses[-1] < 0.8 * losses[0]
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


def test_tensorboard_shows_every_epoch(dataset: Dataset, tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train_model(dataset, split_of(dataset), TEMPCNN, QUICK, seed=5, folder=tmp_path)
    shown = events.EventAccumulator(str(tmp_path / "tensorboard")).Reload().Scalars("val_loss")
    assert [s.step for s in shown] == [1, 2, 3, 4]
    assert [s.value for s in shown] == pytest.approx([e["val_loss"] for e in history(tmp_path)])

"""Two processes that train together take the steps of one with twice the batch."""

import json

import numpy as np
import psutil
import pytest
import torch
from safetensors.numpy import load_file

from bocage.core.errors import DataError
from bocage.models.checkpoint import load_predictor
from bocage.models.options import ModelOptions
from bocage.testing.predictors import check_predictor
from bocage.training.crew import crew, run_together
from bocage.training.options import TrainingOptions
from bocage.training.train import train_model
from tests.unit.training.test_train_model import dataset, make_dataset, split_of  # noqa: F401 - fixtures

UNET = ModelOptions(name="unet", kind="unet4_gn", options={"base_channels": 8, "groups": 4, "dropout": 0.0})
ALONE = TrainingOptions(epochs=2, batch_size=4, learning_rate=3e-3, threads=1, device="cpu", lr_patience=0)
TOGETHER = ALONE.model_copy(update={"batch_size": 2, "processes": 2})


@pytest.mark.slow
def test_two_processes_are_one_with_twice_the_batch(dataset, tmp_path):  # noqa: F811
    split = split_of(dataset, train=15, val=3)  # batches of 4, 4, 4 and 3; 2 and 1 samples to validate
    for name, options in (("alone", ALONE), ("together", TOGETHER)):
        train_model(dataset, split, UNET, options, seed=5, folder=tmp_path / name)
    alone, together = (load_file(tmp_path / name / "weights.safetensors") for name in ("alone", "together"))
    for name, weights in alone.items():
        np.testing.assert_allclose(together[name], weights, atol=2e-3, err_msg=name)
    epochs = [json.loads((tmp_path / n / "history.json").read_text())["epochs"] for n in ("alone", "together")]
    for one, two in zip(*epochs, strict=True):
        for score in ("train_loss", "val_loss", "val_miou", "learning_rate"):
            assert two[score] == pytest.approx(one[score], rel=2e-3), score
    check_predictor(load_predictor(tmp_path / "together"))


@pytest.mark.slow
def test_what_one_process_says_is_passed_on(dataset, tmp_path):  # noqa: F811
    with pytest.raises(DataError, match=r"(?s)Process \d of 2 .* 'val' of the split has no sample"):
        train_model(dataset, split_of(dataset, val=0), UNET, TOGETHER, seed=5, folder=tmp_path)


def listen(folder):
    """Work of one of several processes: write where this process and its launcher listen."""
    with crew("cpu") as together:
        assert together.total(torch.ones(1)).item() == together.size
        processes = [psutil.Process(), psutil.Process().parent()]
        where = [c.laddr.ip for p in processes for c in p.net_connections() if c.status == psutil.CONN_LISTEN]
        (folder / f"{together.rank}.json").write_text(json.dumps(where))


@pytest.mark.slow
def test_processes_that_train_together_listen_on_loopback_alone(tmp_path):
    run_together(2, listen, tmp_path)
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert all(found)
    assert {place for places in found for place in places} <= {"127.0.0.1", "::1"}

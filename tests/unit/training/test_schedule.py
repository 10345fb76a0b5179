"""The learning rate, epoch by epoch; torch's plateau as oracle."""

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from bocage.training.options import TrainingOptions
from bocage.training.schedule import learning_rate


def rates(options: TrainingOptions, n: int) -> list[float]:
    return [learning_rate(options, [1.0] * done) for done in range(n)]


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateau_is_torch_s(patience: int) -> None:
    losses = np.random.default_rng(patience).choice([0.5, 0.9, 1.0, 1.0 - 5e-5], 18).tolist()
    losses = [loss * 0.97**i for i, loss in enumerate(losses)]
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    oracle = ReduceLROnPlateau(optimizer, factor=0.5, patience=patience)
    options = TrainingOptions(learning_rate=0.01, lr_patience=patience)
    for done, loss in enumerate(losses):
        assert learning_rate(options, losses[:done]) == pytest.approx(optimizer.param_groups[0]["lr"])
        oracle.step(loss)


def test_step_goes_down_by_its_factor() -> None:
    options = TrainingOptions(schedule="step", step_epochs=2, lr_factor=0.1, learning_rate=1.0)
    assert rates(options, 5) == pytest.approx([1, 1, 0.1, 0.1, 0.01])


def test_cosine_warms_up_and_ends_near_zero() -> None:
    options = TrainingOptions(schedule="cosine", warmup_epochs=3, epochs=7, learning_rate=1.0)
    half = 0.5**0.5 / 2
    assert rates(options, 7) == pytest.approx([0.25, 0.5, 0.75, 1, 0.5 + half, 0.5, 0.5 - half])

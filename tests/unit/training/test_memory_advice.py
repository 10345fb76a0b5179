"""Out of memory says what to do; another error stays what it is."""

import pytest
import torch

from bocage.core.errors import DataError
from bocage.training.loop import _memory_advice
from bocage.training.options import TrainingOptions


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_gives_advice(error: RuntimeError) -> None:
    with (
        pytest.raises(DataError, match=r"batch_size 8 .*accumulate.*size_px.*bf16"),
        _memory_advice(TrainingOptions(batch_size=8)),
    ):
        raise error


def test_another_error_is_passed_on() -> None:
    with pytest.raises(RuntimeError, match="shapes"), _memory_advice(TrainingOptions()):
        raise RuntimeError("shapes differ")

"""What a network costs at least, and where its time goes. For `perf` only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

MATRIX = 512
MOST_SHOWN = 5
SHORT = {
    "mkldnn_convolution": "convolutions",
    "convolution_backward": "convolutions backward",
    "addmm": "linear layers",
}


def count_operations(work: Callable[[], Any]) -> int:
    """Multiplications and additions of the convolutions and matrix products in one call."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def products(n_operations: float, dtype: torch.dtype = torch.float32) -> Callable[[], None]:
    """Matrix products of about as many operations."""
    left, right = torch.randn(2, MATRIX, MATRIX).to(dtype)

    def multiply() -> None:
        for _ in range(max(1, round(n_operations / (2 * MATRIX**3)))):
            left @ right

    return multiply


def shares_of_time(work: Callable[[], Any]) -> dict[str, float]:
    """Operation -> share of the time of one call, the longest first."""
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        work()
    times = {e.key.removeprefix("aten::"): e.self_cpu_time_total for e in seen.key_averages()}
    longest = sorted(times.items(), key=lambda item: -item[1])[:MOST_SHOWN]
    return {SHORT.get(name, name): spent / sum(times.values()) for name, spent in longest}

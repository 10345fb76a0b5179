"""One training step of the full U-Net on the CPU: bf16 beside the plain step in fp32.

Both take steps of the `training` room's loop on the same patches from the same weights: forward, loss, backward, Adam.
The peer is what a script does that asks for nothing: float32 in torch's default memory layout. The limit multiplies
matrices in bf16 for as many operations as the step has.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch

from bocage.models.networks.initialize import initialize
from bocage.models.networks.predictor import arrange, logits
from bocage.models.options import UNet4Options
from bocage.models.zoo import MODELS, NetworkKind
from bocage.training.losses import loss_sums
from perf.frame import Entry
from perf.matrices import count_operations, products, shares_of_time

N_BANDS, N_CLASSES, BATCH, SIZE_PX = 10, 11, 2, 256
GOAL_RATIO = 1 / 2.2
LOSS_TOLERANCE = 0.02  # of the loss of the first step

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def make_batch(size_px: int) -> Batch:
    """image, valid, days, labels."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(BATCH, 1, N_BANDS, size_px, size_px, generator=generator)
    labels = torch.randint(N_CLASSES, (BATCH, size_px // 16, size_px // 16), generator=generator)
    labels = labels.repeat_interleave(16, 1).repeat_interleave(16, 2)
    return image, torch.ones(BATCH, 1, size_px, size_px) > 0, torch.zeros(BATCH, 1, dtype=torch.int32), labels


def step_of(batch: Batch, base_channels: int, precision: Literal["fp32", "bf16"], *, ours: bool) -> Callable[[], float]:
    """A step, which gives its loss; each call takes the next one."""
    kind = MODELS["unet4_gn"]
    assert isinstance(kind, NetworkKind)
    network = kind.build(UNet4Options(base_channels=base_channels, dropout=0.0), N_BANDS, 1, N_CLASSES)
    initialize(network, 0)
    if ours:
        network = arrange(network, device="cpu")
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=ours)
    weights = torch.ones(N_CLASSES)
    image, valid, days, labels = batch

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            output = logits(network, image, valid, days, size_multiple=kind.size_multiple)
        loss = loss_sums(output.float(), labels, weights).total(0.4)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def make_entry(folder: Path, *, size_px: int = SIZE_PX, base_channels: int = 48) -> Entry:
    batch = make_batch(size_px)
    n_operations = count_operations(step_of(batch, base_channels, "fp32", ours=False))
    ours = step_of(batch, base_channels, "bf16", ours=True)
    return Entry(
        name="unet_step",
        title=f"One training step of unet4_gn, {BATCH} patches of {size_px} x {size_px}, bf16",
        ours=ours,
        peer=step_of(batch, base_channels, "fp32", ours=False),
        peer_name="fp32 in torch's default layout",
        limit=products(n_operations, torch.bfloat16),
        limit_name=f"{n_operations / 1e9:.0f} GFLOP of bf16 matrix products",
        equal=lambda a, b: abs(a - b) <= LOSS_TOLERANCE * b,
        goal_ratio=GOAL_RATIO,
        profile=lambda: shares_of_time(ours),
    )

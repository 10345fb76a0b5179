"""Three ConvSTAR cells over a series, fp32: ours beside the textbook loop.

Forward, as in a map, with the weights and on the threads of both. The limit multiplies float32 matrices for as many
operations as ours has.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from bocage.models.networks.convstar import ConvStarCell
from bocage.models.networks.initialize import initialize
from perf.frame import Entry
from perf.matrices import count_operations, products, shares_of_time
from perf.reference_temporal import star_loop

N_DATES, N_BANDS, N_HIDDEN, SIZE_PX = 6, 10, 64, 128
GOAL_RATIO = 1 / 1.5
TOLERANCE = 1e-4


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    cells = nn.ModuleList(ConvStarCell(n, N_HIDDEN) for n in (N_BANDS, N_HIDDEN, N_HIDDEN))
    return beside_loop("convstar", cells, star_loop, size_px)


def beside_loop(name: str, cells: nn.ModuleList, loop: Callable[..., Tensor], size_px: int) -> Entry:
    """Cells on top of each other, beside the same cells date by date."""
    initialize(cells, 0)
    plain = copy.deepcopy(cells)  # the loop in torch's default layout, ours as `arrange` lays it out
    cells = cells.to(memory_format=torch.channels_last)
    x = torch.randn(1, N_DATES, N_BANDS, size_px, size_px, generator=torch.Generator().manual_seed(0))
    seen = torch.ones(1, N_DATES, dtype=torch.bool)

    @torch.inference_mode()
    def ours() -> Tensor:
        y = x
        for cell in cells:
            result = cell(y, seen)
            y = result[0] if isinstance(result, tuple) else result
        return y

    @torch.inference_mode()
    def peer() -> Tensor:
        y = x
        for cell in plain:
            y = loop(cell, y)
        return y

    n_operations = count_operations(ours)
    return Entry(
        name=name,
        title=f"{len(cells)} {name} cells over {N_DATES} dates of {size_px} x {size_px} pixels, fp32",
        ours=ours,
        peer=peer,
        peer_name="the textbook loop",
        limit=products(n_operations),
        limit_name=f"{n_operations / 1e9:.0f} GFLOP of fp32 matrix products",
        equal=lambda a, b: bool(torch.allclose(a, b, atol=TOLERANCE)),
        goal_ratio=GOAL_RATIO,
        profile=lambda: shares_of_time(ours),
    )

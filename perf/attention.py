"""Three transformer layers over the dates of single pixels, fp32: ours beside textbook attention.

Ours takes the pixels in pieces, as a map does. The limit multiplies float32 matrices for as many operations.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bocage.models.networks.initialize import initialize
from bocage.models.networks.per_pixel import CHUNK_ROWS_CPU
from bocage.models.networks.transformer import SeriesTransformer
from perf.frame import Entry
from perf.matrices import count_operations, products, shares_of_time
from perf.reference_temporal import attention

N_FEATURES, N_DATES, SIZE_PX = 10, 24, 64
GOAL_RATIO = 1 / 1.5
TOLERANCE = 1e-4


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    network = SeriesTransformer(
        N_FEATURES, N_DATES, 11, n_layers=3, n_heads=2, n_feedforward=1024, n_dense=512, dropout=0.1
    ).eval()
    initialize(network, 0)
    x = torch.randn(size_px**2, N_DATES, N_FEATURES, generator=torch.Generator().manual_seed(0))

    @torch.inference_mode()
    def ours() -> Tensor:
        return torch.cat([network.encoder(rows) for rows in x.split(CHUNK_ROWS_CPU)])

    @torch.inference_mode()
    def peer() -> Tensor:
        y = x
        for layer in network.encoder.layers:
            y = attention(layer, y)
        return y

    n_operations = count_operations(peer)
    return Entry(
        name="attention",
        title=f"Three transformer layers over {N_DATES} dates of {size_px} x {size_px} pixels, fp32",
        ours=ours,
        peer=peer,
        peer_name="textbook attention",
        limit=products(n_operations),
        limit_name=f"{n_operations / 1e9:.0f} GFLOP of fp32 matrix products",
        equal=lambda a, b: bool(torch.allclose(a, b, atol=TOLERANCE)),
        goal_ratio=GOAL_RATIO,
        profile=lambda: shares_of_time(ours),
    )

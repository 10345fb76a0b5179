"""Predicting with the full unet4_gn in bf16: ours beside fp32 in torch's default layout.

From reflectance to probabilities of every pixel. The limit multiplies matrices in bf16 for as many operations; the
goal is 0.9 of that speed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bocage.core.arrays import Float32
from bocage.models.networks.initialize import initialize
from bocage.models.networks.predictor import NetworkPredictor
from bocage.models.options import ModelOptions
from bocage.models.zoo import MODELS, NetworkKind
from perf.frame import Entry
from perf.matrices import count_operations, products, shares_of_time

BANDS = tuple(f"B{i:02}" for i in range(10))
CLASSES = tuple(f"c{i}" for i in range(11))
SIZE_PX = 256
GOAL_LIMIT_RATIO = 1 / 0.9
LEAST_EQUAL = 0.97  # share of pixels with one class; weights are random, so that many classes are all but tied


def make_entry(
    folder: Path,
    *,
    kind: str = "unet4_gn",
    n_dates: int = 1,
    size_px: int = SIZE_PX,
    options: dict[str, Any] | None = None,
) -> Entry:
    entry = MODELS[kind]
    assert isinstance(entry, NetworkKind)
    chosen = ModelOptions(name="m", kind=kind, options=options or {}).options

    def build() -> torch.nn.Module:
        network = entry.build(chosen, len(BANDS), n_dates, len(CLASSES))
        initialize(network, 0)
        return network.eval()

    predictor = NetworkPredictor(
        build(), bands=BANDS, class_names=CLASSES, n_dates=None, size_multiple=entry.size_multiple, precision="bf16"
    )
    plain = build()
    rng = np.random.default_rng(0)
    fields = rng.uniform(0, 0.5, (1, n_dates, len(BANDS), -(-size_px // 16), -(-size_px // 16)))
    image = fields.repeat(16, 3).repeat(16, 4)[..., :size_px, :size_px].astype(np.float32)
    valid = np.ones((1, n_dates, size_px, size_px), bool)
    days = np.arange(17_600, 17_600 + 20 * n_dates, 20, dtype=np.int32)[None]

    def ours() -> Float32:
        return predictor.predict_proba(image, valid, days)

    @torch.inference_mode()
    def peer() -> Float32:
        return plain(*(torch.from_numpy(a) for a in (image, valid, days))).softmax(1).numpy()

    n_operations = count_operations(peer)
    return Entry(
        name="inference" if kind == "unet4_gn" else f"inference_{kind}",
        title=f"Predicting {n_dates} x {size_px} x {size_px} pixels with {kind}, bf16",
        ours=ours,
        peer=peer,
        peer_name="fp32 in torch's default layout",
        limit=products(n_operations, torch.bfloat16),
        limit_name=f"{n_operations / 1e9:.0f} GFLOP of bf16 matrix products",
        equal=lambda a, b: float((a.argmax(1) == b.argmax(1)).mean()) >= LEAST_EQUAL,
        goal_limit_ratio=GOAL_LIMIT_RATIO,
        profile=lambda: shares_of_time(ours),
    )

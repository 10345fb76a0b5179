"""A network as a Predictor: padding, precision and memory layout stay in here. Pure; torch."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bocage.core.arrays import Bool, Float32, Int32
from bocage.core.errors import ConfigError
from bocage.models.predictor import check_input

Precision = Literal["fp32", "bf16", "fp16"]
HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def logits(network: nn.Module, image: Tensor, valid: Tensor, days: Tensor, *, size_multiple: int) -> Tensor:
    """Logits (B, K, H, W) for any H and W: edge pixels are repeated up to a multiple, the result is cropped."""
    height, width = image.shape[-2:]
    below, right = -height % size_multiple, -width % size_multiple
    if below or right:
        padded = F.pad(image.flatten(0, 1), (0, right, 0, below), mode="replicate")
        image = padded.view(*image.shape[:3], *padded.shape[-2:])
        valid = F.pad(valid, (0, right, 0, below), value=False)
    result: Tensor = network(image, valid, days)
    return result[..., :height, :width]


def arrange(network: nn.Module, *, device: str) -> nn.Module:
    """The network on its device, channels last: there convolutions are fastest (a U-Net on CPU takes 0.79 of the time
    in fp32, 0.79 in bf16)."""
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def computing_in(precision: Precision, device: str) -> torch.autocast:
    """Inside, convolutions and matrix products are of that precision; weights and sums stay float32.

    Raises:
        ConfigError: if fp16 is asked of a CPU without instructions for it, which takes far longer than fp32.
    """
    kind = torch.device(device).type
    if precision == "fp16" and kind == "cpu" and not torch.ops.mkldnn._is_mkldnn_fp16_supported():
        raise ConfigError(
            "precision fp16 was asked for, but this CPU has no fp16 instructions (AVX512-FP16 or AMX-FP16) and there "
            "is no GPU in use. Set precision bf16 or fp32."
        )
    return torch.autocast(kind, HALVES.get(precision), enabled=precision in HALVES)


class NetworkPredictor:
    """A trained network behind the Predictor protocol.

    `precision="bf16"` computes convolutions in bfloat16; probabilities are float32 either way. `reach_px` is 0 of a
    network on single pixels.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        bands: tuple[str, ...],
        class_names: tuple[str, ...],
        n_dates: int | None,
        size_multiple: int,
        reach_px: int | None = None,
        device: str = "cpu",
        precision: Precision = "fp32",
    ) -> None:
        self.bands, self.class_names, self.n_dates = bands, class_names, n_dates
        self.reach_px = reach_px
        self._network = arrange(network, device=device).eval()
        self._size_multiple, self._device, self._precision = size_multiple, device, precision

    @torch.inference_mode()
    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        check_input(self, image, valid, days)
        tensors = [
            torch.from_numpy(np.require(a, requirements=["C", "W"])).to(self._device) for a in (image, valid, days)
        ]
        with computing_in(self._precision, self._device):
            result = logits(self._network, tensors[0], tensors[1], tensors[2], size_multiple=self._size_multiple)
        probabilities: Float32 = torch.softmax(result.float(), dim=1).contiguous().cpu().numpy()
        return probabilities

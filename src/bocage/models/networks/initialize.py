"""Weights of a fresh network from a seed, whatever the state of torch's global generator. Pure; torch."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import nn

NORMS = (nn.GroupNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)


@runtime_checkable
class HasOwnWeights(Protocol):
    """A module with weights of its own, which it can fill."""

    def initialize(self, generator: torch.Generator) -> None: ...


def initialize(network: nn.Module, seed: int) -> None:
    """Fill all weights in place: He's normal initialisation for convolutions and linear layers, zero bias.

    Convolutions in front of a ReLU keep the variance of their input (He et al. 2015); normalisation layers start as the
    identity; LSTM layers uniformly within 1/√hidden, attention by Glorot and Bengio (2010), as torch does.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, NORMS) and module.weight is not None:
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LSTM):
            for weight in module.parameters():
                nn.init.uniform_(weight, -(module.hidden_size**-0.5), module.hidden_size**-0.5, generator=generator)
        elif isinstance(module, nn.MultiheadAttention):
            nn.init.xavier_uniform_(module.in_proj_weight, generator=generator)
            nn.init.zeros_(module.in_proj_bias)
        elif isinstance(module, HasOwnWeights):
            module.initialize(generator)


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)

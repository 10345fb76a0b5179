"""Weights of a fresh network from a seed, whatever the state of torch's global generator. Pure; torch."""

from __future__ import annotations

import torch
from torch import nn


def initialize(network: nn.Module, seed: int) -> None:
    """Fill all weights in place: He's normal initialisation for convolutions and linear layers, zero bias.

    Convolutions in front of a ReLU keep the variance of their input (He et al. 2015); normalisation layers start as the
    identity.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.GroupNorm, nn.BatchNorm2d, nn.LayerNorm)) and module.weight is not None:
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)

"""Temporal cells and attention as the textbooks write them, over the weights of our layers. For `perf` only.

Date after date, input and hidden state side by side in one convolution; all pairs of dates in one matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bocage.models.networks.convlstm import ConvLstmCell
from bocage.models.networks.convstar import ConvStarCell


def star_loop(cell: ConvStarCell, x: Tensor) -> Tensor:
    """Hidden states (B, T, F, H, W) of x (B, T, C, H, W)."""
    b, t, _, h, w = x.shape
    hidden = x.new_zeros(b, cell.candidate.out_channels, h, w)
    steps = []
    for date in range(t):
        k = cell.gate(torch.cat([x[:, date], hidden], dim=1)).sigmoid()
        z = cell.candidate(x[:, date]).tanh()
        hidden = ((1 - k) * hidden + k * z).tanh()
        steps.append(hidden)
    return torch.stack(steps, dim=1)


def lstm_loop(cell: ConvLstmCell, x: Tensor) -> Tensor:
    """The same of a convolutional LSTM."""
    b, t, _, h, w = x.shape
    hidden = memory = x.new_zeros(b, cell.n_hidden, h, w)
    steps = []
    for date in range(t):
        i, f, g, o = cell.norm(cell.gates(torch.cat([x[:, date], hidden], dim=1))).chunk(4, dim=1)
        memory = f.sigmoid() * memory + i.sigmoid() * g.tanh()
        hidden = o.sigmoid() * memory.tanh()
        steps.append(hidden)
    return torch.stack(steps, dim=1)


def attention(layer: nn.TransformerEncoderLayer, x: Tensor) -> Tensor:
    """One encoder layer on x (N, T, F): all scores, softmax, weighted sum, two linear layers, norms behind."""
    heads = layer.self_attn
    query, key, value = (
        part.unflatten(2, (heads.num_heads, -1)).transpose(1, 2)
        for part in nn.functional.linear(x, heads.in_proj_weight, heads.in_proj_bias).chunk(3, dim=2)
    )
    weights = (query @ key.transpose(2, 3) / query.shape[-1] ** 0.5).softmax(3)
    x = layer.norm1(x + heads.out_proj((weights @ value).transpose(1, 2).flatten(2)))
    return layer.norm2(x + layer.linear2(layer.linear1(x).relu()))

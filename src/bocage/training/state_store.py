"""The state of an unfinished training on disk, so that a killed run goes on. IO: one safetensors file, no pickle.

Network, optimiser and notes stand in one file that is renamed when whole, so they never tell of different epochs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from bocage.core.errors import CorruptFile
from bocage.models.checkpoint import save_tensors

STATE_FILE = "training-state.safetensors"


def write_state(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, notes: dict[str, Any]) -> None:
    """Write all tensors of network and optimiser, and `notes` (JSON-like), whole or not at all."""
    tensors = {f"network/{name}": tensor for name, tensor in network.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{name}": tensor for name, tensor in state.items()}
    save_tensors(tensors, path, notes={"notes": json.dumps(notes)})


def read_notes(path: Path) -> dict[str, Any] | None:
    """The notes of a state file, None if there is none.

    Raises:
        CorruptFile: if the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            notes: dict[str, Any] = json.loads(file.metadata()["notes"])
            return notes
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CorruptFile(f"{path} is damaged ({error}). Delete it; the training then starts over.") from error


@torch.no_grad()
def read_state(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Put the tensors of a state file into a network and a fresh optimiser over its parameters."""
    weights: dict[str, Tensor] = {}
    moments: dict[int, dict[str, Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 - not a mapping
            owner, _, name = key.partition("/")
            if owner == "network":
                weights[name] = file.get_tensor(key)
            else:
                index, _, name = name.partition("/")
                moments.setdefault(int(index), {})[name] = file.get_tensor(key)
    network.load_state_dict(weights)
    for index, parameter in enumerate(network.parameters()):
        for name, tensor in moments[index].items():
            if tensor.shape == parameter.shape:  # the fused Adam needs moments in the memory layout of the weights
                moments[index][name] = torch.empty_like(parameter).copy_(tensor)
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})

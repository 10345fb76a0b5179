"""The zoo as a table. Pure; torch builds the networks on the meta device, without memory."""

from __future__ import annotations

from typing import Any

import torch

from bocage.models.networks.initialize import count_parameters
from bocage.models.zoo import MODELS, NetworkKind

N_BANDS, N_DATES, N_CLASSES = 10, 1, 11  # the EuroCrops paper's setting


def describe_models() -> list[dict[str, Any]]:
    """One row a kind. `n_parameters` is at the paper's setting; None where it grows with the data."""
    rows = []
    for name, kind in MODELS.items():
        n_parameters = None
        if isinstance(kind, NetworkKind):
            with torch.device("meta"):
                n_parameters = count_parameters(kind.build(kind.options(), N_BANDS, N_DATES, N_CLASSES))
        rows.append(
            {
                "name": name,
                "family": kind.family,
                "input": kind.input,
                "dates": kind.dates,
                "n_parameters": n_parameters,
                "source": kind.source,
            }
        )
    return rows

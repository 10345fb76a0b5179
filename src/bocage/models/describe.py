"""The zoo as a table. Pure; torch builds the networks on the meta device, without memory."""

from __future__ import annotations

from typing import Any

import torch

from bocage.models.networks.initialize import count_parameters
from bocage.models.zoo import MODELS, NetworkKind


def describe_models() -> list[dict[str, Any]]:
    """One row a kind. `n_parameters` is at the setting of its paper; None where it grows with the data."""
    rows = []
    for name, kind in MODELS.items():
        n_parameters = None
        if isinstance(kind, NetworkKind):
            with torch.device("meta"):
                paper = kind.paper
                n_parameters = count_parameters(
                    kind.build(kind.options(), paper.n_bands, paper.n_dates, paper.n_classes)
                )
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

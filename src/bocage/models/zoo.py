"""Every kind of model: importing this module fills the registry. A new kind is one file, named here. Pure."""

from __future__ import annotations

from bocage.models.networks import (  # noqa: F401
    bilstm,
    conv1d_unet,
    convlstm,
    convstar,
    s4a_unet,
    tempcnn,
    transformer,
    unet4_gn,
    utae,
)
from bocage.models.registry import MODELS, TREE_KINDS, BoosterKind, ForestKind, ModelKind, NetworkKind
from bocage.models.trees import boosted, forests  # noqa: F401

__all__ = ["MODELS", "TREE_KINDS", "BoosterKind", "ForestKind", "ModelKind", "NetworkKind"]

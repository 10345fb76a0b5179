"""Every kind of model: importing this module fills the registry. A new kind is one file, named here. Pure."""

from __future__ import annotations

from bocage.models.networks import unet4_gn  # noqa: F401
from bocage.models.registry import MODELS, ForestKind, ModelKind, NetworkKind
from bocage.models.trees import forests  # noqa: F401

__all__ = ["MODELS", "ForestKind", "ModelKind", "NetworkKind"]

"""The libraries of models, which the extra `train` installs. Nothing of them is imported here."""

from __future__ import annotations

from importlib.util import find_spec

MODEL_LIBRARIES = ("torch", "safetensors", "sklearn", "skops", "xgboost")


def check_libraries() -> None:
    """Before anything is built for models that could then not be trained.

    Raises:
        ModuleNotFoundError: naming the first one that is not installed.
    """
    for name in MODEL_LIBRARIES:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

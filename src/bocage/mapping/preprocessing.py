"""Was a cube made as the model's training data were? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bocage.core.digest import canonical_json
from bocage.core.errors import DataError


def check_preprocessing(expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Refuse imagery that was prepared otherwise than the training data.

    Args:
        expected: the model's record: bands, level, resampling, … (`preprocessing` of its model.json).
        found: the same of the imagery to be mapped. It may have more bands.

    Raises:
        DataError: naming every difference.
    """
    differences = [
        f"{key}: trained on {_text(expected[key])}, mapping {_text(found.get(key))}"
        for key in expected
        if not _agrees(key, expected[key], found.get(key))
    ]
    if differences:
        raise DataError(
            f"The imagery is not prepared as the model's training data were ({'; '.join(differences)}). "
            "Build the cube with the options of the training run, or train on data prepared like this."
        )


def _agrees(key: str, expected: Any, found: Any) -> bool:
    if key == "bands":
        return set(expected) <= set(found or ())
    return canonical_json(expected) == canonical_json(found)


def _text(value: Any) -> str:
    if value is None:
        return "unknown"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

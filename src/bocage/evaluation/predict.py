"""A Predictor on a batch: does it fit the data, and what does it say. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bocage.core.arrays import Bool, Float32, Int32
from bocage.core.errors import ConfigError, DataError, MissingBand
from bocage.models.predictor import Predictor


def check_predictor(name: str, predictor: Predictor, bands: Sequence[str], class_names: Sequence[str]) -> None:
    """Refuse a model whose bands or classes are not those of the data.

    Raises:
        MissingBand: if the data lack a band of the model.
        ConfigError: if the class lists differ.
    """
    if missing := [band for band in predictor.bands if band not in bands]:
        raise MissingBand(
            f"Model '{name}' reads {', '.join(predictor.bands)}, but the data have {', '.join(bands)}; "
            f"missing: {', '.join(missing)}. Build the data with these bands."
        )
    if tuple(predictor.class_names) != tuple(class_names):
        raise ConfigError(
            f"Model '{name}' knows the classes {', '.join(predictor.class_names)}, but the data have "
            f"{', '.join(class_names)}. Build the data with the taxonomy that the model was trained on."
        )


def predict(name: str, predictor: Predictor, image: Float32, valid: Bool, days: Int32, bands: Sequence[str]) -> Float32:
    """Probabilities (B, K, H, W) of one model, its bands picked from the data's by name.

    Args:
        image: (B, T, C, H, W) reflectance with C = `bands`.
        valid: (B, T, H, W).
        days: (B, T).

    Raises:
        DataError: if the model was made for another number of dates.
    """
    n_dates = image.shape[1]
    if predictor.n_dates not in (None, n_dates):
        raise DataError(
            f"Model '{name}' takes {predictor.n_dates} dates, but a sample has {n_dates}. "
            "Evaluate it on a data set built with the same dates."
        )
    order = [bands.index(band) for band in predictor.bands]
    chosen = image if order == list(range(len(bands))) else image[:, :, order]
    return np.asarray(predictor.predict_proba(chosen, valid, days), dtype=np.float32)

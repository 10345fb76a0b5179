"""The Predictor: what evaluation and mapping see of any model. Pure; numpy only.

A forest, a network, a wrapped or an exported model look the same: reflectance in, class probabilities out.
"""

from __future__ import annotations

from typing import Protocol

from bocage.core.arrays import Bool, Float32, Int32
from bocage.core.errors import GridMismatch


class Predictor(Protocol):
    """A trained model.

    `n_dates` is the number of dates that the model takes, None if it takes any. A model of single pixels, or of what is
    near them, may also have `reach_px`: see `reach_of`.
    """

    @property
    def bands(self) -> tuple[str, ...]: ...

    @property
    def class_names(self) -> tuple[str, ...]: ...

    @property
    def n_dates(self) -> int | None: ...

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        """Class probabilities of every pixel.

        Args:
            image: (B, T, C, H, W) float32 surface reflectance, unitless, bands in the order of `bands`; 0 where not
                valid. H and W may be any size.
            valid: (B, T, H, W) bool, True where the observation is usable.
            days: (B, T) int32 days since 1970-01-01.

        Returns:
            (B, K, H, W) float32, K = len(class_names), background first; sums to one over K.

        Raises:
            GridMismatch: if the shapes disagree with each other, or with `bands` or `n_dates`.
        """
        ...


def reach_of(predictor: Predictor) -> int | None:
    """How many pixels from a pixel what the model says of it may depend on; None: on anything in the patch.

    A Predictor may say so in an attribute `reach_px`: 0 of a model of single pixels.
    """
    reach: int | None = getattr(predictor, "reach_px", None)
    return reach


def check_input(predictor: Predictor, image: Float32, valid: Bool, days: Int32) -> None:
    """Raise GridMismatch unless the three arrays fit each other and the model."""
    if image.ndim != 5:
        raise GridMismatch(f"a model takes (batch, time, band, y, x), got an array of shape {image.shape}")
    b, t, c, h, w = image.shape
    if valid.shape != (b, t, h, w) or days.shape != (b, t):
        raise GridMismatch(f"image is {image.shape}, but valid is {valid.shape} and days are {days.shape}")
    if t == 0:
        raise GridMismatch(f"a model takes at least one date, the image is {image.shape} (batch, time, band, y, x)")
    if c != len(predictor.bands):
        bands = " ".join(predictor.bands)
        raise GridMismatch(f"the model takes {len(predictor.bands)} bands ({bands}), the image has {c}")
    if predictor.n_dates not in (None, t):
        raise GridMismatch(
            f"the model takes {predictor.n_dates} date(s), the image has {t}. Give it the dates it was trained with."
        )

"""Predictors made of Predictors: the eight orientations of a window, the mean of several models. Pure; numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bocage.core.arrays import AnyArray, Bool, Float32, Int32
from bocage.core.errors import ConfigError
from bocage.models.predictor import Predictor, check_input, reach_of

ORIENTATIONS = tuple((turned, down, right) for turned in (False, True) for down in (1, -1) for right in (1, -1))


class Augmented:
    """A Predictor that sees each window in its eight orientations and gives the mean.

    A window has no preferred side, so what a model says of it should not depend on how it is laid; the mean does not.
    """

    def __init__(self, inner: Predictor) -> None:
        self._inner = inner
        self.bands, self.class_names, self.n_dates = inner.bands, inner.class_names, inner.n_dates
        self.reach_px = reach_of(inner)

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        check_input(self, image, valid, days)
        total = np.zeros((len(image), len(self.class_names), *image.shape[-2:]), np.float32)
        for orientation in ORIENTATIONS:
            laid, usable = (np.ascontiguousarray(lay(a, orientation)) for a in (image, valid))
            total += lay_back(self._inner.predict_proba(laid, usable, days), orientation)
        total /= len(ORIENTATIONS)
        return total


def lay(array: AnyArray, orientation: tuple[bool, int, int]) -> AnyArray:
    """Turn the last two axes (y, x): transposed or not, then upside down or not, then mirrored or not."""
    turned, down, right = orientation
    array = array.swapaxes(-1, -2) if turned else array
    return array[..., ::down, ::right]


def lay_back(array: AnyArray, orientation: tuple[bool, int, int]) -> AnyArray:
    """Undo `lay`."""
    turned, down, right = orientation
    array = array[..., ::down, ::right]
    return array.swapaxes(-1, -2) if turned else array


class Ensemble:
    """The mean of the probabilities of several Predictors.

    They must name the same classes in the same order and take the same number of dates; each gets its own bands.

    Raises:
        ConfigError: if they do not fit each other.
    """

    def __init__(self, members: Sequence[Predictor]) -> None:
        first, dates = members[0], {m.n_dates for m in members if m.n_dates is not None}
        for member in members[1:]:
            if member.class_names != first.class_names:
                raise ConfigError(
                    f"An ensemble needs one list of classes, got {', '.join(first.class_names)} and "
                    f"{', '.join(member.class_names)}. Train its models on one data set."
                )
        if len(dates) > 1:
            raise ConfigError(
                f"An ensemble needs models of one number of dates, got {sorted(dates)}. Leave out what differs."
            )
        self._members = tuple(members)
        self.class_names, self.n_dates = first.class_names, next(iter(dates), None)
        self.bands = tuple(dict.fromkeys(band for m in members for band in m.bands))
        reaches = [reach_of(member) for member in members]
        self.reach_px = None if None in reaches else max(r for r in reaches if r is not None)

    def predict_proba(self, image: Float32, valid: Bool, days: Int32) -> Float32:
        check_input(self, image, valid, days)
        total = np.zeros((len(image), len(self.class_names), *image.shape[-2:]), np.float32)
        for member in self._members:
            order = [self.bands.index(band) for band in member.bands]
            total += member.predict_proba(image[:, :, order], valid, days)
        total /= len(self._members)
        return total

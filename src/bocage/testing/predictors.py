"""The contract of every Predictor, as one check that a model of your own can run. Pure.

check_predictor(load_predictor(Path("checkpoint/mine")))
"""

from __future__ import annotations

import numpy as np

from bocage.core.arrays import Bool, Float32, Int32
from bocage.core.errors import GridMismatch
from bocage.models.predictor import Predictor, reach_of

SIZES_PX = ((16, 16), (17, 23), (1, 1), (5, 40))


def check_predictor(predictor: Predictor, *, n_dates: int = 3, seed: int = 0) -> None:
    """Raise AssertionError unless `predictor` keeps what `Predictor` promises.

    Any height and width; float32 probabilities that sum to one; all-invalid input; the same answer twice, and the same
    for a patch alone as in a batch; wrong bands, dates and shapes refused. Where any number of dates goes, `n_dates`
    and one are tried, and dates without a valid pixel, before, between or behind the others, change nothing. What lies
    beyond the reach that a Predictor claims changes nothing either.
    """
    assert len(set(predictor.bands)) == len(predictor.bands) > 0
    assert len(set(predictor.class_names)) == len(predictor.class_names) > 1
    t = predictor.n_dates or n_dates
    rng = np.random.default_rng(seed)
    for size in SIZES_PX:
        image, valid, days = _input(rng, predictor, t, size)
        before = image.copy()
        result = predictor.predict_proba(image, valid, days)
        assert np.array_equal(image, before), "the input was changed"
        _check_probabilities(result, (2, len(predictor.class_names), *size))
        assert np.array_equal(result, predictor.predict_proba(image, valid, days)), "two calls, two answers"
        alone = predictor.predict_proba(image[:1], valid[:1], days[:1])
        assert np.allclose(alone[0], result[0], atol=2e-3), "a patch alone is judged otherwise than in a batch"
    _check_reach(predictor, *_input(rng, predictor, t, (9, 40)))
    image, valid, days = _input(rng, predictor, t, (16, 16))
    nothing = predictor.predict_proba(np.zeros_like(image), np.zeros_like(valid), days)
    _check_probabilities(nothing, (2, len(predictor.class_names), 16, 16))
    _check_refused(predictor, image[:, :, :-1], valid, days, "a band is missing")
    _check_refused(predictor, image, valid[..., :-1], days, "valid is narrower than the image")
    _check_refused(predictor, image[:, :0], valid[:, :0], days[:, :0], "there is no date")
    if predictor.n_dates is not None:
        longer = (np.repeat(image, 2, axis=1), np.repeat(valid, 2, axis=1), np.repeat(days, 2, axis=1))
        _check_refused(predictor, *longer, why="there are too many dates")
    else:
        one = predictor.predict_proba(image[:, :1], valid[:, :1], days[:, :1])
        _check_probabilities(one, (2, len(predictor.class_names), 16, 16))
        _check_padding(predictor, image, valid, days)


def _input(
    rng: np.random.Generator, predictor: Predictor, t: int, size: tuple[int, int]
) -> tuple[Float32, Bool, Int32]:
    """Two patches with a tenth of their pixels missing."""
    valid = rng.random((2, t, *size)) < 0.9
    image = rng.uniform(0, 0.5, (2, t, len(predictor.bands), *size)).astype(np.float32)
    days = np.sort(rng.integers(17_000, 18_000, (2, t)), axis=1).astype(np.int32)
    return np.where(valid[:, :, None], image, np.float32(0)), valid, days


def _check_probabilities(result: Float32, shape: tuple[int, ...]) -> None:
    assert result.dtype == np.float32, f"probabilities are {result.dtype}, not float32"
    assert result.shape == shape, f"probabilities are {result.shape}, not {shape}"
    assert np.isfinite(result).all(), "a probability is not finite"
    assert result.min() >= 0, "a probability is negative"
    assert np.allclose(result.sum(1), 1, atol=1e-4), "probabilities do not sum to one"


def _check_padding(predictor: Predictor, image: Float32, valid: Bool, days: Int32) -> None:
    plain, t = predictor.predict_proba(image, valid, days), days.shape[1]
    for places in (np.full(t, t), np.arange(1, t), np.arange(t)):
        on = days[:, np.minimum(places, t - 1)]
        padded = predictor.predict_proba(
            np.insert(image, places, 0, axis=1), np.insert(valid, places, False, axis=1), np.insert(days, places, on, 1)
        )
        assert np.allclose(padded, plain, atol=2e-3), "dates without a valid pixel change the answer"


def _check_reach(predictor: Predictor, image: Float32, valid: Bool, days: Int32) -> None:
    """Columns are cut off on the left: only those next to the cut may be judged otherwise."""
    reach, cut = reach_of(predictor), 7
    if reach is not None:
        whole, part = (
            predictor.predict_proba(image, valid, days),
            predictor.predict_proba(image[..., cut:], valid[..., cut:], days),
        )
        assert np.allclose(whole[..., cut + reach :], part[..., reach:], atol=2e-3), f"reaches beyond {reach} pixels"


def _check_refused(predictor: Predictor, image: Float32, valid: Bool, days: Int32, why: str) -> None:
    try:
        predictor.predict_proba(image, valid, days)
    except GridMismatch:
        return
    raise AssertionError(f"not refused with GridMismatch, though {why}")

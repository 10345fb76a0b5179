"""Features of a pixel, on images small enough to compute by hand."""

import numpy as np
import pytest

from bocage.core.bands import DEFAULT_BANDS
from bocage.core.errors import ConfigError
from bocage.models.trees.features import PixelFeatures, local_statistics


def test_the_paper_s_26_features() -> None:
    plan = PixelFeatures(DEFAULT_BANDS, ("B04", "B08", "B11", "B12"), (3, 7))
    assert plan.count(1) == 26
    assert PixelFeatures(DEFAULT_BANDS).count(1) == 10
    image = np.random.default_rng(0).random((1, 10, 9, 8), dtype=np.float32)
    assert plan(image, np.ones((1, 9, 8), bool)).shape == (26, 9, 8)


def test_order_dates_then_means_then_deviations() -> None:
    image = np.array([[[[1, 2, 3]], [[5, 5, 5]]], [[[4, 4, 4]], [[0, 3, 6]]]], np.float32)  # 2 dates, 2 bands, 1 × 3
    features = PixelFeatures(("B04", "B08"), ("B08",), (3,))(image, np.ones((2, 1, 3), bool))
    assert features[:, 0].tolist() == pytest.approx(
        np.array(
            [
                [1, 2, 3],  # first date, B04
                [5, 5, 5],  # first date, B08
                [4, 4, 4],
                [0, 3, 6],
                [5, 5, 5],  # first date: mean of B08; the border is mirrored
                [0, 0, 0],  # its deviation
                [1, 3, 5],  # second date: (0 + 0 + 3) / 3, (0 + 3 + 6) / 3, (3 + 6 + 6) / 3
                [2**0.5, 6**0.5, 2**0.5],
            ]
        ),
        abs=1e-6,
    )


def test_missing_pixels_do_not_count() -> None:
    image = np.array([[[0.2, 0.0, 0.4, 0.0, 0.0, 0.0]]], np.float32)
    valid = np.array([[True, False, True, False, False, False]])
    mean, std = local_statistics(image, valid, 3)
    assert mean[0, 0].tolist() == pytest.approx([0.2, 0.3, 0.4, 0.4, 0, 0])
    assert std[0, 0].tolist() == pytest.approx([0, 0.1, 0, 0, 0, 0], abs=1e-7)


def test_a_small_deviation_on_a_bright_field_is_kept() -> None:
    image = np.float32(3000) + np.tile(np.array([0.0, 0.5], np.float32), (1, 8, 4))
    _, std = local_statistics(image, np.ones((8, 8), bool), 3)
    inner = std[0, 3, 3:5]
    assert inner == pytest.approx([0.5 * np.sqrt(2) / 3] * 2, rel=1e-6)


def test_a_band_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"context_bands asks for B11, but the data set has B02, B04"):
        PixelFeatures(("B02", "B04"), ("B04", "B11"), (3,))

"""Local statistics against scipy's general filters, window by window."""

import numpy as np
import pytest
from scipy.ndimage import generic_filter

from bocage.models.trees.features import local_statistics


@pytest.mark.parametrize("side_px", [3, 7, 11])
def test_equal_to_numpy_in_each_window(side_px: int) -> None:
    image = np.random.default_rng(side_px).normal(0.3, 0.1, (2, 19, 14)).astype(np.float32)
    mean, std = local_statistics(image, np.ones((19, 14), bool), side_px)
    for band in range(2):
        for found, function in ((mean, np.mean), (std, np.std)):
            expected = generic_filter(image[band].astype(np.float64), function, size=side_px, mode="reflect")
            np.testing.assert_allclose(found[band], expected, atol=2e-7)


def test_equal_with_missing_pixels() -> None:
    rng = np.random.default_rng(1)
    image, valid = rng.random((1, 15, 15)).astype(np.float32), rng.random((15, 15)) < 0.7
    holes = np.where(valid, image[0].astype(np.float64), np.nan)
    mean, std = local_statistics(image, valid, 5)
    np.testing.assert_allclose(mean[0], generic_filter(holes, np.nanmean, size=5, mode="reflect"), atol=2e-7)
    np.testing.assert_allclose(std[0], generic_filter(holes, np.nanstd, size=5, mode="reflect"), atol=2e-7)

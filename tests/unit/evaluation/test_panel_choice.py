"""Few pictures, most classes."""

import numpy as np

from bocage.core.sample import Origin, Sample
from bocage.evaluation.panels import choose_panels, to_rgb


def test_samples_that_add_classes_come_first_and_a_ground_comes_once() -> None:
    px = np.array([[9, 0, 0, 0], [5, 4, 0, 0], [5, 4, 0, 0], [0, 3, 3, 0], [8, 0, 0, 1], [0, 0, 0, 0]])
    grounds = ["a", "b", "b", "c", "d", "e"]
    assert choose_panels(px, grounds, 3) == [3, 4, 1]
    assert choose_panels(px, grounds, 9) == [3, 4, 1, 0]


def test_true_colour_is_stretched_and_unseen_pixels_are_black() -> None:
    image = np.zeros((1, 3, 1, 4), np.float32)
    image[0, 2, 0] = [0.1, 0.2, 0.3, 0.0]  # B04
    valid = np.array([[[True, True, True, False]]])
    origin = Origin("s", "", 0, "", (), None)
    zeros = np.zeros((1, 4), np.uint8)
    bands = ("B02", "B03", "B04")
    picture = to_rgb(Sample(image, valid, zeros, zeros.astype(np.uint32), np.zeros(1, np.int32), bands, origin))
    assert picture.shape == (1, 4, 3)
    assert picture[0, :, 0].tolist() == [90, 180, 255, 0]  # the 98th percentile of the nine values is 0.284
    assert not picture[0, :, 1:].any()

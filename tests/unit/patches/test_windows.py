"""Where windows lie."""

import pytest

from bocage.core.errors import PatchLargerThanImage
from bocage.patches.windows import plan_windows


def corners(*args: object, **choices: object) -> list[tuple[int, int]]:
    return [(w.row, w.col) for w in plan_windows(*args, **choices)]  # type: ignore[arg-type]


def test_windows_that_fit_exactly() -> None:
    assert corners((4, 6), 2) == [(0, 0), (0, 2), (0, 4), (2, 0), (2, 2), (2, 4)]


def test_a_remainder_is_covered_by_windows_at_the_border() -> None:
    assert corners((5, 4), 3) == [(0, 0), (0, 1), (2, 0), (2, 1)]
    assert corners((5, 4), 3, border=False) == [(0, 0)]


def test_a_stride_makes_windows_overlap() -> None:
    assert corners((3, 7), 3, 2) == [(0, 0), (0, 2), (0, 4)]


def test_the_image_itself_may_be_one_window() -> None:
    assert corners((4, 4), 4) == [(0, 0)]


def test_a_patch_larger_than_the_image_says_what_fits() -> None:
    with pytest.raises(PatchLargerThanImage, match=r"256 x 256.*353 rows x 232 columns.*size_px to 232"):
        plan_windows((353, 232), 256)

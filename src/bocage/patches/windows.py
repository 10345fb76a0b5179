"""The shape of an image → windows on it. Pure."""

from __future__ import annotations

from bocage.core.errors import PatchLargerThanImage
from bocage.core.grid import Window


def plan_windows(
    shape: tuple[int, int], size_px: int, stride_px: int | None = None, *, border: bool = True
) -> list[Window]:
    """Square windows, row by row from the upper left.

    Args:
        shape: (rows, columns) of the image.
        stride_px: from one window to the next; default: `size_px`.
        border: where the stride leaves a remainder, also windows that end at the lower and the right border. With a
            stride of at most `size_px`, the windows then cover every pixel.

    Raises:
        PatchLargerThanImage: if not even one window fits.
    """
    height, width = shape
    if size_px > min(shape):
        raise PatchLargerThanImage(
            f"Patches of {size_px} x {size_px} pixels are larger than the image, which has {height} rows x {width} "
            f"columns. Set patches.size_px to {min(shape)} or less."
        )
    stride = stride_px or size_px
    rows, cols = (_starts(length, size_px, stride, border) for length in shape)
    return [Window(row, col, size_px, size_px) for row in rows for col in cols]


def _starts(length: int, size: int, stride: int, border: bool) -> list[int]:
    starts = list(range(0, length - size + 1, stride))
    if border and starts[-1] + size < length:
        starts.append(length - size)
    return starts

"""How far colours stand apart, by the rule of the web: WCAG 2.2 (W3C 2023). Pure.

Text needs 4.5 : 1 against its ground (success criterion 1.4.3), lines, marks and the edges of areas 3 : 1 (1.4.11).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TEXT_CONTRAST, MARK_CONTRAST = 4.5, 3.0


def luminance(rgb: Sequence[float]) -> float:
    """Relative luminance of an sRGB colour (three numbers from 0 to 1): 0 black, 1 white."""
    value = np.asarray(rgb[:3], np.float64)
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(first: Sequence[float], second: Sequence[float]) -> float:
    """Contrast ratio of two sRGB colours: 1 for equal ones, 21 for black and white."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def text_on(ground: Sequence[float]) -> str:
    """Black or white, whichever reads better; one of them always has 4.5 : 1."""
    return "black" if contrast(ground, (0, 0, 0)) >= contrast(ground, (1, 1, 1)) else "white"

"""Which dates of a series count, and where in the season they lie. Pure; torch.

A date without one usable pixel in a sample is padding: it tells nothing, and a model for any number of dates gives the
same answer with it and without.
"""

from __future__ import annotations

import torch
from torch import Tensor


def seen_dates(valid: Tensor) -> Tensor:
    """(B, T) bool: dates with a usable pixel, of valid (B, T, H, W). All dates of a sample that has none."""
    seen = valid.flatten(2).any(2)
    return seen | ~seen.any(1, keepdim=True)


def seen_first(x: Tensor, seen: Tensor) -> Tensor:
    """A series (B, T, …) with its dates that are seen (B, T) in front, in order, and the others behind."""
    behind = seen.sum(1, keepdim=True) + (~seen).cumsum(1)
    place = torch.where(seen, seen.cumsum(1), behind) - 1  # by sums, since ONNX has no stable sort
    order = (place[:, None] == torch.arange(seen.shape[1], device=seen.device)[:, None]).int().argmax(2)
    return x.gather(1, order.view(*order.shape, *(1,) * (x.dim() - 2)).expand_as(x))


def season_position(days: Tensor, seen: Tensor, *, encoding: str) -> Tensor:
    """(B, T) float32: days from the origin of each sample, see `UtaeOptions.date_encoding`; 0 for dates not seen.

    Args:
        days: (B, T) days since 1970-01-01.
        seen: (B, T) bool, at least one a sample.
        encoding: "day_of_year" or "days_since_start".
    """
    days = days.long()
    if encoding == "day_of_year":
        last = torch.where(seen, days, days.new_full((), -(2**31))).amax(1, keepdim=True)
        origin = first_day_of_year(last)
    else:
        origin = torch.where(seen, days, days.new_full((), 2**31)).amin(1, keepdim=True)
    return torch.where(seen, days - origin, torch.zeros_like(days)).float()


def first_day_of_year(days: Tensor) -> Tensor:
    """Day number of 1 January of the (Gregorian) year in which each day lies; days since 1970-01-01, integer."""
    year = 1970 + (days * 400).div(146_097, rounding_mode="floor")  # at most one off: 400 years have 146 097 days
    year = year - (days < _new_year(year)).long()
    year = year + (days >= _new_year(year + 1)).long()
    return _new_year(year)


def _new_year(year: Tensor) -> Tensor:
    before = year - 1
    leap_days = sum(s * before.div(n, rounding_mode="floor") for s, n in ((1, 4), (-1, 100), (1, 400)))
    return 365 * (year - 1970) + leap_days - 477  # 477 leap days before 1970


def sinusoids(position: Tensor, width: int, *, longest: float) -> Tensor:
    """Sine and cosine of a position at wavelengths up to `longest`, in turns (Vaswani et al. 2017).

    Args:
        position: (…,) float32.
        width: number of values; odd widths end with a sine.

    Returns:
        (…, width) float32.
    """
    index = torch.arange(width, device=position.device)
    rate = longest ** (-2.0 * index.div(2, rounding_mode="floor") / width)
    angle = position[..., None] * rate
    return torch.where(index % 2 == 0, angle.sin(), angle.cos())

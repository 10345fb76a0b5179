"""Dates of a series: which count, and where in the season they lie. The calendar as oracle."""

import datetime

import torch

from bocage.models.networks.dates import first_day_of_year, season_position, seen_dates, seen_first, sinusoids

EPOCH = datetime.date(1970, 1, 1)


def day(text: str) -> int:
    return (datetime.date.fromisoformat(text) - EPOCH).days


def test_first_day_of_year_is_the_calendar_s() -> None:
    days = range(day("1999-12-01"), day("2033-03-02"))
    expected = [(datetime.date((EPOCH + datetime.timedelta(d)).year, 1, 1) - EPOCH).days for d in days]
    assert first_day_of_year(torch.tensor(list(days))).tolist() == expected


def test_autumn_before_the_harvest_lies_before_its_new_year() -> None:
    days = torch.tensor([[day("2018-09-01"), day("2019-01-01"), day("2019-07-14"), day("2020-01-01")]])
    seen = torch.tensor([[True, True, True, False]])  # the last is padding and has no say
    assert season_position(days, seen, encoding="day_of_year").tolist() == [[-122, 0, 194, 0]]
    assert season_position(days, seen, encoding="days_since_start").tolist() == [[0, 122, 316, 0]]


def test_a_date_without_a_usable_pixel_is_not_seen() -> None:
    valid = torch.zeros(2, 3, 2, 2, dtype=torch.bool)
    valid[0, 1, 0, 1] = True
    assert seen_dates(valid).tolist() == [[False, True, False], [True, True, True]]  # none at all: all count


def test_sinusoids_of_zero_and_width() -> None:
    assert sinusoids(torch.zeros(2), 5, longest=1000.0).tolist() == [[0, 1, 0, 1, 0]] * 2


def test_seen_dates_come_first_in_their_order() -> None:
    x = torch.tensor([[[1.0], [2], [3], [4]], [[5], [6], [7], [8]]])
    seen = torch.tensor([[False, True, False, True], [True, True, True, True]])
    assert seen_first(x, seen)[..., 0].tolist() == [[2, 4, 1, 3], [5, 6, 7, 8]]

"""Which periods composites have, and what indices say."""

from datetime import date

import numpy as np
import pytest
from pydantic import ValidationError

from bocage.core.errors import ConfigError, MissingBand, UnknownName
from bocage.cubes.indices import spectral_index
from bocage.cubes.options import CubeOptions
from bocage.cubes.periods import Period, plan_periods

MONTHLY = CubeOptions(composite="monthly_median")


def day(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def test_the_months_of_a_season_over_new_year():
    periods = plan_periods(MONTHLY, (date(2018, 11, 20), date(2019, 2, 3)), [])
    assert [p.name for p in periods] == [
        "2018-11-01/2018-11-30",
        "2018-12-01/2018-12-31",
        "2019-01-01/2019-01-31",
        "2019-02-01/2019-02-28",
    ]
    assert periods[3].middle_day == day("2019-02-14")
    assert periods[0].holds(day("2018-11-30"))
    assert not periods[0].holds(day("2018-12-01"))


def test_without_a_season_a_year_has_twelve_months_whatever_dates_there_are():
    periods = plan_periods(MONTHLY, None, [day("2020-05-03"), day("2020-07-03")])
    assert len(periods) == 12
    assert periods[1].last == date(2020, 2, 29)
    with pytest.raises(ConfigError, match="season"):
        plan_periods(MONTHLY, None, [])


def test_every_so_many_days_of_a_season():
    options = CubeOptions(composite="days_median", every_days=10)
    periods = plan_periods(options, (date(2018, 4, 1), date(2018, 4, 25)), [])
    assert [p.name for p in periods] == ["2018-04-01/2018-04-10", "2018-04-11/2018-04-20", "2018-04-21/2018-04-25"]
    assert len(plan_periods(options, None, [day("2020-05-03")])) == 37


def test_single_dates_have_no_periods_and_given_ones_are_taken_as_they_are():
    assert plan_periods(CubeOptions(), None, []) == ()
    given = CubeOptions(composite="period_median", periods=(("2018-04-01", "2018-04-10"),))
    assert plan_periods(given, None, []) == (Period(date(2018, 4, 1), date(2018, 4, 10)),)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"composite": "period_median"}, "belong together"),
        ({"periods": [["2018-04-01", "2018-04-10"]]}, "belong together"),
        ({"composite": "days_mean"}, "every_days and composite: days_… belong together"),
        ({"composite": "monthly_mean", "every_days": 10}, "belong together"),
        ({"composite": "period_median", "periods": [["2018-04-11", "2018-04-10"]]}, "in order"),
        (
            {"composite": "period_median", "periods": [["2018-04-01", "2018-04-10"], ["2018-04-10", "2018-04-20"]]},
            "share",
        ),
    ],
)
def test_periods_that_make_no_sense_are_refused(options, why):
    with pytest.raises(ValidationError, match=why):
        CubeOptions.model_validate(options)


def test_ndvi_of_wheat_water_and_nothing():
    reflectance = np.array([[0.05, 0.06, 0.0], [0.45, 0.02, 0.0]], np.float32).reshape(1, 2, 1, 3)
    valid = np.array([True, True, False]).reshape(1, 1, 3)
    ndvi, defined = spectral_index("ndvi", reflectance, ("B04", "B08"), valid)
    assert ndvi.ravel().tolist() == pytest.approx([0.8, -0.5, 0])
    assert defined.ravel().tolist() == [True, True, False]


def test_an_index_of_a_negative_sum_is_undefined_and_names_are_checked():
    reflectance = np.array([-0.02, 0.01], np.float32).reshape(1, 2, 1, 1)
    valid = np.ones((1, 1, 1), bool)
    assert not spectral_index("ndvi", reflectance, ("B04", "B08"), valid)[1].any()
    with pytest.raises(UnknownName, match="ndvi"):
        spectral_index("nvdi", reflectance, ("B04", "B08"), valid)
    with pytest.raises(MissingBand, match="B11"):
        spectral_index("ndmi", reflectance, ("B04", "B8A"), valid)

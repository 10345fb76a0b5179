"""What holds for the median and the gap filling of any series."""

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.cubes.composite import median_composite
from bocage.cubes.fill import fill_gaps

METHODS = ("neighbours", "linear", "nearest")
COUNTS = st.integers(1, 33)


def draw_series(data, n_dates, dtype):
    low, high = (-1000, 32767) if dtype == np.int16 else (0, 65535)
    values = data.draw(arrays(dtype, (n_dates, 2, 2, 3), elements=st.integers(low, high)))
    return values, data.draw(arrays(bool, (n_dates, 2, 3)))


@settings(deadline=None, max_examples=60)
@given(data=st.data(), n_dates=COUNTS, dtype=st.sampled_from([np.int16, np.uint16]))
def test_the_median_is_numpy_s_to_the_bit(data, n_dates, dtype):
    values, valid = draw_series(data, n_dates, dtype)
    ours, n_valid = median_composite(values, valid, period=np.zeros(n_dates, np.int16), n_periods=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's on pixels without any value
        theirs = np.nanmedian(np.where(valid[:, None], values.astype(np.float32), np.float32(np.nan)), axis=0)
    assert np.array_equal(n_valid[0], valid.sum(axis=0))
    assert np.array_equal(ours[0].view(np.uint32), np.nan_to_num(theirs, nan=0.0).view(np.uint32))


@settings(deadline=None, max_examples=30)
@given(data=st.data(), n_dates=COUNTS)
def test_the_median_does_not_depend_on_the_order_of_the_dates(data, n_dates):
    values, valid = draw_series(data, n_dates, np.int16)
    period = data.draw(arrays(np.int16, n_dates, elements=st.integers(-1, 2)))
    order = np.array(data.draw(st.permutations(range(n_dates))))
    one, counts = median_composite(values, valid, period=period, n_periods=3)
    other, other_counts = median_composite(values[order], valid[order], period=period[order], n_periods=3)
    assert np.array_equal(one, other)
    assert np.array_equal(counts, other_counts)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), n_dates=st.integers(1, 12), method=st.sampled_from(METHODS))
def test_filling_changes_no_valid_value_and_leaves_no_gap_that_has_a_date(data, n_dates, method):
    values, valid = draw_series(data, n_dates, np.int16)
    days = np.cumsum(data.draw(arrays(np.int32, n_dates, elements=st.integers(0, 40))), dtype=np.int32)
    filled, gaps = fill_gaps(values, valid, days, method=method)
    seen = np.broadcast_to(valid[:, None], values.shape)
    assert np.array_equal(filled[seen], values[seen])
    assert np.array_equal(valid | gaps, np.broadcast_to(valid.any(axis=0), valid.shape))
    assert not (valid & gaps).any()
    untouched = np.broadcast_to(~(valid | gaps)[:, None], values.shape)
    assert np.array_equal(filled[untouched], values[untouched])
    for pixel in zip(*np.nonzero(valid.any(axis=0)), strict=True):  # estimates lie between the pixel's values
        series, own = filled[:, :, *pixel], valid[:, *pixel]
        assert (series >= series[own].min(axis=0)).all()
        assert (series <= series[own].max(axis=0)).all()

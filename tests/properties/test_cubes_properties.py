"""What holds for any grid and any number."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bocage.core.arrays import from_stored
from bocage.core.grid import make_grid
from bocage.cubes.align import plan_alignment, repeat_onto
from bocage.cubes.quality import find_valid, grow_nodata, to_flags
from bocage.cubes.radiometry import reflectance_table


@given(dn=st.integers(1, 32_000), offset=st.sampled_from([0.0, -1000.0]), quantification=st.sampled_from([1e4, 1e5]))
def test_reflectance_survives_storage(dn, offset, quantification):
    stored = reflectance_table(offset, quantification)[dn : dn + 1]
    assert abs(float(from_stored(stored)[0]) - (dn + offset) / quantification) <= 5e-5 + 1e-7


@settings(deadline=None)  # the first call compiles
@given(
    factor=st.sampled_from([1, 2, 6]),
    native_shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    shift=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
)
def test_every_pixel_gets_the_value_of_the_pixel_it_lies_in(factor, native_shape, shape, shift):
    row, col = shift
    native = make_grid("EPSG:32631", 500_000, 4_800_000, 10 * factor, native_shape)
    grid = make_grid("EPSG:32631", 500_000 + 10 * col, 4_800_000 - 10 * row, 10, shape)
    values = np.arange(1, native_shape[0] * native_shape[1] + 1, dtype=np.uint16).reshape(native_shape)
    out = np.zeros(shape, np.uint16)
    if (alignment := plan_alignment(native, grid)) is not None:
        repeat_onto(values[alignment.window.slices], alignment, out)
    for y in range(shape[0]):
        for x in range(shape[1]):
            i, j = (y + row) // factor, (x + col) // factor
            inside = 0 <= i < native_shape[0] and 0 <= j < native_shape[1]
            assert out[y, x] == (values[i, j] if inside else 0)


BITS = st.lists(st.booleans(), min_size=12, max_size=12).map(lambda v: np.array(v).reshape(3, 4))


@given(nodata=BITS, saturated=BITS, unclear=BITS, bright=BITS)
def test_a_pixel_is_valid_unless_something_but_brightness_is_wrong(nodata, saturated, unclear, bright):
    flags = to_flags(nodata=nodata, saturated=saturated, unclear=unclear, bright=bright)
    assert np.array_equal(find_valid(flags), ~(nodata | saturated | unclear))


@given(nodata=BITS, low=BITS)
def test_nodata_only_grows_and_only_into_low_pixels(nodata, low):
    grown = grow_nodata(nodata, low)
    assert not (nodata & ~grown).any()
    assert not (grown & ~nodata & ~low).any()

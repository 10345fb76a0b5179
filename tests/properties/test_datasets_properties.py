"""Whatever the arrays, a record comes back as it was packed, and a damaged one never does."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bocage.core.arrays import MISSING_INT16, from_stored
from bocage.datasets.manifest import count_parcels, parcel_rows
from bocage.datasets.record import Record, pack, to_reflectance, unpack


@st.composite
def records(draw: st.DrawFn) -> Record:
    t, c, h, w = (draw(st.integers(1, 5)) for _ in range(4))
    image = draw(arrays(np.int16, (t, c, h, w)))
    valid = draw(arrays(bool, (t, h, w)))
    image = np.where(valid[:, None], np.maximum(image, -32767), np.int16(MISSING_INT16)).astype(np.int16)
    labels = draw(arrays(np.uint8, (h, w), elements=st.sampled_from([0, 1, 2, 255])))
    return Record(image, labels, draw(arrays(np.uint32, (h, w), elements=st.sampled_from([0, 1, 2, 2**32 - 1]))))


@settings(max_examples=80, deadline=None)
@given(records())
def test_a_record_comes_back(record: Record) -> None:
    data = pack(record)
    back = unpack(data)
    for name in ("image", "labels", "parcel_ids"):
        np.testing.assert_array_equal(getattr(back, name), getattr(record, name), strict=True)
    assert back.digest == record.digest
    assert pack(back) == data
    image, valid = to_reflectance(record.image)
    np.testing.assert_array_equal(image, from_stored(record.image), strict=True)
    np.testing.assert_array_equal(valid, record.image[:, 0] != MISSING_INT16)


@settings(max_examples=80, deadline=None)
@given(records(), st.data())
def test_any_flipped_bit_changes_the_checksum(record: Record, data: st.DataObject) -> None:
    packed = bytearray(pack(record))
    at, bit = data.draw(st.integers(0, len(packed) - 1)), data.draw(st.integers(0, 7))
    before = zlib.crc32(packed)
    packed[at] ^= 1 << bit
    assert zlib.crc32(packed) != before


@settings(max_examples=80, deadline=None)
@given(records(), st.data())
def test_a_cut_record_is_refused(record: Record, data: st.DataObject) -> None:
    packed = pack(record)
    with pytest.raises(ValueError):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])


@settings(max_examples=80, deadline=None)
@given(records())
def test_parcel_rows_count_every_parcel_pixel_once(record: Record) -> None:
    rows = parcel_rows({"a": count_parcels(record)})
    assert rows["n_px"].sum() == (record.parcel_ids != 0).sum()
    for row in rows.itertuples():
        assert row.n_px == ((record.parcel_ids == row.number) & (record.labels == row.class_id)).sum()

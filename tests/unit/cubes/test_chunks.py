"""Chunks as files: what zarr wrote is read, what is written zarr reads, and a file that was cut is named."""

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec

from bocage.core.errors import CorruptFile
from bocage.core.grid import Window
from bocage.cubes.chunks import Chunks

RNG = np.random.default_rng(5)
SHAPE = (2, 3, 10, 11)  # chunks of 4 × 4: the last ones reach over the edge


@pytest.fixture
def array(tmp_path):
    codec = BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=2)
    group = zarr.create_group(tmp_path, zarr_format=3)
    return group.create_array(
        "numbers", shape=SHAPE, chunks=(1, 3, 4, 4), dtype="int16", fill_value=-1, compressors=codec
    )


@pytest.mark.parametrize("window", [Window(0, 0, 10, 11), Window(3, 2, 6, 9), Window(9, 10, 1, 1)])
def test_reads_what_zarr_wrote(array, tmp_path, window):
    array[...] = RNG.integers(-1, 99, SHAPE)
    assert (Chunks(tmp_path, array).read(1, window) == array[(1, slice(None), *window.slices)]).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_zarr_reads_what_was_written(array, tmp_path, threads):
    values = RNG.integers(-1, 99, SHAPE).astype(np.int16)
    chunks = Chunks(tmp_path, array)
    for t in range(2):
        chunks.write(t, Window(0, 0, 10, 11), values[t], threads)
    assert (array[...] == values).all()
    assert not list(tmp_path.rglob("*.part"))


def test_a_part_of_a_chunk_leaves_the_rest_as_it_was(array, tmp_path):
    array[...] = before = RNG.integers(0, 99, SHAPE).astype(np.int16)
    Chunks(tmp_path, array).write(0, Window(2, 3, 5, 4), np.zeros((3, 5, 4), np.int16))
    before[0, :, 2:7, 3:7] = 0
    assert (array[...] == before).all()


def test_a_chunk_of_nothing_has_no_file(array, tmp_path):
    chunks, everywhere = Chunks(tmp_path, array), Window(0, 0, 10, 11)
    chunks.write(0, everywhere, np.zeros(SHAPE[1:], np.int16))
    assert len([p for p in tmp_path.rglob("c/**/*") if p.is_file()]) == 9
    chunks.write(0, everywhere, np.full(SHAPE[1:], -1, np.int16))
    assert not [p for p in tmp_path.rglob("c/**/*") if p.is_file()]
    assert (chunks.read(0, everywhere) == -1).all()


@pytest.mark.parametrize("length", [0, 8, 40])
def test_a_chunk_that_was_cut_is_named(array, tmp_path, length):
    array[...] = RNG.integers(0, 99, SHAPE)
    cut = tmp_path / "numbers" / "c" / "1" / "0" / "2" / "1"
    cut.write_bytes(cut.read_bytes()[:length])
    with pytest.raises(CorruptFile, match="c/1/0/2/1 is not a whole chunk"):
        Chunks(tmp_path, array).read(1, Window(0, 0, 10, 11))


def test_a_chunk_that_holds_other_bytes_is_named(array, tmp_path):
    array[...] = RNG.integers(0, 99, SHAPE)
    spoilt = tmp_path / "numbers" / "c" / "1" / "0" / "2" / "1"
    frame = spoilt.read_bytes()
    spoilt.write_bytes(b"\xff" * 4 + frame[4:16] + b"\xff" * (len(frame) - 16))
    with pytest.raises(CorruptFile, match="c/1/0/2/1 cannot be unpacked"):
        Chunks(tmp_path, array).read(1, Window(0, 0, 10, 11))

"""Kernels on threads: every part is worked on, errors come through, and PyTorch keeps its own number of threads."""

import os
import subprocess
import sys

import pytest

from bocage.core.threads import even_parts, side_by_side

KERNELS = """
import numpy as np, torch
from bocage.cubes.flag import convert_band
from bocage.patches.objects import add_pixels, empty_sums, sorted_statistics
before = torch.get_num_threads()
stored, marks = np.empty((40, 40), np.int16), np.zeros((40, 40), np.uint8)
convert_band(np.ones((40, 40), np.uint16), np.zeros(65536, np.int16), 0, stored, marks)
slots = np.zeros((40, 40), np.int32)
add_pixels(empty_sums(1, 2), np.ones((2, 40, 40), np.int16), slots == 0, slots)
sorted_statistics(np.ones((2, 1600), np.float32), slots.ravel(), 1)
assert torch.get_num_threads() == before == 1, torch.get_num_threads()
"""


def test_every_part_is_worked_on_once():
    seen = []
    side_by_side(lambda first, last: seen.extend(range(first, last)), even_parts(1001, 7), threads=3)
    assert sorted(seen) == list(range(1001))


def test_fewer_things_than_threads():
    assert [i for first, last in even_parts(2, 5) for i in range(first, last)] == [0, 1]


def test_an_error_in_a_part_comes_through():
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda n: 1 / n and None, [(1,), (0,), (2,)])


def test_kernels_leave_the_threads_of_pytorch_alone():
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", KERNELS], env=environment, check=True)

"""Compiled kernels side by side. Threads of Python's own, not OpenMP's: a parallel loop of numba sets the number of
OpenMP threads of the whole process, and with it how many threads, hence in what order, PyTorch adds numbers up."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[..., None], parts: Iterable[tuple[object, ...]], threads: int | None = None) -> None:
    """`work(*part)` for every part, on CPU threads (all by default); `work` releases the GIL. Errors are passed on."""
    if threads == 1:
        for part in parts:
            work(*part)
        return
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for done in [pool.submit(work, *part) for part in parts]:
            done.result()


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int, *, ahead: int | None = None
) -> Iterator[Result]:
    """`work(item)` for every item, on CPU threads, in the order of the items. Errors are passed on.

    Args:
        ahead: results that are worked on or wait in memory beside the one that is given; one more than threads by
            default, and none on one thread, which is the caller's.
    """
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        left = (pool.submit(work, item) for item in items)
        running = deque(islice(left, ahead or threads + 1))
        while running:
            result = running.popleft().result()
            running.extend(islice(left, 1))
            yield result


def even_parts(n: int, threads: int | None = None) -> list[tuple[int, int]]:
    """[first, last) of as many nearly equal parts of `n` things as there are threads."""
    edges = np.linspace(0, n, (threads or os.cpu_count() or 1) + 1).astype(int).tolist()
    return list(pairwise(edges))

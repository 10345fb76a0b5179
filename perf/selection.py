"""Selection: 12,000 of 20,000 overlapping candidates by the objective of `bocage.patches.choose`.

The peer is the same lazy greedy search in Python with numpy, without the second search that ours also runs; results are
equal when they are worth the same.
"""

from __future__ import annotations

import heapq
from pathlib import Path

import numpy as np
import pandas as pd

from bocage.patches.choose import Problem, choose, value_of
from bocage.patches.options import SelectionOptions
from bocage.patches.select import make_problem
from perf.frame import Entry

N_CANDIDATES = 20_000
N_CLASSES = 11
SIZE_PX = 256


def make_entry(folder: Path, *, n: int = N_CANDIDATES) -> Entry:
    problem, options = make_instance(n)
    gains = np.random.default_rng(0).random(n)
    return Entry(
        name="selection",
        title=f"{options.max_total:,} of {n:,} candidates",
        ours=lambda: choose(problem, most=options.max_total).taken,
        peer=lambda: plain_greedy(problem),
        peer_name="lazy greedy with heapq and numpy",
        limit=lambda: np.argsort(gains),
        limit_name="sorting the candidates once",
        equal=lambda a, b: abs(value_of(problem, a) - value_of(problem, b)) < 1e-6,
    )


def make_instance(n: int) -> tuple[Problem, SelectionOptions]:
    """Windows at half their size on a square, heavy-tailed class counts; rarer classes lie in fewer windows."""
    rng = np.random.default_rng(0)
    row, col = np.divmod(np.arange(n), int(np.ceil(np.sqrt(n))))
    there = rng.random((n, N_CLASSES)) < np.append(1, np.linspace(0.8, 0.02, N_CLASSES - 1))
    pixels = np.minimum(np.floor(rng.pareto(0.7, (n, N_CLASSES)) * 30) * there, SIZE_PX**2 / 4)
    table = pd.DataFrame(
        {
            "cube": "A", "region": "A", "scenes": [["scene"]] * n, "row": row * SIZE_PX // 2,
            "col": col * SIZE_PX // 2, "height": SIZE_PX, "width": SIZE_PX,
        }
    )  # fmt: skip
    options = SelectionOptions(max_total=6 * n // 10)
    return make_problem(table, pixels, options, [str(k) for k in range(N_CLASSES)]), options


def plain_greedy(p: Problem) -> np.ndarray:
    held, covered = np.zeros(p.amounts.shape[1]), np.zeros(p.n_cells, bool)
    in_block, taken = np.zeros(p.block.max() + 1), np.zeros(len(p.amounts), bool)
    scale = p.weights / p.targets

    def gain(i: int) -> float:
        step = np.minimum(p.targets, held + p.amounts[i]) - np.minimum(p.targets, held)
        new = np.count_nonzero(~covered[p.cells[p.cell_start[i] : p.cell_start[i + 1]]])
        n = in_block[p.block[i]]
        return float(scale @ step + p.cell_weight * new + p.block_weight * (np.sqrt(n + 1) - np.sqrt(n)))

    heap = [(-gain(i), i) for i in range(len(taken))]
    heapq.heapify(heap)
    left = int(p.limits[0])
    while heap and left:
        _, i = heapq.heappop(heap)
        now = (-gain(i), i)
        if heap and heap[0] < now:
            heapq.heappush(heap, now)
            continue
        taken[i] = True
        left -= 1
        held += p.amounts[i]
        covered[p.cells[p.cell_start[i] : p.cell_start[i + 1]]] = True
        in_block[p.block[i]] += 1
    return taken

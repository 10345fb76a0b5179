"""Whatever the candidates: no cap is broken, and the choice is nearly the best there is."""

from itertools import product

import numba
import numpy as np
import pandas as pd
import pytest

from bocage.patches.choose import Problem, _value, choose, is_feasible, value_of
from bocage.patches.options import SelectionOptions
from bocage.patches.select import make_problem

CLASSES = ("background", "wheat", "maize", "vineyard")
N = 14


def random_instance(seed: int) -> tuple[Problem, SelectionOptions]:
    """Fourteen overlapping windows of two regions and four scenes, with random targets, caps and limits."""
    rng = np.random.default_rng(seed)
    pixels = np.floor(rng.pareto(1.0, (N, 4)) * 20) * (rng.random((N, 4)) < [0.9, 0.7, 0.5, 0.2])
    table = pd.DataFrame(
        {
            "cube": "A", "region": rng.choice(["a", "b"], N), "scenes": [[s] for s in rng.choice(list("wxyz"), N)],
            "row": rng.integers(0, 30, N), "col": rng.integers(0, 30, N), "height": 16, "width": 16,
        }
    )  # fmt: skip
    unit = rng.choice(["pixels", "patches"])
    held = (pixels if unit == "pixels" else pixels > 0).sum(axis=0) + 1.0

    def some(share: float, low: float, high: float) -> dict[str, float]:
        return {
            c: float(h * rng.uniform(low, high)) for c, h in zip(CLASSES, held, strict=True) if rng.random() < share
        }

    options = SelectionOptions(
        unit=unit,
        targets=some(0.7, 0.2, 0.9),
        caps=some(0.4, 0.3, 0.9),
        rare_classes=("vineyard",) if rng.random() < 0.3 else (),
        max_total=int(rng.integers(3, 10)) if rng.random() < 0.7 else None,
        max_per_region=int(rng.integers(2, 6)) if rng.random() < 0.4 else None,
        max_per_scene=int(rng.integers(1, 4)) if rng.random() < 0.4 else None,
        ground_weight=float(rng.uniform(0, 1)),
        spread_weight=float(rng.uniform(0, 1)),
    )
    return make_problem(table, pixels, options, CLASSES), options


@numba.njit
def best_value(problem: Problem, subsets: np.ndarray) -> float:
    best = 0.0
    for n in range(len(subsets)):
        best = max(best, _value(problem, subsets[n]))
    return best


def test_two_hundred_small_instances_against_every_subset() -> None:
    """At least 0.9 of the best feasible value, no cap broken, never above the bound; the same twice."""
    subsets = np.array(list(product([False, True], repeat=N)))
    ratios = []
    for seed in range(200):
        problem, options = random_instance(seed)
        choice = choose(problem, most=options.max_total)
        assert is_feasible(problem, choice.taken)
        assert choice.value == pytest.approx(value_of(problem, choice.taken))
        feasible = np.array(subsets @ problem.amounts <= problem.class_limits + 1e-9).all(axis=1)
        for limit, number in zip(problem.limits, range(len(problem.limits)), strict=True):
            feasible &= subsets[:, (problem.groups == number).any(axis=1)].sum(axis=1) <= limit
        best = best_value(problem, subsets[feasible])
        assert choice.value <= best + 1e-9 <= choice.bound + 2e-9
        ratios.append(choice.value / best if best else 1.0)
        np.testing.assert_array_equal(choose(problem, most=options.max_total).taken, choice.taken)
    assert min(ratios) >= 0.9
    assert np.mean(ratios) >= 0.99

"""Which candidates to take: an objective, caps, and a deterministic search. Pure: arrays in, arrays out.

A set S of candidates is worth

    F(S) = Σ_c w_c · min(1, A_c(S) / t_c)        how far each class is towards its target
         + ρ · R(S)                              candidates that hold a class of the list of rare ones
         + μ · G(S) / G(all)                     ground: the cells that windows of S cover, each counted once
         + σ · Σ_b √n_b(S) / Σ_b √n_b(all)       spread: the square root makes the tenth patch of a block worth less

A_c(S) is what S holds of class c (pixels or patches), t_c its target, n_b the number of candidates in block b. ρ is
larger than the other terms together, so that a candidate with a rare class goes before any without. Every term grows by
less the more is taken already (F is monotone and submodular), so that a gain computed before bounds the gain now: the
search can be lazy, and its result comes with a bound that no choice can exceed.

Caps bound what is taken: patches in all, of a region, of a scene; pixels or patches of a class. Two greedy searches are
run, by gain and by gain a share of the caps that it uses up; small problems are improved by exchanging candidates; the
better result is taken.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from bocage.core.arrays import Bool, Float64, Int64

MOST_EXCHANGED = 64  # candidates; larger problems are not improved by exchanges
_SLACK = 1e-9


class Problem(NamedTuple):
    """N candidates, K classes, L numbered limits; the terms of F as arrays. Of equal candidates the first is taken.

    Attributes:
        amounts: (N, K) what each candidate holds of each class.
        targets: (K,) > 0; weights: (K,).
        rare: (N,) ρ where the candidate holds a rare class, else 0.
        cell_start, cells: candidate i covers cells[cell_start[i]:cell_start[i + 1]], numbers below `n_cells`.
        cell_weight: μ / G(all).
        block: (N,) number of the block of ground; block_weight: σ / Σ_b √n_b(all).
        groups: (N, G) which numbered limits a candidate uses one of, −1 for none; limits: (L,).
        class_limits: (K,) on `amounts`; inf for none.
    """

    amounts: Float64
    targets: Float64
    weights: Float64
    rare: Float64
    cell_start: Int64
    cells: Int64
    n_cells: int
    cell_weight: float
    block: Int64
    block_weight: float
    groups: Int64
    limits: Float64
    class_limits: Float64


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes:
        taken: (N,) bool.
        value: F of it.
        bound: no choice within the limit on the total number is worth more; None if that was not asked.
    """

    taken: Bool
    value: float
    bound: float | None


def choose(problem: Problem, *, until_targets: bool = False, most: int | None = None) -> Choice:
    """A good choice under the caps; the same every time.

    Args:
        until_targets: leave candidates that bring no class closer to its target and hold no rare class. As few are
            wanted then, and F does not price them, only the search by gain is run.
        most: the limit on the total number, for the bound.
    """
    none = np.zeros(len(problem.amounts), np.bool_)
    taken = _greedy(problem, none, False, until_targets)
    value = value_of(problem, taken)
    if not until_targets:
        other = _greedy(problem, none, True, False)
        if value_of(problem, other) > value + _SLACK:
            taken, value = other, value_of(problem, other)
        if len(none) <= MOST_EXCHANGED:
            taken, value = _exchange(problem, taken, value)
    return Choice(taken, value, min(_bound(problem, start, most) for start in (none, taken)))


def value_of(problem: Problem, taken: Bool) -> float:
    """F of a set of candidates ((N,) bool)."""
    return float(_value(problem, taken))


def is_feasible(problem: Problem, taken: Bool) -> bool:
    """Whether a set keeps to all caps."""
    groups = problem.groups[taken]
    used = np.bincount(groups[groups >= 0], minlength=len(problem.limits))
    held = problem.amounts[taken].sum(axis=0)
    return bool((used <= problem.limits).all() and (held <= problem.class_limits + _SLACK).all())


def _bound(p: Problem, taken: Bool, most: int | None) -> float:
    """F(S) and the largest gains over S: what no set of at most `most` candidates exceeds, as F is submodular."""
    gains = np.sort(_gains(p, taken))[::-1]
    return value_of(p, taken) + float(gains[: most if most is not None else len(gains)].sum())


def _exchange(p: Problem, taken: Bool, value: float) -> tuple[Bool, float]:
    """Take one out or exchange one for another, fill up greedily, for as long as that is worth more."""
    improved = True
    while improved:
        improved = False
        for leaving in np.flatnonzero(taken):
            rest = taken.copy()
            rest[leaving] = False
            for entering in np.flatnonzero(~taken):
                start = rest.copy()
                start[entering] = True
                if not is_feasible(p, start):
                    continue
                filled = _greedy(p, start, False, False)
                found = value_of(p, filled)
                if found > value + _SLACK:
                    taken, value, improved = filled, found, True
                    break
            if improved:
                break
    return taken, value


class _State(NamedTuple):
    """What was taken so far: of each class, cell, block and limit."""

    held: Float64
    covered: Bool
    in_block: Int64
    used: Int64


@numba.njit(cache=True)
def _start(p: Problem, taken: Bool) -> _State:
    state = _State(
        np.zeros(p.amounts.shape[1]),
        np.zeros(p.n_cells, np.bool_),
        np.zeros(p.block.max() + 1 if len(p.block) else 0, np.int64),
        np.zeros(len(p.limits), np.int64),
    )
    for i in range(len(taken)):
        if taken[i]:
            _take(p, state, i)
    return state


@numba.njit(cache=True)
def _take(p: Problem, state: _State, i: int) -> None:
    for c in range(p.amounts.shape[1]):
        state.held[c] += p.amounts[i, c]
    for cell in p.cells[p.cell_start[i] : p.cell_start[i + 1]]:
        state.covered[cell] = True
    state.in_block[p.block[i]] += 1
    for g in p.groups[i]:
        if g >= 0:
            state.used[g] += 1


@numba.njit(cache=True)
def _towards_targets(p: Problem, state: _State, i: int) -> float:
    gain = 0.0
    for c in range(p.amounts.shape[1]):
        if p.amounts[i, c] > 0 and p.weights[c] > 0 and state.held[c] < p.targets[c]:
            step = min(p.targets[c], state.held[c] + p.amounts[i, c]) - state.held[c]
            gain += p.weights[c] * step / p.targets[c]
    return gain


@numba.njit(cache=True)
def _gain(p: Problem, state: _State, i: int) -> float:
    gain: float = p.rare[i] + _towards_targets(p, state, i)
    if p.cell_weight > 0:
        new = 0
        for cell in p.cells[p.cell_start[i] : p.cell_start[i + 1]]:
            new += not state.covered[cell]
        gain += p.cell_weight * new
    n = state.in_block[p.block[i]]
    gain += p.block_weight * (np.sqrt(n + 1) - np.sqrt(n))
    return gain


@numba.njit(cache=True)
def _fits(p: Problem, state: _State, i: int) -> bool:
    for g in p.groups[i]:
        if g >= 0 and state.used[g] + 1 > p.limits[g]:
            return False
    for c in range(p.amounts.shape[1]):
        if p.amounts[i, c] > 0 and state.held[c] + p.amounts[i, c] > p.class_limits[c] + 1e-9:
            return False
    return True


@numba.njit(cache=True)
def _cost(p: Problem, i: int) -> float:
    """The share of the caps that a candidate uses up, added up over them."""
    cost = 1e-9
    for g in p.groups[i]:
        if g >= 0:
            cost += 1 / p.limits[g]
    for c in range(p.amounts.shape[1]):
        cost += p.amounts[i, c] / p.class_limits[c]
    return cost


@numba.njit(cache=True)
def _greedy(p: Problem, start: Bool, by_cost: bool, until_targets: bool) -> Bool:
    """Add the candidate of the largest gain (a share of the caps) that fits, until none does. Lazy: gains only fall."""
    taken = start.copy()
    state = _start(p, taken)
    heap = [(0.0, 0) for _ in range(0)]
    for i in range(len(taken)):
        if not taken[i] and _fits(p, state, i):
            heap.append((-_gain(p, state, i) / (_cost(p, i) if by_cost else 1.0), i))
    heapq.heapify(heap)
    while len(heap):
        _, i = heapq.heappop(heap)
        if not _fits(p, state, i) or (until_targets and p.rare[i] + _towards_targets(p, state, i) <= 0):
            continue  # for good: what is used only grows, and gains only fall
        now = (-_gain(p, state, i) / (_cost(p, i) if by_cost else 1.0), i)
        if len(heap) and heap[0] < now:
            heapq.heappush(heap, now)
        else:
            taken[i] = True
            _take(p, state, i)
    return taken


@numba.njit(cache=True)
def _gains(p: Problem, taken: Bool) -> Float64:
    """(N,) gain of each candidate that is not taken; 0 for the others."""
    state = _start(p, taken)
    gains = np.zeros(len(taken))
    for i in range(len(taken)):
        if not taken[i]:
            gains[i] = _gain(p, state, i)
    return gains


@numba.njit(cache=True)
def _value(p: Problem, taken: Bool) -> float:
    state = _start(p, taken)
    value: float = (p.rare * taken).sum()
    for c in range(p.amounts.shape[1]):
        value += p.weights[c] * min(1.0, state.held[c] / p.targets[c])
    value += p.cell_weight * state.covered.sum() + p.block_weight * np.sqrt(state.in_block).sum()
    return value

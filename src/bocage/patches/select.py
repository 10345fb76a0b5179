"""Judged candidates → those that are taken: the most useful, or a stratified draw. Pure.

The objective and the search stand in `choose`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bocage.core.arrays import AnyArray, Bool, Float64, Int64
from bocage.core.errors import UnknownName
from bocage.core.registry import nearest
from bocage.core.tally import Tally
from bocage.patches.choose import Choice, Problem, choose, value_of
from bocage.patches.draw import draw
from bocage.patches.judge import KEPT
from bocage.patches.options import SelectionOptions

CELLS_A_SIDE = 8  # of a window; the ground that it covers is counted in these
BLOCK_WINDOWS = 4  # side of a block in windows; how evenly blocks are filled is the spread


@dataclass(frozen=True)
class Selection:
    """What was taken.

    Attributes:
        taken: rows of the candidates, in the order given, without `verdict`.
        tally: of the candidates that were judged good.
        about: value and bound of the objective, and `before` and `after` by class: pixels, patches.
    """

    taken: pd.DataFrame
    tally: Tally
    about: Mapping[str, Any]


def select(
    judged: pd.DataFrame, options: SelectionOptions, class_names: Sequence[str] = ()
) -> tuple[pd.DataFrame, Tally]:
    """The candidates that passed and were chosen, in the order given; the same every time. See `plan_selection`."""
    selection = plan_selection(judged, options, class_names)
    return selection.taken, selection.tally


def plan_selection(judged: pd.DataFrame, options: SelectionOptions, class_names: Sequence[str] = ()) -> Selection:
    """Choose among the candidates that passed, by the objective of `choose` or by lot.

    Without targets a class's target is all there is of it, so that a pixel of a rare class counts more than one of a
    common class; without limits everything is taken.

    Args:
        judged: as `judge` gives them.
        class_names: by class id, background first; ids are the names if not given.

    Raises:
        UnknownName: if the options name a class that is not there.
    """
    passed = judged[judged["verdict"] == KEPT].reset_index(drop=True)
    ids = class_ids(passed)
    names = list(class_names) or [str(k) for k in ids]
    pixels = passed[[f"n_px_{k}" for k in ids]].to_numpy(np.float64)
    order = np.argsort(passed["candidate_id"].to_numpy(str), kind="stable")  # of equal candidates the first by name
    problem = make_problem(passed.iloc[order], pixels[order], options, names)
    if options.method == "stratified":
        drawn = draw(passed.iloc[order], pixels[order] > 0, options)
        choice = Choice(drawn, value_of(problem, drawn), None)
    else:
        choice = choose(problem, until_targets=options.until == "targets", most=options.max_total)
    taken = np.empty(len(passed), np.bool_)
    taken[order] = choice.taken
    reasons = np.full(len(passed), None, object)
    reasons[order] = _reasons(problem, choice.taken, options, names)
    about = {
        "value": choice.value,
        "bound": choice.bound,
        "before": _tabulate(pixels, names),
        "after": _tabulate(pixels[taken], names),
    }
    return Selection(passed[taken].drop(columns="verdict").reset_index(drop=True), Tally.count(reasons.tolist()), about)


def class_ids(candidates: pd.DataFrame) -> list[int]:
    """Ids of the classes that the candidates were counted by, without 255."""
    found = [int(str(c)[5:]) for c in candidates if str(c).startswith("n_px_")]
    return sorted(k for k in found if k != 255)


def make_problem(candidates: pd.DataFrame, pixels: Float64, options: SelectionOptions, names: Sequence[str]) -> Problem:
    """The options as arrays.

    Args:
        candidates: cube, region, scenes, row, col, height, width.
        pixels: (N, K) by class, background first.
    """
    n, n_classes = pixels.shape
    amounts = pixels if options.unit == "pixels" else (pixels > 0).astype(np.float64)
    there = amounts.sum(axis=0)
    targets, weights = np.maximum(there, 1), np.zeros(n_classes)
    weights[1:] = there[1:] > 0
    if options.targets:
        weights[:] = 0
        for name, target in options.targets.items():
            c = _class_id("targets", name, names)
            targets[c], weights[c] = target, 1
    class_limits = np.full(n_classes, np.inf)
    for name, cap in options.caps.items():
        class_limits[_class_id("caps", name, names)] = cap
    rare = np.zeros(n, np.bool_)
    for name in options.rare_classes:
        rare |= pixels[:, _class_id("rare_classes", name, names)] > 0
    rare_weight = 1 + weights.sum() + options.ground_weight + options.spread_weight

    groups, limits = _groups(candidates, options)
    cell_start, cells, n_cells = cover(candidates)
    block = _blocks(candidates)
    spread = np.sqrt(np.bincount(block)).sum() if n else 1.0
    return Problem(
        amounts=np.ascontiguousarray(amounts),
        targets=targets,
        weights=weights,
        rare=rare * rare_weight,
        cell_start=cell_start,
        cells=cells,
        n_cells=n_cells,
        cell_weight=options.ground_weight / max(n_cells, 1),
        block=block,
        block_weight=options.spread_weight / float(spread),
        groups=groups,
        limits=limits,
        class_limits=class_limits,
    )


def cover(candidates: pd.DataFrame) -> tuple[Int64, Int64, int]:
    """The cells that each window covers: start (N + 1,), numbers of the cells, and how many cells there are.

    Cells are squares of an eighth of a window on the lattice of their cube; a window covers those whose centre lies in
    it. Windows of one place on several dates cover the same cells.
    """
    n = len(candidates)
    size = max(1, int(candidates["height"].max()) // CELLS_A_SIDE) if n else 1
    ranges = []
    for corner, length in (("row", "height"), ("col", "width")):
        first = candidates[corner].to_numpy(np.int64)
        ends = np.stack([first, first + candidates[length].to_numpy(np.int64)])
        ranges.append(np.ceil(ends / size - 0.5).astype(np.int64))
    (row0, row1), (col0, col1) = ranges
    n_cols = int(col1.max(initial=0)) + 1
    cubes = pd.factorize(candidates["cube"])[0].astype(np.int64)
    per_cube = n_cols * (int(row1.max(initial=0)) + 1)
    start = np.concatenate([[0], np.cumsum((row1 - row0) * (col1 - col0))]).astype(np.int64)
    owner = np.repeat(np.arange(n), np.diff(start))
    within = np.arange(len(owner)) - start[owner]
    width = (col1 - col0)[owner]
    cells = cubes[owner] * per_cube + (row0[owner] + within // width) * n_cols + col0[owner] + within % width
    found, numbers = np.unique(cells, return_inverse=True)
    return start, numbers.astype(np.int64), len(found)


def _blocks(candidates: pd.DataFrame) -> Int64:
    side = BLOCK_WINDOWS * candidates["height"].max() if len(candidates) else 1
    keys = pd.DataFrame(
        {"cube": candidates["cube"], "row": candidates["row"] // side, "col": candidates["col"] // side}
    )
    return np.asarray(keys.groupby(["cube", "row", "col"], sort=True).ngroup(), np.int64)


def _groups(candidates: pd.DataFrame, options: SelectionOptions) -> tuple[Int64, Float64]:
    """(N, 3) number of the limit of each kind (all, region, scene) that a candidate counts towards, and the limits."""
    n = len(candidates)
    columns, limits = np.full((n, 3), -1, np.int64), list[int]()
    scenes = [str(of_candidate[0]) if len(of_candidate) else "" for of_candidate in candidates["scenes"]]
    kinds: list[tuple[int | None, Any]] = [
        (options.max_total, np.zeros(n, np.int64)),
        (options.max_per_region, candidates["region"]),
        (options.max_per_scene, scenes),
    ]
    for k, (limit, keys) in enumerate(kinds):
        if limit is not None:
            numbers, found = pd.factorize(np.asarray(keys))
            columns[:, k] = len(limits) + numbers
            limits += [limit] * len(found)
    return columns, np.array(limits, np.float64)


def _reasons(problem: Problem, taken: Bool, options: SelectionOptions, names: Sequence[str]) -> AnyArray:
    """None for those taken; for the others the first limit that they would break now."""
    if options.method == "stratified":
        return np.array([None if own else "not drawn" for own in taken], object)
    groups = problem.groups[taken]
    used = np.bincount(groups[groups >= 0], minlength=len(problem.limits)) if len(problem.limits) else np.zeros(0)
    full = np.append(used + 1 > problem.limits, False)  # −1 looks up the last: never full
    held = problem.amounts[taken].sum(axis=0)
    over = (problem.amounts > 0) & (held + problem.amounts > problem.class_limits + 1e-9)
    conditions = {
        "over the limit in all": full[problem.groups[:, 0]],
        "over the limit of its region": full[problem.groups[:, 1]],
        "over the limit of its scene": full[problem.groups[:, 2]],
        **{f"over the cap of {names[c]}": over[:, c] for c in range(len(names))},
    }
    found: AnyArray = np.select(list(conditions.values()), list(conditions), "brings no class closer to its target")
    reasons = found.astype(object)
    reasons[taken] = None
    return reasons


def _tabulate(pixels: Float64, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Class → pixels and patches."""
    return {
        name: {"pixels": int(pixels[:, c].sum()), "patches": int((pixels[:, c] > 0).sum())}
        for c, name in enumerate(names)
    }


def _class_id(option: str, name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise UnknownName(
            f"patches.selection.{option} names '{name}', which the taxonomy does not have."
            f"{nearest(name, list(names))} It has: {', '.join(names)}."
        )
    return list(names).index(name)

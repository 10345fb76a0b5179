"""The frame of every measurement: the same work three ways, interleaved, checked for equality. No files.

Ratios are times: `ratio` = ours / peer and `limit_ratio` = ours / limit, so lower is better and 0.25 means four times
as fast as the peer. Absolute seconds say little elsewhere; the ratios of one run do.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

LEAST_REPEATS = 5  # a median of fewer says nothing
LEAST_LIMIT_RATIO = 0.9  # faster than the limit by more than noise: the ways were not given the same machine


@dataclass(frozen=True)
class Entry:
    """One piece of work to measure. The callables take nothing and return their result."""

    name: str
    title: str
    ours: Callable[[], Any]
    peer: Callable[[], Any]
    peer_name: str
    limit: Callable[[], Any]  # the least that the hardware must do for this work, e.g. writing the result once
    limit_name: str
    equal: Callable[[Any, Any], bool]  # of (our result, the peer's result)
    goal_ratio: float | None = None  # the largest `ratio` that meets the goal
    memory: Callable[[], dict[str, float]] | None = None  # peak GB of ours and peer, each a process
    goal_limit_ratio: float | None = None  # the largest `limit_ratio` that meets the goal
    profile: Callable[[], dict[str, float]] | None = None  # operation -> share of our time; for a missed goal
    bytes_ratio: Callable[[], float] | None = None  # bytes of our files / bytes of the peer's
    goal_bytes_ratio: float | None = None


def run(entry: Entry, repeats: int = LEAST_REPEATS) -> dict[str, Any]:
    """Measure one entry: a warm-up of each way, whose results are compared, then ours, peer, limit in turn.

    Args:
        repeats: turns; raised to 5 if lower.

    Returns:
        name, ours_s, peer, peer_s, ratio, limit, limit_s, limit_ratio, sound, equal, goal, goal_limit, goal_bytes, met,
        profile (None unless a goal is missed), repeats, cpus, load (of the last minute, when it began; None where the
        system does not tell), memory_gb and bytes_ratio (None where not measured); the seconds are medians. `sound` is
        False when ours was faster than the limit, which nothing is. `met` is None without a goal, and False when the
        results differ or the measurement is not sound.
    """
    repeats = max(repeats, LEAST_REPEATS)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    equal = bool(entry.equal(entry.ours(), entry.peer()))
    entry.limit()
    ways = (entry.ours, entry.peer, entry.limit)
    gc.collect()
    turns = [[_seconds(way) for way in ways] for _ in range(repeats)]
    ours_s, peer_s, limit_s = (median(column) for column in zip(*turns, strict=True))
    ratio, limit_ratio = ours_s / peer_s, ours_s / limit_s
    bytes_ratio = entry.bytes_ratio() if entry.bytes_ratio else None
    goals = ((ratio, entry.goal_ratio), (limit_ratio, entry.goal_limit_ratio), (bytes_ratio, entry.goal_bytes_ratio))
    reached = [measured <= goal for measured, goal in goals if goal is not None and measured is not None]
    sound = limit_ratio >= LEAST_LIMIT_RATIO
    met = equal and sound and all(reached) if reached else None
    return {
        "name": entry.name,
        "title": entry.title,
        "ours_s": ours_s,
        "peer": entry.peer_name,
        "peer_s": peer_s,
        "ratio": ratio,
        "limit": entry.limit_name,
        "limit_s": limit_s,
        "limit_ratio": limit_ratio,
        "sound": sound,
        "equal": equal,
        "goal": entry.goal_ratio,
        "goal_limit": entry.goal_limit_ratio,
        "bytes_ratio": bytes_ratio,
        "goal_bytes": entry.goal_bytes_ratio,
        "met": met,
        "profile": entry.profile() if entry.profile and met is False else None,
        "load": load,
        "memory_gb": entry.memory() if entry.memory else None,
        "repeats": repeats,
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def describe(result: dict[str, Any]) -> str:
    """The result of `run` for people, one way a line; a missed goal is called missed."""
    lines = [
        f"{result['title']}  (median of {result['repeats']}, {result['cpus']} CPUs{_load(result['load'])})",
        f"  ours   {result['ours_s']:10.4f} s",
        f"  peer   {result['peer_s']:10.4f} s   {result['peer']}: ours takes {result['ratio']:.3f} of its time",
        f"  limit  {result['limit_s']:10.4f} s   {result['limit']}: ours takes {result['limit_ratio']:.2f} x as long",
        f"  results {'equal' if result['equal'] else 'DIFFER'}",
    ]
    if not result["sound"]:
        lines.append("  NOT SOUND: ours was faster than the limit. Something else used the machine; measure again")
    if result["memory_gb"]:
        lines.append("  memory " + ", ".join(f"{name} {gb:.2f} GB" for name, gb in result["memory_gb"].items()))
    if result["bytes_ratio"] is not None:
        lines.append(f"  files  ours take {result['bytes_ratio']:.3f} of the peer's bytes")
    goals = (("goal", "ratio", "peer's time"), ("goal_limit", "limit_ratio", "limit's time"))
    for key, measured, what in (*goals, ("goal_bytes", "bytes_ratio", "peer's bytes")):
        if result[key] is not None:
            met = result["equal"] and result["sound"] and result[measured] <= result[key]
            lines.append(f"  goal: at most {result[key]:.3f} of the {what}: {'met' if met else 'MISSED'}")
    if result["profile"]:
        lines.append("  our time: " + ", ".join(f"{name} {share:.0%}" for name, share in result["profile"].items()))
    return "\n".join(lines)


def _load(load: float | None) -> str:
    return "" if load is None else f", load {load:.1f}"


def _seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call. Python's garbage collection waits, as in `timeit`: it would bill one way for another's."""
    gc.disable()
    try:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start
    finally:
        gc.enable()

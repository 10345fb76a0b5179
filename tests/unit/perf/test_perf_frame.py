"""The frame of the measurements; no clock is judged here."""

import time

import numpy as np
import pytest

from perf.frame import Entry, describe, run


def entry(**changes: object) -> Entry:
    ways = {
        "ours": lambda: np.arange(3),
        "peer": lambda: (time.sleep(0.002), np.arange(3))[1],
        "limit": lambda: None,
        "equal": np.array_equal,
    }
    return Entry(name="toy", title="Toy", peer_name="numpy", limit_name="nothing", **(ways | changes))  # type: ignore[arg-type]


def test_a_result_has_the_promised_keys() -> None:
    result = run(entry(goal_ratio=0.9))
    assert {"name", "ours_s", "peer", "peer_s", "ratio", "limit_s", "limit_ratio", "equal"} <= set(result)
    assert result["ratio"] == pytest.approx(result["ours_s"] / result["peer_s"])
    assert result["limit_ratio"] == pytest.approx(result["ours_s"] / result["limit_s"])
    assert (result["equal"], result["met"], result["repeats"]) == (True, True, 5)


def test_the_three_ways_take_turns_after_one_warm_up() -> None:
    calls: list[str] = []
    ways = {name: lambda name=name: calls.append(name) for name in ("ours", "peer", "limit")}
    run(entry(**ways, equal=lambda a, b: True), repeats=6)
    assert calls == ["ours", "peer", "limit"] * 7


def test_a_missed_goal_is_printed_as_missed() -> None:
    slow = run(entry(ours=lambda: (time.sleep(0.004), np.arange(3))[1], goal_ratio=0.01))
    assert slow["met"] is False
    assert "MISSED" in describe(slow)


def test_a_missed_goal_says_where_the_time_goes() -> None:
    ways = {"ours": lambda: (time.sleep(0.004), np.arange(3))[1], "limit": lambda: time.sleep(0.002)}
    slow = run(entry(**ways, goal_ratio=0.01, profile=lambda: {"sleeping": 0.98}))
    assert slow["met"] is False
    assert "our time: sleeping 98%" in describe(slow)
    assert run(entry(goal_ratio=1.0, profile=lambda: {"sleeping": 0.98}))["profile"] is None


def test_nothing_is_met_that_was_faster_than_the_limit() -> None:
    starved = run(entry(limit=lambda: time.sleep(0.004), goal_ratio=100.0, goal_limit_ratio=100.0))
    assert (starved["equal"], starved["sound"], starved["met"]) == (True, False, False)
    text = describe(starved)
    assert "NOT SOUND" in text
    assert "time: met" not in text


def test_a_fast_way_to_another_result_meets_no_goal() -> None:
    wrong = run(entry(ours=lambda: np.arange(4), goal_ratio=100.0))
    assert (wrong["equal"], wrong["met"]) == (False, False)
    assert "DIFFER" in describe(wrong)


def test_without_a_goal_nothing_is_met_or_missed() -> None:
    result = run(entry())
    assert result["met"] is None
    assert "goal" not in describe(result)

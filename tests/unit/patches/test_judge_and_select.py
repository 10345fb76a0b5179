"""A handful of candidates, judged and selected."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from bocage.core.errors import UnknownName
from bocage.core.tally import Tally
from bocage.patches.judge import judge
from bocage.patches.options import FilterOptions, PatchOptions, SelectionOptions
from bocage.patches.select import Selection, plan_selection, select

CLASSES = ("background", "wheat", "vineyard")


def candidates(*rows: dict[str, object], n_dates: int = 1) -> pd.DataFrame:
    """Good candidates of ten by ten pixels, half of them wheat, except for what `rows` say."""
    good = {
        "cube": "a-31TEJ", "region": "a", "row": 0, "col": 0, "height": 10, "width": 10, "dates": list(range(n_dates)),
        "scenes": ["s1"] * n_dates, "n_px_0": 50, "n_px_1": 50, "n_px_2": 0, "n_px_255": 0, "nodata_fraction": 0.0,
        "unclear_fraction": 0.0, "bright_fraction": 0.0, "foreground_fraction": 0.5, "n_clear_dates": n_dates,
    }  # fmt: skip
    return pd.DataFrame([good | {"candidate_id": f"c{i}"} | row for i, row in enumerate(rows)])


def test_every_reason_against_a_single_date() -> None:
    table = candidates(
        {},
        {"nodata_fraction": 0.3, "unclear_fraction": 0.6},
        {"unclear_fraction": 0.3},
        {"bright_fraction": 0.1},
        {"foreground_fraction": 0.0},
    )
    judged, tally = judge(table, FilterOptions(), CLASSES)
    reasons = ["too much without data", "too cloudy", "too bright", "too little foreground"]
    assert judged["verdict"].tolist() == ["kept", *reasons]
    assert tally == Tally(1, dict.fromkeys(reasons, 1))


def test_limits_themselves_pass() -> None:
    filters = FilterOptions(max_nodata_fraction=0.3, max_unclear_fraction=0.2, min_foreground_fraction=0.5)
    judged, _ = judge(candidates({"nodata_fraction": 0.3, "unclear_fraction": 0.2}), filters, CLASSES)
    assert judged["verdict"].tolist() == ["kept"]


def test_a_series_is_judged_by_its_clear_dates() -> None:
    table = candidates({"unclear_fraction": 0.7, "n_clear_dates": 2}, {"n_clear_dates": 1}, n_dates=5)
    judged, _ = judge(table, FilterOptions(min_clear_dates=2), CLASSES)
    assert judged["verdict"].tolist() == ["kept", "too few clear dates"]


def test_target_classes_count_together() -> None:
    table = candidates({"n_px_1": 50}, {"n_px_1": 1, "n_px_2": 2}, {"n_px_2": 4})
    judged, _ = judge(table, FilterOptions(target_classes=("vineyard",), min_target_fraction=0.03), CLASSES)
    assert judged["verdict"].tolist() == ["no target class", "no target class", "kept"]
    both = FilterOptions(target_classes=("wheat", "vineyard"), min_target_fraction=0.03)
    assert judge(table, both, CLASSES)[0]["verdict"].tolist() == ["kept"] * 3


def test_an_unknown_target_class_gets_a_hint() -> None:
    with pytest.raises(UnknownName, match=r"'vinyard'.*Did you mean 'vineyard'"):
        judge(candidates({}), FilterOptions(target_classes=("vinyard",)), CLASSES)


def selected(table: pd.DataFrame, **limits: int) -> tuple[list[str], Tally]:
    taken, tally = select(judge(table, FilterOptions(), CLASSES)[0], SelectionOptions(**limits))
    assert "verdict" not in taken
    return taken["candidate_id"].tolist(), tally


def test_without_limits_all_that_passed_are_taken() -> None:
    ids, tally = selected(candidates({}, {"nodata_fraction": 1.0}, {}))
    assert (ids, tally) == (["c0", "c2"], Tally(2))


def test_the_rare_class_goes_first() -> None:
    """c1 holds all vineyard pixels, though fewer pixels in all; the order stays that of the table."""
    table = candidates({"n_px_1": 90}, {"n_px_1": 5, "n_px_2": 5}, {"n_px_1": 80})
    assert selected(table, max_total=1) == (["c1"], Tally(1, {"over the limit in all": 2}))
    assert selected(table, max_total=2) == (["c0", "c1"], Tally(2, {"over the limit in all": 1}))


def test_equal_candidates_are_taken_by_name() -> None:
    assert selected(candidates({}, {}, {}), max_total=2)[0] == ["c0", "c1"]


def test_limits_per_region_and_scene() -> None:
    table = candidates({}, {}, {"region": "b"}, {"region": "b", "scenes": ["s2"]})
    assert selected(table, max_per_region=1) == (["c0", "c2"], Tally(2, {"over the limit of its region": 2}))
    assert selected(table, max_per_scene=2) == (["c0", "c1", "c3"], Tally(3, {"over the limit of its scene": 1}))


def test_a_limit_per_scene_needs_single_dates() -> None:
    with pytest.raises(ValidationError, match="max_per_scene"):
        PatchOptions(dates="series", selection=SelectionOptions(max_per_scene=3))


def planned(table: pd.DataFrame, **options: object) -> Selection:
    judged, _ = judge(table, FilterOptions(min_foreground_fraction=0), CLASSES)
    return plan_selection(judged, SelectionOptions.model_validate(options), CLASSES)


def test_targets_end_the_selection_when_they_are_reached() -> None:
    table = candidates({"n_px_1": 50}, {"n_px_1": 30}, {"n_px_1": 40, "n_px_2": 5}, {"n_px_1": 9})
    reached = planned(table, targets={"wheat": 80, "vineyard": 5}, until="targets")
    assert reached.taken["candidate_id"].tolist() == ["c0", "c2"]
    assert reached.tally == Tally(2, {"brings no class closer to its target": 2})
    assert len(planned(table, targets={"wheat": 80, "vineyard": 5}).taken) == 4
    in_patches = planned(table, targets={"wheat": 3}, unit="patches", until="targets")
    assert len(in_patches.taken) == 3


def test_caps_hold_and_are_named() -> None:
    table = candidates({"n_px_0": 60}, {"n_px_0": 30}, {"n_px_0": 30})
    capped = planned(table, caps={"background": 70})
    assert capped.taken["candidate_id"].tolist() == ["c1", "c2"]
    assert capped.tally == Tally(2, {"over the cap of background": 1})
    assert capped.about["before"]["background"] == {"pixels": 120, "patches": 3}
    assert capped.about["after"]["background"] == {"pixels": 60, "patches": 2}
    assert capped.about["value"] <= capped.about["bound"]


def test_rare_classes_go_before_everything() -> None:
    table = candidates({"n_px_1": 100}, {"n_px_1": 0, "n_px_2": 1}, {"n_px_1": 100})
    chosen = planned(table, targets={"wheat": 200}, rare_classes=["vineyard"], max_total=2)
    assert chosen.taken["candidate_id"].tolist() == ["c0", "c1"]


def test_new_ground_and_empty_blocks_go_before_ground_that_is_covered() -> None:
    table = candidates({"col": 0}, {"col": 0}, {"col": 5}, {"col": 10}, {"col": 400})
    assert planned(table, max_total=2, spread_weight=0).taken["candidate_id"].tolist() == ["c0", "c3"]
    assert planned(table, max_total=2, ground_weight=0).taken["candidate_id"].tolist() == ["c0", "c4"]


@pytest.mark.parametrize(
    "option", [{"targets": {"vinyard": 1}}, {"caps": {"vinyard": 1}}, {"rare_classes": ["vinyard"]}]
)
def test_an_unknown_class_in_the_selection_gets_a_hint(option: dict[str, object]) -> None:
    with pytest.raises(UnknownName, match=r"patches\.selection\..*'vinyard'.*Did you mean 'vineyard'"):
        planned(candidates({}), **option)


def test_a_stratified_draw_keeps_the_share_of_every_class() -> None:
    rng = np.random.default_rng(0)
    vineyards = rng.random(200) < 0.05
    table = candidates(*({"n_px_1": 50, "n_px_2": 9 * int(v)} for v in vineyards))
    drawn = planned(table, method="stratified", max_total=100)
    assert len(drawn.taken) == 100
    assert drawn.about["after"]["vineyard"]["patches"] == round(vineyards.sum() / 2)
    assert drawn.tally == Tally(100, {"not drawn": 100})
    assert (
        drawn.taken["candidate_id"].tolist()
        == planned(table, method="stratified", max_total=100).taken["candidate_id"].tolist()
    )
    other = planned(table, method="stratified", max_total=100, draw_seed=1)
    assert drawn.taken["candidate_id"].tolist() != other.taken["candidate_id"].tolist()
    assert len(planned(table, method="stratified", max_total=300).taken) == 200


def test_squares_are_drawn_whole() -> None:
    """Sen4AgriNet draws patches, and cuts each: here 16 squares of 2 x 2 windows, one at the border."""
    corners = [(20 * i, 20 * j) for i in range(8) for j in range(8)][:-2]
    table = candidates(*({"row": r, "col": c, "height": 20, "width": 20} for r, c in corners))
    taken = planned(table, method="stratified", max_total=20, draw_block_px=40).taken
    squares = taken.groupby([taken["row"] // 40, taken["col"] // 40]).size()
    assert 16 <= len(taken) <= 20
    assert set(squares) <= {4, 2}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"method": "stratified"}, "draws max_total patches "),
        ({"method": "stratified", "max_total": 3, "caps": {"wheat": 1}}, "and caps belong to method: objective"),
        ({"draw_block_px": 366}, "draw_block_px belongs to method: stratified"),
    ],
)
def test_a_draw_knows_no_caps(options: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        SelectionOptions.model_validate(options)

import pytest

from bocage.core.tally import Tally


def test_a_tally_counts_verdicts_and_leaves_out_reasons_without_hits():
    tally = Tally.count([None, "cloudy", None, "no data", "cloudy"])
    assert tally.to_json() == {"kept": 2, "dropped": {"cloudy": 2, "no data": 1}}
    assert Tally(3, {"never": 0}).dropped == {}
    assert str(tally) == "2 kept, 3 dropped (2 cloudy, 1 no data)"


def test_tallies_add_up_side_by_side_and_chain_one_after_the_other():
    first, second = Tally(5, {"cloudy": 2}), Tally(4, {"cloudy": 1, "bright": 3})
    assert first + second == Tally(9, {"cloudy": 3, "bright": 3})
    assert first.then(Tally(2, {"bright": 3})) == Tally(2, {"cloudy": 2, "bright": 3})
    with pytest.raises(ValueError, match="saw 8, but 5"):
        first.then(Tally(8))


def test_a_tally_survives_json():
    tally = Tally(1, {"cloudy": 2})
    assert Tally.from_json(tally.to_json()) == tally

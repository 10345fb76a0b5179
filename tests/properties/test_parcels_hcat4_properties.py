"""HCAT4 codes: any ten digits that begin with 33 are walked field by field; the list decides who a parent is."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocage.core.errors import CorruptFile
from bocage.parcels import hcat4

codes = st.builds(lambda n: f"33{n:08d}", st.integers(0, 10**8 - 1))
TABLES = Path(os.environ.get("BOCAGE_SAMPLES", "../shared/data")).parent / "tables" / "eurocrops2"


def test_winter_common_soft_wheat_is_walked_by_fields():
    assert hcat4.fields("3310101001") == ("1", "01", "01", "00", "1")
    assert hcat4.level("3310101001") == 5
    assert hcat4.above("3310101001") == "3310101000"
    assert hcat4.ancestors("3310101001", {"3310101000", "3310100000", "3310000000"}) == (
        "3310101000",
        "3310100000",
        "3310000000",
    )


def test_a_parent_that_is_not_listed_is_climbed_over():
    assert hcat4.parent("3310201010", {"3310000000"}) == "3310000000"
    assert hcat4.parent("3310000000", {"3310000000"}) is None


@given(codes)
def test_every_code_lies_in_the_subtree_of_all_that_stand_above_it(code):
    chain = [code]
    while (up := hcat4.above(chain[-1])) is not None:
        chain.append(up)
    assert chain[-1] == hcat4.ROOT
    assert all(hcat4.is_in_subtree(code, c) for c in chain)
    levels = [hcat4.level(c) for c in chain]
    assert levels == sorted(set(levels), reverse=True)


@given(codes, st.sets(codes))
def test_listed_ancestors_are_those_among_the_codes_above(code, listed):
    every = {hcat4.ROOT, *listed}
    found = hcat4.ancestors(code, every)
    assert set(found) <= every
    assert code not in found
    assert found == () if code == hcat4.ROOT else found[-1] == hcat4.ROOT


@given(codes, codes)
def test_subtrees_nest_or_are_apart(a, b):
    below = hcat4.is_in_subtree(a, b) or hcat4.is_in_subtree(b, a)
    shared = hcat4.is_in_subtree("3310101001", a) and hcat4.is_in_subtree("3310101001", b)
    assert below or not shared


@given(st.text())
def test_any_text_is_asked(text):
    assert hcat4.is_code(text) == (len(text) == 10 and text[:2] == "33" and all(c in "0123456789" for c in text))


def test_a_list_with_a_wrong_code_is_refused():
    with pytest.raises(CorruptFile, match="found code '12'"):
        hcat4.parse_hcat4([{"hcat4_code": "12", "hcat4_name": "wheat"}], origin="mine.csv")


@pytest.mark.skipif(not TABLES.is_dir(), reason=f"no EuroCrops 2.0 tables at {TABLES}")
def test_the_published_list_has_the_levels_that_were_counted_by_hand():
    with (TABLES / "hcat4.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    names = hcat4.parse_hcat4(rows, origin="hcat4.csv")
    assert [sum(hcat4.level(c) == n for c in names) for n in range(1, 6)] == [7, 36, 140, 139, 31]
    not_listed = {up for c in names if (up := hcat4.above(c)) not in (None, hcat4.ROOT) and up not in names}
    assert len(not_listed) == 6
    assert sum(hcat4.above(c) in not_listed for c in names) == 27
    assert all(hcat4.fields(row["hcat4_code"])[4] == row["seasonality_code"] for row in rows)

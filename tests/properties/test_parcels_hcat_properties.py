"""HCAT codes form a tree."""

from hypothesis import given
from hypothesis import strategies as st

from bocage.parcels import hcat

listed = st.sampled_from(sorted(hcat.names_by_code()))


@given(listed)
def test_the_parent_of_every_code_is_listed_one_level_up(code: str) -> None:
    parent = hcat.parent(code)
    assert (parent is None) == (hcat.level(code) == 1)
    if parent is not None:
        assert hcat.is_listed(parent)
        assert hcat.level(parent) == hcat.level(code) - 1
        assert hcat.is_in_subtree(code, parent)
        assert not hcat.is_in_subtree(parent, code)


@given(listed, listed)
def test_a_subtree_is_what_has_the_root_among_its_ancestors(code: str, root: str) -> None:
    assert hcat.is_in_subtree(code, root) == (root in (code, *hcat.ancestors(code)))


@given(listed)
def test_codes_and_names_lead_to_each_other(code: str) -> None:
    assert hcat.codes_by_name()[hcat.names_by_code()[code]] == code


@given(st.text(max_size=12))
def test_any_text_can_be_asked(text: str) -> None:
    assert hcat.is_code(text) == (len(text) == 10 and all(c in "0123456789" for c in text) and text[:2] != "00")

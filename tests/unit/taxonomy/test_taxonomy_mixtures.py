"""Names with two crops, literal substrings, ICC codes, whole native names: what each decides."""

import pytest

from bocage.taxonomy.decide import Decision, Label, Verdict, decide
from bocage.taxonomy.load import find_taxonomy
from bocage.taxonomy.taxonomy import Mixtures

TABLE_1 = find_taxonomy("eurocrops-10-table1")


@pytest.mark.parametrize(
    ("mixtures", "verdict", "class_name"),
    [
        ("ignore", Verdict.AMBIGUOUS, "ignore"),
        ("background", Verdict.BACKGROUND, "background"),
        ("first", Verdict.MAPPED, "potato"),
    ],
)
def test_a_mixture_by_name_alone(mixtures: Mixtures, verdict: Verdict, class_name: str) -> None:
    taxonomy = find_taxonomy("eurocrops-10", mixtures=mixtures)
    decision = decide(Label(crop_name_en="Early potatoes / corn"), taxonomy)
    assert (decision.verdict, decision.class_name, decision.claims) == (verdict, class_name, ("maize", "potato"))
    assert "maize|potato" in decision.rule


def test_the_code_of_a_mixture_decides() -> None:
    for mixtures in ("ignore", "background", "first"):
        taxonomy = find_taxonomy("eurocrops-10", mixtures=mixtures)
        label = Label(crop_name_en="barley-wheat mixture", hcat_code="3301010400")
        assert decide(label, taxonomy) == Decision(Verdict.MAPPED, "barley", "hcat:3301010400", ("barley",))


def test_a_name_against_its_code_is_noted() -> None:
    taxonomy = find_taxonomy("eurocrops-10")
    decision = decide(Label(crop_name_en="Maize; potatoes", hcat_code="3301020100"), taxonomy)
    assert (decision.class_name, decision.by_name) == ("background", "maize|potato")
    assert decide(Label(crop_name_en="Maize; potatoes", hcat_code="3301030000"), taxonomy).by_name == ""


@pytest.mark.parametrize(
    ("name", "class_name"),
    [  # right and wrong: the rule of the paper as it stands
        *(("Cornflower", "maize"), ("Ryegrass", "wheat"), ("Sweet potatoes", "potato"), ("BEETLE BEANS", "sugar_beet")),
        *(("Oat", "background"), ("Spring rape", "background"), ("Spelt", "background"), ("Forage beet", "sugar_beet")),
        *(("Fodder beet", "background"), ("Beetroot", "background"), ("Buckwheat", "background")),
        *(("Grape rapeseed", "background"), ("WINTER RAPE", "rapeseed"), ("Soy beans", "soybean")),
        ("Barley and wheat", "background"),
    ],
)
def test_table_1_to_the_letter(name: str, class_name: str) -> None:
    assert decide(Label(crop_name_en=name, hcat_code="3301010400"), TABLE_1).class_name == class_name
    assert decide(Label(crop_name=name), TABLE_1).class_name == class_name, "the original name where there is no other"


def test_icc_codes() -> None:
    taxonomy = find_taxonomy("s4a-11")
    found = {code: decide(Label(icc_code=code), taxonomy).class_name for code in ("110", "191", "435", "998", "1", "")}
    assert found == {
        "110": "wheat",
        "191": "background",
        "435": "rapeseed",
        "998": "ignore",
        "1": "background",
        "": "background",
    }
    assert decide(Label(icc_code="1"), taxonomy).verdict == Verdict.UNMAPPED
    taxonomy = find_taxonomy("s4a-168")
    assert decide(Label(icc_code="438"), taxonomy).class_name == "sunflower"
    assert decide(Label(icc_code="430"), taxonomy).class_name == "other_temporary_oilseed_crops"


def test_a_taxonomy_without_hcat_rules_is_not_told_anything_by_hcat() -> None:
    decision = decide(Label("AT", hcat_code="3301010101"), find_taxonomy("s4a-168"))
    assert decision.verdict == Verdict.UNMAPPED


@pytest.mark.parametrize("name", ["ARRÒS", "arros", "Arrós"])
def test_whole_native_names(name: str) -> None:
    decision = decide(Label("ES", crop_name=name), find_taxonomy("s4a-168"))
    assert (decision.class_name, decision.rule) == ("rice", f"name:ES:{name}")
    assert decide(Label("FR", crop_name=name), find_taxonomy("s4a-168")).verdict == Verdict.UNMAPPED


def test_hcat4_codes_are_led_to_hcat3() -> None:
    taxonomy = find_taxonomy("eurocrops-10")
    found = decide(Label("DE", hcat_code="3310106000", hcat_name="maize_corn_popcorn"), taxonomy)
    assert (found.class_name, found.rule) == ("maize", "hcat:3301010600 via 3310106000")
    for code, name, expected in (
        ("3310101001", "winter_common_soft_wheat", "wheat"),
        ("3310719010", "sugar_beet", "sugar_beet"),
        ("3310719000", "beta_vulgaris", "ignore"),
        ("3310111001", "winter_mixed_grains", "ignore"),
        ("3320100000", "permanent_grassland", "pasture"),
        ("3330600000", None, "background"),
    ):
        assert decide(Label(hcat_code=code, hcat_name=name), taxonomy).class_name == expected, name


def test_three_kinds_of_nothing() -> None:
    """0 known not to be a target, 255 unknown or too coarse, and other crops as a class of their own."""
    taxonomy = find_taxonomy("field-crops")
    peat, unknown, other = (decide(Label(hcat_code=c), taxonomy) for c in ("3307000000", "3399000000", "3301990000"))
    assert (peat.class_name, unknown.class_name, other.class_name) == ("background", "ignore", "other_crops")
    assert (peat.verdict, unknown.verdict, other.verdict) == (Verdict.BACKGROUND, Verdict.AMBIGUOUS, Verdict.MAPPED)
    sen4agrinet = find_taxonomy("s4a-168")
    assert decide(Label(icc_code="980"), sen4agrinet).class_name == "other_crops"

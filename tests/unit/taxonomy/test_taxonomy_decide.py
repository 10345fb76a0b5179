"""One label at a time: codes before names, subtrees by pairs, whole words."""

import pytest

from bocage.taxonomy.decide import Label, Verdict, decide
from bocage.taxonomy.load import find_taxonomy
from bocage.taxonomy.taxonomy import Taxonomy
from bocage.taxonomy.words import find_phrase

EUROCROPS_10 = find_taxonomy("eurocrops-10")


def outcome(label: Label, taxonomy: Taxonomy = EUROCROPS_10) -> tuple[str, str]:
    decision = decide(label, taxonomy)
    return decision.class_name, decision.rule


def by_name(name: str) -> str:
    return decide(Label(crop_name_en=name), EUROCROPS_10).class_name


def test_the_code_decides() -> None:
    assert outcome(Label(hcat_code="3301010101", crop_name_en="Potatoes")) == ("wheat", "hcat:3301010100")
    assert outcome(Label(hcat_code="3303060000", crop_name_en="Wheat")) == ("background", "background")


def test_too_coarse() -> None:
    name, rule = outcome(Label(hcat_code="3301010000"))
    assert (name, rule) == ("ignore", "coarse:3301010000 above maize|wheat|barley|oats")
    assert decide(Label(hcat_code="3301010000"), EUROCROPS_10).verdict == Verdict.AMBIGUOUS
    assert outcome(Label(hcat_code="3301011501")) == ("ignore", "hcat:3301011500")


def test_an_unlisted_code_below_a_class_belongs_to_it() -> None:
    assert outcome(Label(hcat_code="3302990000")) == ("pasture", "hcat:3302000000")


def test_an_unlisted_code_elsewhere_leaves_it_to_the_name() -> None:
    assert outcome(Label(hcat_code="3301290900", crop_name_en="Oats")) == ("oats", "word:oat")
    assert outcome(Label(hcat_code="3301290900", crop_name_en="Topinambur")) == ("background", "unmapped")


def test_nothing_at_all_is_unmapped() -> None:
    assert decide(Label(), EUROCROPS_10).verdict == Verdict.UNMAPPED


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cornflower", "background"),
        ("Corn", "maize"),
        ("Ryegrass", "pasture"),
        ("Winter rye", "wheat"),
        ("Sweet potatoes", "background"),
        ("EARLY POTATOES", "potato"),
        ("Spring rape", "rapeseed"),
        ("Grapes", "background"),
        ("Oat", "oats"),
        ("Oats", "oats"),
        ("Spelt", "wheat"),
        ("Buckwheat", "background"),
        ("Forage beet", "background"),
        ("Beetroot", "background"),
        ("BEETLE BEANS", "background"),
        ("Sugar beets", "sugar_beet"),
        ("Soya beans", "soybean"),
        ("Grassland fallow", "background"),
        ("Lucerne / alfalfa", "pasture"),
        ("barley-wheat mixture", "ignore"),
        ("Early potatoes / corn", "ignore"),
    ],
)
def test_classic_mistakes(name: str, expected: str) -> None:
    assert by_name(name) == expected


def test_the_translation_goes_before_the_native_name() -> None:
    assert outcome(Label(crop_name="Corn (it says)", crop_name_en="Barley")) == ("barley", "word:barley")
    assert outcome(Label(crop_name="Barley")) == ("barley", "word:barley")


def test_whole_words_without_case_and_accents() -> None:
    assert find_phrase("MAÏS grain", ["mais"]) == ("mais", 0)
    assert find_phrase("seed of sugar-beets", ["sugar beet"]) == ("sugar beet", 2)
    assert find_phrase("beet sugar", ["sugar beet"]) is None
    assert find_phrase("", ["x"]) is None


def test_native_codes_belong_to_their_country() -> None:
    taxonomy = Taxonomy.from_json(
        {
            "name": "vines",
            "classes": [
                {"id": 0, "name": "background", "title": "", "color": "#000000"},
                {"id": 1, "name": "vineyard", "title": "", "color": "#ffffff"},
            ],
            "rules": [
                {"class": "vineyard", "native": {"FR": ["VRC"]}, "hcat": ["3303000000"], "except_hcat": ["3303010000"]}
            ],
        }
    )
    assert outcome(Label(country="FR", crop_code="VRC"), taxonomy) == ("vineyard", "native:FR:VRC")
    assert outcome(Label(country="ES", crop_code="VRC"), taxonomy) == ("background", "unmapped")
    assert outcome(Label(hcat_code="3303010200"), taxonomy) == ("background", "background"), "apples are left out"
    assert outcome(Label(hcat_code="3303060000"), taxonomy) == ("vineyard", "hcat:3303000000")

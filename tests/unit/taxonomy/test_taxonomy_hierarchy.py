"""A small tree of cereals: inner nodes are kept, any level may be asked for, children know their ancestors."""

from typing import Any

import numpy as np
import pytest

from bocage.core.errors import ConfigError, UnknownName
from bocage.parcels import hcat
from bocage.taxonomy.decide import Label, Verdict, decide
from bocage.taxonomy.hierarchy import ancestor_table, ancestors_by_class
from bocage.taxonomy.load import find_taxonomy
from bocage.taxonomy.taxonomy import IGNORE_NAME, Taxonomy


def crop(i: int, name: str, parent: str | None = None) -> dict[str, Any]:
    return {"id": i, "name": name, "title": name, "color": f"#{i:06x}", "parent": parent}


TREE: dict[str, Any] = {
    "name": "tree",
    "classes": [
        crop(0, "background"),
        crop(1, "cereals"),
        crop(2, "wheat", "cereals"),
        crop(3, "winter_wheat", "wheat"),
        crop(4, "barley", "cereals"),
        crop(5, "vines"),
    ],
    "rules": [
        {"class": "winter_wheat", "hcat": ["3301010101"], "words": ["winter wheat"]},
        {"class": "barley", "hcat": ["3301010400"], "words": ["barley"]},
        {"class": "vines", "hcat": ["3303060000"]},
        {"class": "wheat", "hcat": ["3301010100"], "words": ["wheat"]},
        {"class": "cereals", "hcat": ["3301010000"], "words": ["cereal"]},
    ],
}
TAXONOMY = Taxonomy.from_json(TREE)


def test_an_inner_node_is_kept() -> None:
    found = [decide(Label(hcat_code=c), TAXONOMY).class_name for c in ("3301010000", "3301010102", "3301010101")]
    assert found == ["cereals", "wheat", "winter_wheat"]
    decision = decide(Label(crop_name_en="Winter wheat"), TAXONOMY)
    assert (decision.class_name, decision.claims) == ("winter_wheat", ("winter_wheat",)), "its ancestors do not compete"


@pytest.mark.parametrize(
    ("level", "classes", "expected"),
    [
        (1, ["background", "cereals", "vines"], ["cereals", "cereals", "cereals", "vines"]),
        (2, ["background", "wheat", "barley", "vines"], ["ignore", "wheat", "wheat", "vines"]),
        (3, ["background", "winter_wheat", "barley", "vines"], ["ignore", "ignore", "winter_wheat", "vines"]),
    ],
)
def test_any_level(level: int, classes: list[str], expected: list[str]) -> None:
    flat = TAXONOMY.at_level(level)
    assert (list(flat.class_names), flat.depth, flat.name) == (classes, 1, f"tree@{level}")
    labels = [Label(hcat_code=c) for c in ("3301010000", "3301010102", "3301010101", "3303060000")]
    assert [decide(label, flat).class_name for label in labels] == expected


def test_child_to_ancestors() -> None:
    expected = np.array(
        [
            [0, 0, 0],  # background
            [1, 255, 255],  # cereals: of no level below
            [1, 1, 255],  # wheat
            [1, 1, 1],  # winter wheat
            [1, 2, 2],  # barley has nothing below and stands for itself
            [2, 3, 3],  # vines
        ]
    )
    np.testing.assert_array_equal(ancestor_table(TAXONOMY), expected)
    assert ancestors_by_class(TAXONOMY)["winter_wheat"] == ["wheat", "cereals"]


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({2: "cereal"}, UnknownName, "parent 'cereal'.*Did you mean 'cereals'"),
        ({1: "background"}, UnknownName, "no class to stand under"),
        ({1: "winter_wheat"}, ConfigError, "its own ancestor"),
    ],
)
def test_wrong_trees(changed: dict[int, str], error: type[Exception], message: str) -> None:
    classes = [c | {"parent": changed.get(c["id"], c["parent"])} for c in TREE["classes"]]
    with pytest.raises(error, match=message):
        Taxonomy.from_json(TREE | {"classes": classes})


def test_levels_that_are_not_there() -> None:
    with pytest.raises(ConfigError, match="levels 1 to 3; 4 was asked for"):
        TAXONOMY.at_level(4)
    with pytest.raises(ConfigError, match="levels 1 to 1"):
        find_taxonomy("eurocrops-10", level=2)


@pytest.mark.parametrize("name", ["field-crops", "s4a-168"])
def test_a_level_is_the_full_taxonomy_rolled_up(name: str) -> None:
    """For every code that a rule lists, deciding at a level and rolling up what the full taxonomy decides agree."""
    full = find_taxonomy(name)
    labels = [Label(hcat_code=code) for code in hcat.names_by_code()]
    labels += [Label(icc_code=code) for rule in full.rules for code in rule.icc]
    labels += [Label("FR", code) for rule in full.rules for code in rule.native.get("FR", ())]
    labels += [Label("ES", None, n) for rule in full.rules for n in rule.names.get("ES", ())]
    table = ancestor_table(full)
    for level in range(1, full.depth + 1):
        flat = full.at_level(level)
        ids = {IGNORE_NAME: 255, **{n: i for i, n in enumerate(flat.class_names)}}
        for label in labels:
            whole, part = decide(label, full), decide(label, flat)
            expected = 255 if whole.verdict == Verdict.AMBIGUOUS else table[full.class_id(whole.class_name), level - 1]
            assert ids[part.class_name] == expected, (label, level)


def test_the_tiers_of_field_crops() -> None:
    taxonomy = find_taxonomy("field-crops")
    assert [len(taxonomy.at_level(n).classes) - 1 for n in (1, 2, 3)] == [5, 16, 48]
    assert "other_crops" in taxonomy.at_level(3).class_names
    by_code = {c: decide(Label(hcat_code=c), taxonomy).class_name for c in hcat.names_by_code()}
    assert by_code["3301010000"] == "cereals"
    assert by_code["3301010199"] == "cereals", "wheat of no season is neither winter nor spring wheat"
    assert by_code["3301010101"] == "winter_wheat"
    assert by_code["3301290000"] == "root_crops"
    assert (by_code["3301000000"], by_code["3399000000"]) == ("ignore", "ignore")
    assert (by_code["3301990000"], by_code["3307000000"]) == ("other_crops", "background")


@pytest.mark.parametrize(
    ("code", "project_class"),
    [  # the pairs that the RPG project's notebook shows
        *(("PPH", "permanent_grassland"), ("SPH", "permanent_grassland"), ("ORP", "spring_barley")),
        *(("ORH", "winter_barley"), ("BTH", "winter_wheat"), ("BTN", "sugar_beet"), ("VRC", "vineyards")),
        *(("TRN", "sunflower"), ("MIS", "maize"), ("AIL", "onions_garlic"), ("AVH", "oats"), ("CHA", "oats")),
        *(("AVP", "oats"), ("CPA", "oats"), ("SNE", "ignore"), ("BOR", "background"), ("VNL", "background")),
    ],
)
def test_field_crops_on_rpg_codes(code: str, project_class: str) -> None:
    assert decide(Label("FR", code), find_taxonomy("field-crops")).class_name == project_class

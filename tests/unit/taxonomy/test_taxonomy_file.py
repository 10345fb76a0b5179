"""A taxonomy file is checked when it is read; what is wrong is said with the nearest name."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from bocage.core.errors import ConfigError, MissingFile, UnknownKey, UnknownName
from bocage.datasets.info import ClassInfo, DatasetInfo
from bocage.taxonomy.decide import Label, decide
from bocage.taxonomy.load import find_taxonomy, load_taxonomy, shipped_taxonomies
from bocage.taxonomy.options import TaxonomyOptions
from bocage.taxonomy.taxonomy import Taxonomy

GOOD: dict[str, Any] = {
    "name": "two",
    "classes": [
        {"id": 0, "name": "background", "title": "Background", "color": "#000000"},
        {"id": 1, "name": "wheat", "title": "Wheat", "color": "#a57000"},
    ],
    "rules": [{"class": "wheat", "hcat": ["3301010100"], "words": ["wheat"]}],
}


@pytest.mark.parametrize("name", shipped_taxonomies())
def test_shipped_taxonomies_survive_json(name: str) -> None:
    taxonomy = find_taxonomy(name)
    assert Taxonomy.from_json(taxonomy.to_json()) == taxonomy
    assert taxonomy.class_names[0] == "background"
    assert len({c.color for c in taxonomy.classes}) == len(taxonomy.classes), "two classes share a colour"


def test_the_default_has_the_classes_of_the_paper() -> None:
    assert load_taxonomy(TaxonomyOptions()).class_names == (
        *("background", "maize", "rapeseed", "wheat", "barley", "oats", "sunflower", "sugar_beet", "soybean", "potato"),
        "pasture",
    )


def test_the_experiments_taxonomy_reads() -> None:
    path = Path(__file__).resolve().parents[3] / "experiments" / "taxonomies" / "beziers.yaml"
    names = load_taxonomy(TaxonomyOptions(name=None, file=str(path))).class_names
    assert names == ("background", "vineyard", "wheat", "grassland", "fallow_or_unmaintained")


def broken(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(GOOD) | changes


@pytest.mark.parametrize(
    ("record", "error", "message"),
    [
        (broken(rules=[{"class": "whaet", "words": ["x"]}]), UnknownName, r"'whaet'. Did you mean 'wheat'"),
        (broken(rules=[{"class": "wheat", "hcat": ["3301010110"]}]), UnknownName, "3301010110: not in the HCAT3 list"),
        (broken(rules=[{"class": "wheat", "wrods": ["x"]}]), UnknownKey, r"'rules\.0\.wrods'. Did you mean 'words'"),
        (broken(colour="red"), UnknownKey, "unknown key 'colour'"),
        (broken(rules=[{"class": "wheat"}]), ConfigError, "neither hcat nor native nor words"),
        (broken(rules=[]), ConfigError, "rules"),
        (broken(classes=GOOD["classes"][::-1]), ConfigError, "must be 0, 1, 2"),
        (broken(classes=[GOOD["classes"][0], GOOD["classes"][1] | {"name": "background"}]), ConfigError, "must differ"),
        (broken(classes=[GOOD["classes"][0], GOOD["classes"][1] | {"color": "brown"}]), ConfigError, "color"),
        (broken(rules=[{"class": "wheat", "hcat": [3301010100]}]), ConfigError, "string"),
    ],
)
def test_mistakes(record: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        Taxonomy.from_json(record, origin="mine.yaml")
    assert "mine.yaml" in str(caught.value)


def test_unknown_names_have_a_hint() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'eurocrops-10'"):
        find_taxonomy("eurocrop-10")
    with pytest.raises(UnknownName, match=r"no class 'what'.*Did you mean 'wheat'"):
        find_taxonomy("eurocrops-10").class_id("what")
    assert find_taxonomy("eurocrops-10").class_id("wheat") == 3


def test_files(tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        find_taxonomy(str(tmp_path / "none.yaml"))
    path = tmp_path / "mine.yaml"
    path.write_text("classes: [")
    with pytest.raises(ConfigError, match="is not YAML"):
        find_taxonomy(str(path))
    path.write_text("just text")
    with pytest.raises(ConfigError, match="is no taxonomy"):
        find_taxonomy(str(path))
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        find_taxonomy(str(path))
    path.write_text(yaml.safe_dump(GOOD))
    assert find_taxonomy(str(path)).class_names == ("background", "wheat")


@pytest.mark.parametrize("key", ["words", "except_words", "substrings", "except_substrings"])
def test_an_empty_word_is_refused(key: str) -> None:
    rule = {"class": "wheat", "hcat": ["3301010100"], key: ["wheat", ""]}
    with pytest.raises(ConfigError, match="empty word or substring"):
        Taxonomy.from_json(broken(rules=[rule]))


def test_substrings_meet_names_without_regard_to_case() -> None:
    taxonomy = Taxonomy.from_json(broken(rules=[{"class": "wheat", "substrings": ["Wheat"]}]))
    assert decide(Label(crop_name_en="Soft WHEAT"), taxonomy).class_name == "wheat"


@pytest.mark.parametrize("n", [254, 255])
def test_a_data_set_can_hold_as_many_classes_as_a_taxonomy(n: int) -> None:
    classes = [{"id": i, "name": f"c{i}", "title": "x", "color": "#000000"} for i in range(n)]
    classes[0]["name"], classes[1]["name"] = "background", "wheat"
    if n > 254:
        with pytest.raises(ConfigError, match="less than 254"):
            Taxonomy.from_json(broken(classes=classes))
        return
    taxonomy = Taxonomy.from_json(broken(classes=classes))
    own = tuple(ClassInfo(c.id, c.name, c.color, c.title) for c in taxonomy.classes)
    assert DatasetInfo(own, ("B02",), 8, 10.0, "single", "L2A").class_names == taxonomy.class_names

"""Rasters of PASTIS and DACIA5 in the ids of the ten classes; labels that two sources share."""

from pathlib import Path

import numpy as np
import pytest

from bocage.core.errors import ConfigError, CorruptFile, DataError, MissingFile, NothingLeft, UnknownName
from bocage.taxonomy.common import select_common_labels
from bocage.taxonomy.crosswalk import apply_crosswalk
from bocage.taxonomy.load import find_taxonomy
from bocage.taxonomy.read_crosswalk import find_crosswalk, read_crosswalk_file, shipped_crosswalks


def test_table_8_pastis() -> None:
    """Its column "Project ID", row by row."""
    expected = [0, 10, 3, 1, 4, 2, 4, 6, 255, 7, 3, 3, 255, 9, 10, 8, 255, 255, 255, 255]
    labels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    found = apply_crosswalk(labels, find_crosswalk("pastis-18-to-eurocrops-10"))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.reshape(expected, (4, 5)))


def test_table_7_dacia5() -> None:
    expected = [0, 3, 3, 1, 255, 9, 9, 9, 9, 7, 10, 10, 10, 1, 8, 10, 2, 6]
    found = apply_crosswalk(np.arange(18), find_crosswalk("dacia5-to-eurocrops-10"))
    assert found.tolist() == expected


def test_crosswalks_name_the_classes_of_both_sides() -> None:
    for name in shipped_crosswalks():
        crosswalk, source = find_crosswalk(name), find_taxonomy(name.split("-to-")[0])
        assert set(crosswalk.ids.values()) <= {*range(11), 255}
        listed = {i: title for i, title in crosswalk.names.items() if title != "void"}
        assert listed == dict(enumerate(source.class_names))


def test_255_stays_and_unknown_ids_are_refused() -> None:
    crosswalk = find_crosswalk("dacia5-to-eurocrops-10")
    assert apply_crosswalk(np.array([[255, 0]]), crosswalk).tolist() == [[255, 0]]
    with pytest.raises(DataError, match="does not list id 18"):
        apply_crosswalk(np.array([18]), crosswalk)
    with pytest.raises(UnknownName, match="Did you mean 'dacia5-to-eurocrops-10'"):
        find_crosswalk("dacia-to-eurocrops-10")


def test_a_crosswalk_of_your_own(tmp_path: Path) -> None:
    target, path = find_taxonomy("eurocrops-10"), tmp_path / "mine.csv"
    with pytest.raises(MissingFile):
        read_crosswalk_file(path, target)
    path.write_text("from_id,from_name,to_name\n7,grain,wheat\n255,sea,background\n")
    assert apply_crosswalk(np.array([7, 255]), read_crosswalk_file(path, target)).tolist() == [3, 0]
    for rows, error, message in (
        ("7,grain,whaet\n", UnknownName, "Did you mean 'wheat'"),
        ("7,grain,wheat\n7,grain,barley\n", CorruptFile, "stand once"),
        ("300,grain,wheat\n", CorruptFile, "from 0 to 255"),
        ("", CorruptFile, "no rows"),
    ):
        path.write_text("from_id,from_name,to_name\n" + rows)
        with pytest.raises(error, match=message):
            read_crosswalk_file(path, target)
    path.write_bytes("from_id,from_name,to_name\n7,blé,wheat\n".encode("latin-1"))
    with pytest.raises(CorruptFile, match=r"'mine\.csv' is not a CSV in UTF-8"):
        read_crosswalk_file(path, target)


def test_common_labels() -> None:
    """Of 1,000 ha that both have, wheat, maize and vines are 999; rye is left out, olives are in one source only."""
    france = {"wheat": 700.0, "maize": 90.0, "vines": 9.0, "rye": 0.5, "beet": 400.0}
    catalonia = {"wheat": 100.0, "maize": 10.0, "vines": 90.0, "rye": 0.5, "olives": 300.0, "beet": 0.0}
    found = select_common_labels([france, catalonia], share=0.999)
    assert [(x.label, x.area_ha) for x in found] == [
        ("wheat", (700.0, 100.0)),
        ("maize", (90.0, 10.0)),
        ("vines", (9.0, 90.0)),
    ]
    assert [x.cumulated_fraction for x in found] == pytest.approx([0.8, 0.9, 0.999])
    assert [x.label for x in select_common_labels([france, catalonia], share=1.0)][-1] == "rye"
    with pytest.raises(NothingLeft):
        select_common_labels([{"a": 1.0}, {"b": 1.0}])
    with pytest.raises(ConfigError):
        select_common_labels([france])

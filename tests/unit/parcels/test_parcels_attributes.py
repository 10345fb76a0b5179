"""Crop columns: HCAT from codes and names, code tables, text from numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bocage.core.errors import CorruptFile, MissingFile, UnknownName
from bocage.parcels import hcat
from bocage.parcels.code_tables import parse_code_table
from bocage.parcels.encodings import FoundEncoding, find_encoding, is_damaged
from bocage.parcels.harmonise import as_numbers, as_text, as_years, complete_hcat, harmonise
from bocage.parcels.identities import UniqueIds, text_keys
from bocage.parcels.store_code_tables import find_code_table, import_code_tables


def texts(*values: str | None) -> np.ndarray:
    return np.array(values, dtype=object)


def test_hcat_is_walked_by_pairs() -> None:
    emmer = "3301011200"
    assert (hcat.level(emmer), hcat.parent(emmer)) == (4, "3301010000")
    assert hcat.ancestors(emmer) == ("3301010000", "3301000000", "3300000000")
    assert not hcat.is_in_subtree(emmer, "3301011000"), "emmer is no spelt, though a walk by digits passes it"
    assert hcat.is_in_subtree("3301011001", "3301011000")
    assert hcat.parent("3300000000") is None
    assert len(hcat.names_by_code()) == len(hcat.codes_by_name()) == 384


def test_code_and_name_complete_each_other() -> None:
    codes, names, odd = complete_hcat(
        texts("3301010101", None, "3301060700", None, None, "3301290900", "12", None),
        texts(None, "Green silo maize", "flax_linen", None, "no such crop", "topinambur", "rye", None),
    )
    assert codes.tolist() == ["3301010101", "3301090400", "3301060700", None, None, "3301290900", "3301010300", None]
    assert names.tolist() == [
        *(
            "winter_common_soft_wheat",
            "green_silo_maize",
            "flax_linseed",
            None,
            "no such crop",
            "topinambur",
            "rye",
            None,
        )
    ]
    assert {what: entry["n"] for what, entry in odd.items()} == {
        "HCAT name and code disagree": 1,
        "no HCAT code": 2,
        "HCAT name not in the list": 1,
        "HCAT code not in the list": 1,
        "HCAT code malformed": 1,
    }


def test_numbers_become_text_and_text_keeps_its_zeros() -> None:
    assert as_text(pd.Series([1, 23])).tolist() == ["1", "23"]
    assert as_text(pd.Series([3301010101.0, np.nan])).tolist() == ["3301010101", None]
    assert as_text(pd.Series(["007", " x ", "", None])).tolist() == ["007", "x", None, None]
    assert as_years(pd.Series(["2021", "2021-05-01", None, "spring"])).tolist() == [2021, 2021, 0, 0]


def test_ids_do_not_collide_with_made_ones() -> None:
    given = texts("f-2", None, "f-2", "f-2#2")
    namer = UniqueIds(text_keys(given[[0, 2, 3]]))
    ids = np.concatenate([namer.name(given[i : i + 1], np.array([i]), stem="f") for i in range(4)])
    assert len(set(ids)) == 4
    assert ids[0] == "f-2"
    assert ids[3] == "f-2#2", "an id of the file stays as it is"
    assert namer.n_made == 2


def test_encodings() -> None:
    assert find_encoding(["Blé".encode()], stated=None, candidates=["cp1252"]) == FoundEncoding("utf-8", "bytes")
    assert find_encoding(["Blé".encode("cp1252")], stated="UTF-8", candidates=[]) == FoundEncoding("cp1252", "alphabet")
    assert find_encoding([b"x"], stated="no-such-code-page", candidates=[]).name == "utf-8"
    assert find_encoding([b"x"], stated="ISO-8859-2", candidates=[]) == FoundEncoding("iso-8859-2", "file")
    assert find_encoding([bytes([0xE5, 0xF0])], stated=None, candidates=[]).reason == "guess", "åð, ĺđ, åš: no language"
    assert is_damaged("Bl\ufffd")
    assert is_damaged("Mie?i")
    assert not is_damaged("Wheat?")
    assert is_damaged("BlÃ© tendre"), "UTF-8 decoded as cp1252"
    assert not is_damaged("BLÉ Ãã ÅÄÖ Ź")


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp1250", ["Řepka ozimá", "Ječmen jarní", "Pšenice"]),
        ("iso8859-2", ["Řepka ozimá", "Ječmen jarní", "Žito", "Pšenice"]),
        ("cp1257", ["Žieminiai kviečiai", "Daugiametės pievos", "Ąžuolas"]),
        ("cp1252", ["Blé tendre d'hiver", "Maïs", "Forêt"]),
        ("iso8859-15", ["Cœur", "Blé"]),
    ],
)
def test_an_encoding_is_known_by_the_letters_of_one_language(encoding: str, names: list[str]) -> None:
    found = find_encoding([name.encode(encoding) for name in names], stated=None, candidates=[])
    assert [name.encode(encoding).decode(found.name) for name in names] == names
    assert found.reason == "alphabet"


MAPPING = [
    {
        "original_name": "Froment d'hiver",
        "original_code": "311",
        "translated_name": "Winter wheat",
        "HCAT3_code": "3301010101",
    },
    {
        "original_name": "Maïs ensilage",
        "original_code": "",
        "translated_name": "Silage maize",
        "HCAT3_code": "3301090400",
    },
    {"original_name": "", "original_code": "", "translated_name": "", "HCAT3_code": "3301070000"},
    {"original_name": "Divers", "original_code": "9", "translated_name": "Various", "HCAT3_code": ""},
]


def test_code_tables_are_read_by_header_and_joined() -> None:
    table = parse_code_table("be", MAPPING)
    assert table.tally.to_json() == {"kept": 2, "dropped": {"continues the row above": 1, "without HCAT": 1}}
    raw = pd.DataFrame({"code": ["311", None, "77"], "nom": [None, "MAIS ENSILAGE", "?"]})
    columns, notes = harmonise(raw, {"code": "code", "name": "nom"}, table=table)
    assert columns["hcat:code"].tolist() == ["3301010101", "3301090400", None]
    assert columns["crop:name"].tolist() == ["Froment d'hiver", "MAIS ENSILAGE", "?"]
    assert columns["crop:name_en"].tolist() == ["Winter wheat", "Silage maize", None]
    assert notes["code_table"] == {"name": "be", "n_not_found": 1, "examples": ["77 ?"]}


def test_a_table_without_hcat_is_refused() -> None:
    with pytest.raises(CorruptFile, match="found code, label"):
        parse_code_table("x", [{"code": "1", "label": "wheat"}])


def test_code_tables_are_imported_and_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "be_2021.csv"
    pd.DataFrame(MAPPING).to_csv(path, index=False)
    (record,), skipped = import_code_tables(str(path))
    assert skipped == []
    assert (record["name"], record["n_rows"]) == ("be_2021", 2)
    table = find_code_table("be_2021")
    row = table.find("311", None)
    assert row is not None
    assert row.hcat_code == "3301010101"
    with pytest.raises(UnknownName, match=r"Did you mean 'be_2021'"):
        find_code_table("be_2020")
    with pytest.raises(MissingFile):
        import_code_tables(str(tmp_path / "none.csv"))
    with pytest.raises(MissingFile, match="No code table in"):
        (tmp_path / "nothing").mkdir()
        import_code_tables(str(tmp_path / "nothing"))


def test_numbers_with_points_and_commas() -> None:
    spelt = pd.Series(["1 234,5", "1.234,5", "1,234.5", "12,5", "12.5", "-3", "", None, "ha"], dtype=object)
    np.testing.assert_equal(as_numbers(spelt), [1234.5, 1234.5, 1234.5, 12.5, 12.5, -3, np.nan, np.nan, np.nan])

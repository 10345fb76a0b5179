"""All 5,595 rows of EuroCrops' country mappings, Sen4AgriNet's own tables, and HCAT4, read with nothing of bocage."""

import csv
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from bocage.parcels import hcat
from bocage.parcels.hcat4 import parse_hcat4
from bocage.parcels.store_code_tables import import_code_tables
from bocage.taxonomy.decide import Label, Verdict, decide
from bocage.taxonomy.hcat_crosswalk import crosswalk_to_hcat3, crosswalk_to_hcat4
from bocage.taxonomy.load import find_taxonomy

# Table 1 of the EuroCrops paper, typed again: inclusion and exclusion keywords of classes 1 … 10
TABLE_1 = {
    "maize": (["maize", "corn"], []),
    "rapeseed": (["rapeseed", "rape seed", "winter rape", "oilseed rape"], ["grape"]),
    "wheat": (["wheat", "triticale", "rye"], ["buckwheat"]),
    "barley": (["barley"], []),
    "oats": (["oats"], []),
    "sunflower": (["sunflower"], []),
    "sugar_beet": (["sugar beet", "beet"], ["fodder beet", "beetroot"]),
    "soybean": (["soybean", "soy beans", "soy"], []),
    "potato": (["potato"], []),
    "pasture": (["pasture", "grassland", "meadow", "arable grass", "clover", "lucerne", "alfalfa"], []),
}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@cache
def labels(folder: Path) -> list[tuple[str, Label]]:
    """Each mapping row with an HCAT3 code: file, label."""
    found = []
    for path in sorted((folder / "eurocrops" / "country_mappings").glob("*.csv")):
        for row in read(path):
            name = row.get("original_name") or row.get("original_name_BW") or None
            english = row.get("translated_name") or None
            if row["HCAT3_code"]:
                found.append((path.stem, Label("", row.get("original_code"), name, english, row["HCAT3_code"])))
    return found


def test_the_literal_rule(tables: Path) -> None:
    taxonomy, n_two = find_taxonomy("eurocrops-10-table1"), 0
    for _, label in labels(tables):
        name = (label.crop_name_en or label.crop_name or "").lower()
        hits = [c for c, (yes, no) in TABLE_1.items() if any(k in name for k in yes) and not any(k in name for k in no)]
        n_two += len(hits) > 1
        decision = decide(label, taxonomy)
        assert list(decision.claims) == hits, name
        assert decision.class_name == (hits[0] if len(hits) == 1 else "background"), name
    assert (len(labels(tables)), n_two) == (5595, 115)


@pytest.mark.parametrize("mixtures", ["ignore", "background", "first"])
def test_the_default_rules(tables: Path, mixtures: str) -> None:
    """Every row has exactly one class, and it is that of its code, whatever the policy for mixtures."""
    taxonomy = find_taxonomy("eurocrops-10", mixtures=mixtures)  # type: ignore[arg-type]
    decisions = [decide(label, taxonomy) for _, label in labels(tables)]
    allowed = {*taxonomy.class_names, "ignore"}
    assert all(d.class_name in allowed for d in decisions)
    assert Counter(d.verdict for d in decisions) == {
        Verdict.BACKGROUND: 4010,
        Verdict.MAPPED: 1495,
        Verdict.AMBIGUOUS: 88,
        Verdict.UNMAPPED: 2,  # topinambur under a code that HCAT3 does not have
    }
    for (_, label), decision in zip(labels(tables), decisions, strict=True):
        if hcat.is_listed(label.hcat_code or ""):
            assert decision.class_name == decide(Label(hcat_code=label.hcat_code), taxonomy).class_name


def test_names_that_speak_against_their_code(tables: Path) -> None:
    """Nearly all are true mixtures; no single crop of the classic mistakes is among them."""
    taxonomy = find_taxonomy("eurocrops-10")
    found = {
        (label.crop_name_en or label.crop_name or "").lower(): decision
        for _, label in labels(tables)
        if (decision := decide(label, taxonomy)).by_name
    }
    assert len(found) > 90
    assert found["maize; beans"].by_name == "maize"
    assert found["khorasan wheat"].by_name == "wheat"
    single = [name for name in found if not any(c in name for c in "/;") and "mixture" not in name]
    wrong = ("flower", "rye", "sweet", "buckwheat", "fodder beet", "forage beet", "beetle", "grape", "sorrel", "lemon")
    assert not [name for name in single if any(w in name for w in wrong)]


def test_sen4agrinet_row_by_row(tables: Path) -> None:
    taxonomy = find_taxonomy("s4a-168")
    rows = read(tables / "sen4agrinet" / "crop_encoding.csv")
    title = {c.name: c.title for c in taxonomy.classes}
    assert [c.title for c in taxonomy.classes[1:]] == [r["name"] for r in sorted(rows, key=lambda r: r["code"])]
    for row in rows:
        assert title[decide(Label(icc_code=row["code"]), taxonomy).class_name] == row["name"]
    for row in read(tables / "sen4agrinet" / "mapping_fr.csv"):
        if row["original"] != "None":
            assert title[decide(Label("FR", row["original"]), taxonomy).class_name] == row["s4a_name"]
    for row in read(tables / "sen4agrinet" / "mapping_cat.csv"):
        assert title[decide(Label("ES", None, row["original"]), taxonomy).class_name] == row["s4a_name"], row
    selected = read(tables / "sen4agrinet" / "selected_classes_weights.csv")[1:]
    assert [c.title for c in find_taxonomy("s4a-11").classes[1:]] == [r["name"] for r in selected]


def test_classes_of_pastis_and_dacia5(tables: Path) -> None:
    rows = read(tables / "dacia5" / "dacia5_legend.csv")
    taxonomy = find_taxonomy("dacia5")
    ids = [taxonomy.class_id(decide(Label("RO", row["apia_code"]), taxonomy).class_name) for row in rows]
    assert ids == [int(row["mask_label"]) for row in rows] == list(range(1, 18))
    known = {row["CODE_CULTURE"] for row in read(tables / "rpg" / "rpg_codes_cultures_groupes.csv")}
    for name in ("pastis-18", "field-crops"):
        assert {c for rule in find_taxonomy(name).rules for c in rule.native.get("FR", ())} <= known


def test_every_table_imports(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path))
    imported, skipped = import_code_tables(str(tables / "eurocrops" / "country_mappings"))
    assert (len(imported), skipped) == (27, [])
    n = sum(r["n_rows"] + sum(r["dropped"].values()) for r in imported)
    assert n == sum(len(read(p)) for p in (tables / "eurocrops" / "country_mappings").glob("*.csv"))
    imported, skipped = import_code_tables(str(tables / "eurocrops2"))
    assert len([r for r in imported if r["name"].startswith("eurocrops-")]) == 18
    rows = sum(r["n_rows"] for r in imported if r["name"].startswith("eurocrops-"))
    without_label = sum(sum(r["dropped"].values()) for r in imported if r["name"].startswith("eurocrops-"))
    assert (rows, without_label) == (5754, 18), "one row a region has neither code nor name"
    without_hcat = ["agriprod_lucas_mapping", "columns_listing", "import_list_original_datasets"]
    assert [r["name"] for r in skipped] == without_hcat


def test_hcat4_and_back(tables: Path) -> None:
    names = parse_hcat4(read(tables / "eurocrops2" / "hcat4.csv"), origin="hcat4.csv")
    to_3, to_4 = crosswalk_to_hcat3(names), crosswalk_to_hcat4(names)
    assert set(to_3) == set(names)
    assert Counter(step.by for step in to_3.values())["name"] == 301
    assert all(hcat.is_listed(step.code) for step in to_3.values())
    assert all(step.code in names for step in to_4.values())
    assert to_3["3310617990"] == ("3304010000", "parent"), "other energy crops are energy crops"
    assert to_4["3301010600"] == ("3310106000", "exception"), "grain maize is maize"
    for code, step in to_3.items():
        if step.by == "name":
            assert to_4[step.code] == (code, "name")
    rows = read(tables / "eurocrops2" / "eurocrops.csv")
    taxonomy = find_taxonomy("eurocrops-10")
    verdicts = Counter(
        decide(Label(hcat_code=r["hcat4_code"], hcat_name=r["hcat4_name"]), taxonomy).verdict for r in rows
    )
    assert verdicts[Verdict.UNMAPPED] == 0
    assert verdicts.total() == 5772

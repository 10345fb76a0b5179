"""The default taxonomy against a table made independently: the class of each of the 384 HCAT3 codes."""

import csv
from collections import Counter
from pathlib import Path

from bocage.parcels import hcat
from bocage.taxonomy.decide import Label, Verdict, decide
from bocage.taxonomy.load import find_taxonomy


def test_every_code_row_by_row(tables: Path) -> None:
    taxonomy = find_taxonomy("eurocrops-10")
    with (tables / "eurocrops" / "eurocrops10_default_hcat3.csv").open(encoding="utf-8", newline="") as file:
        expected = {row["hcat3_code"]: row["class"] for row in csv.DictReader(file)}
    decisions = {code: decide(Label(hcat_code=code), taxonomy) for code in hcat.names_by_code()}
    found = {c: "coarse" if d.verdict == Verdict.AMBIGUOUS else d.class_name for c, d in decisions.items()}
    assert found == expected
    counts = Counter(d.verdict for d in decisions.values())
    assert counts == {Verdict.MAPPED: 71, Verdict.AMBIGUOUS: 11, Verdict.BACKGROUND: 302}


def test_the_code_list_and_its_levels(tables: Path) -> None:
    with (tables / "eurocrops" / "hcat3_with_levels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    key = {name.lower(): name for name in rows[0]}
    code, name = (next(key[k] for k in key if k.endswith(end)) for end in ("code", "name"))
    level = next(key[k] for k in key if "level" in k)
    assert {row[code]: row[name] for row in rows} == dict(hcat.names_by_code())
    assert {row[code]: int(row[level]) for row in rows} == {c: hcat.level(c) for c in hcat.names_by_code()}


def test_code_and_whole_words_agree_where_the_name_is_one_crop(tables: Path) -> None:
    """Names that hold one target word must not name a class that their code contradicts, but for mixtures."""
    taxonomy = find_taxonomy("eurocrops-10")
    n, wrong = 0, []
    for path in sorted((tables / "eurocrops" / "country_mappings").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                name, code = row.get("translated_name") or row.get("original_name") or "", row["HCAT3_code"]
                if not hcat.is_listed(code) or any(c in name for c in "/;,&+") or "mixture" in name.lower():
                    continue
                by_code = decide(Label(hcat_code=code), taxonomy)
                by_name = decide(Label(crop_name_en=name), taxonomy)
                if by_name.verdict == Verdict.MAPPED == by_code.verdict:
                    n += 1
                    wrong += [name] if by_name.class_name != by_code.class_name else []
    assert n > 900
    assert wrong == []

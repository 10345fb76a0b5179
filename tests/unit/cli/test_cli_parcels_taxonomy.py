"""`bocage parcels …` and `bocage taxonomy …`: the promised keys, one JSON object, the exit codes."""

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import geopandas as gpd
import pytest
import typer
from shapely.geometry import box
from typer.testing import CliRunner

from bocage.cli import parcels, taxonomy
from bocage.cli.output import settings
from bocage.core.errors import ConfigError, SourceError, UnknownName

app = typer.Typer()
app.add_typer(parcels.app, name="parcels")
app.add_typer(taxonomy.app, name="taxonomy")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "json", True)
    monkeypatch.setattr(settings, "quiet", True)
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / "cache"))


def run(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    record: dict[str, Any] = json.loads(result.stdout)
    return record


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fields.gpkg"
    squares = [box(720_000 + 200 * i, 6_270_000, 720_100 + 200 * i, 6_270_100) for i in range(3)]
    crops = ["rye", "cereal", "table_olives"]
    gpd.GeoDataFrame({"crop": crops, "nr": [1, 2, 3]}, geometry=squares, crs=2154).to_file(path)
    return path


@pytest.fixture
def table(file: Path, tmp_path: Path) -> Path:
    (tmp_path / "map.yaml").write_text("columns: {hcat_name: crop, id: nr}\nyear: 2020\ncountry: FR\n")
    out = tmp_path / "parcels.parquet"
    record = run("parcels", "read", file, "--source", "local", "--map", tmp_path / "map.yaml", "--out", out)
    assert {"n_read", "n_kept", "dropped", "crs", "area_ha"} <= set(record)
    assert (record["n_read"], record["n_kept"], record["dropped"], record["crs"]) == (3, 3, {}, "EPSG:2154")
    assert record["area_ha"] == pytest.approx(3.0, rel=1e-2)
    return out


def test_sources() -> None:
    names = [s["name"] for s in run("parcels", "sources")["sources"]]
    assert {"eurocrops", "rpg_france", "local"} <= set(names)


def test_audit_apply_diff(table: Path, tmp_path: Path) -> None:
    record = run("taxonomy", "audit", table, "--html", tmp_path / "audit.html")
    assert {k: record[k] for k in ("n_parcels", "n_mapped", "n_background", "n_unmapped", "n_ambiguous")} == {
        "n_parcels": 3,
        "n_mapped": 1,
        "n_background": 1,
        "n_unmapped": 0,
        "n_ambiguous": 1,
    }
    assert record["by_class"]["wheat"]["n"] == 1
    assert (tmp_path / "audit.html").stat().st_size > 1000
    out = tmp_path / "classed.parquet"
    assert run("taxonomy", "apply", table, "--taxonomy", "eurocrops-10", "--out", out)["n_mapped"] == 1
    assert gpd.read_parquet(out)["class_id"].tolist() == [3, 255, 0]
    assert run("taxonomy", "audit", out)["n_mapped"] == 1, "an applied table can be audited again"
    same = run("taxonomy", "diff", "eurocrops-10", "eurocrops-10", table)
    assert (same["n_parcels"], same["n_moved"], same["moved_ha"], same["moved"]) == (3, 0, 0, [])
    page = tmp_path / "made" / "diff.html"
    different = run("taxonomy", "diff", "eurocrops-10", "field-crops", table, "--html", page)
    moved = sorted(different["moved"], key=lambda m: m["to"])
    assert [(m["from"], m["to"], m["n"]) for m in moved] == [
        ("ignore", "cereals", 1),
        ("background", "olives", 1),
        ("wheat", "rye", 1),
    ]
    (label,) = moved[1]["labels"]
    assert (label["name"], label["hcat_code"], label["n"]) == ("table_olives", "3303050200", 1)
    words = page.read_text(encoding="utf-8").replace("<wbr>", "")
    assert words.count("<table>") == 1 + len(moved)
    for expected in ("eurocrops-10 → field-crops", "Background → Olives", "table_olives", label["rule_b"]):
        assert expected in words


def test_list_show_import(tmp_path: Path) -> None:
    assert "eurocrops-10" in [t["name"] for t in run("taxonomy", "list")["taxonomies"]]
    classes = run("taxonomy", "show", "eurocrops-10")["classes"]
    assert [c["id"] for c in classes] == list(range(11))
    (tmp_path / "xx.csv").write_text("original_code,original_name,HCAT3_code\n1,Weizen,3301010100\n")
    imported = run("taxonomy", "import", "hcat", tmp_path / "xx.csv")["imported"]
    assert [(i["name"], i["n_rows"]) for i in imported] == [("xx", 1)]


def test_crosswalks_of_classes_and_of_codes(tmp_path: Path) -> None:
    names = run("taxonomy", "list")["crosswalks"]
    assert set(names) >= {"pastis-18-to-eurocrops-10", "dacia5-to-eurocrops-10", "hcat4-to-hcat3", "hcat3-to-hcat4"}
    rows = {row["from"]: row for row in run("taxonomy", "crosswalk", "pastis-18-to-eurocrops-10")["crosswalk"]}
    assert rows[10] == {"from": 10, "from_name": "winter_triticale", "to": 3, "to_name": "wheat"}
    assert rows[19] == {"from": 19, "from_name": "void", "to": 255, "to_name": "ignore"}
    hcat4 = tmp_path / "hcat4.csv"
    hcat4.write_text("hcat4_code,hcat4_name\n3310100000,cereal\n3310101001,winter_common_soft_wheat\n")
    run("taxonomy", "import", "hcat", hcat4)
    for given in ((), ("--hcat4", hcat4)):
        rows = {row["from"]: row for row in run("taxonomy", "crosswalk", "hcat4-to-hcat3", *given)["crosswalk"]}
        assert (rows["3310101001"]["to"], rows["3310101001"]["by"]) == ("3301010101", "name")
    back = {row["from"]: row for row in run("taxonomy", "crosswalk", "hcat3-to-hcat4")["crosswalk"]}
    assert (back["3301010101"]["to"], back["3301010401"]["to"]) == ("3310101001", "3310100000"), "barley is a cereal"
    with pytest.raises(UnknownName, match="Did you mean 'hcat4-to-hcat3'"):
        run("taxonomy", "crosswalk", "hcat4_to_hcat3")


def test_code_tables_from_a_url(tmp_path: Path) -> None:
    (tmp_path / "xx_2020.csv").write_text("original_code,original_name,HCAT3_code\n007,Weizen,3301010100\n")
    handler = partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        (table,) = run("taxonomy", "import", "hcat", f"{url}/xx_2020.csv")["imported"]
        with pytest.raises(SourceError, match="404"):
            run("taxonomy", "import", "hcat", f"{url}/none.csv")
        server.shutdown()
    assert (table["name"], table["n_rows"]) == ("xx_2020", 1)


def test_levels_and_common_labels(table: Path) -> None:
    shown = run("taxonomy", "show", "field-crops", "--level", 2)
    assert len(shown["classes"]) == 17
    tree = run("taxonomy", "show", "field-crops")
    assert tree["ancestors"]["winter_wheat"] == ["cereals", "field_crops"]
    assert run("taxonomy", "audit", table, "--taxonomy", "field-crops", "--level", 1)["by_class"]["orchards"]["n"] == 1
    common = run("taxonomy", "common", table, table, "--share", 1.0)["common"]
    assert {row["label"] for row in common} == {"rye", "cereal", "table_olives"}
    assert common[-1]["cumulated_fraction"] == 1.0
    by_class = run("taxonomy", "common", table, table, "--taxonomy", "eurocrops-10")["common"]
    assert [row["label"] for row in by_class] == ["wheat"]


def test_text_for_people(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "json", False)
    for command in (["parcels", "sources"], ["taxonomy", "list"], ["taxonomy", "audit", str(table)]):
        assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0


def test_what_a_person_should_know(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "json", False)
    (tmp_path / "map.yaml").write_text("columns: {name: crop}")
    (tmp_path / "table.csv").write_text("original_name,HCAT3_code\nrye,3301010900\n")
    line = ["parcels", "read", str(file), "--source", "local", "--map", str(tmp_path / "map.yaml")]
    line += ["--out", str(tmp_path / "parcels.parquet")]
    shown = CliRunner().invoke(app, line, catch_exceptions=False).output
    assert "! 3 parcels have no year: set --year" in shown
    assert "! 3 parcels have no country" in shown
    assert "! no HCAT codes" in shown
    line += ["--year", "2020", "--country", "FR", "--code-table", str(tmp_path / "table.csv")]
    shown = CliRunner().invoke(app, line, catch_exceptions=False).output
    assert "! 2 parcels are not in code table 'table' (cereal; table_olives)" in shown
    assert "set --" not in shown


def test_mistakes(file: Path, table: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'eurocrops-10'"):
        run("taxonomy", "audit", table, "--taxonomy", "eurocrops10")
    out = tmp_path / "no.parquet"
    with pytest.raises(ConfigError, match="bbox"):
        run("parcels", "read", file, "--source", "local", "--bbox", "3,43,2,44", "--out", out)
    with pytest.raises(UnknownName, match=r"needs a column map.*found crop, nr"):
        run("parcels", "read", file, "--source", "local", "--out", out)
    for text, message in (
        ("colums: {code: crop}", "unknown key 'colums' .*Did you mean 'columns'"),
        ("columns: {kode: crop}", "unknown key 'columns.kode' .*Did you mean 'code'"),
        ("columns: {code: crop}\nlayer: field", "No layer 'field'.*Did you mean 'fields'"),
    ):
        (tmp_path / "wrong.yaml").write_text(text)
        with pytest.raises(ConfigError, match=message):
            run("parcels", "read", file, "--source", "local", "--map", tmp_path / "wrong.yaml", "--out", out)
    assert not out.exists()

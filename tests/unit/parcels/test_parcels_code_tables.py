"""Code tables: read by header, continued rows, names that lost letters, several regions in one file."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bocage.core.errors import CorruptFile, MissingFile, SourceError, UnknownName
from bocage.parcels.code_tables import CodeTable, parse_code_table, parse_code_tables
from bocage.parcels.store_code_tables import find_code_table, import_code_tables, read_code_table

COLUMNS = ("original_name", "original_code", "translated_name", "HCAT3_name", "HCAT3_code")


def table(*rows: tuple[str, str, str, str, str]) -> CodeTable:
    return parse_code_table("xx", [dict(zip(COLUMNS, row, strict=True)) for row in rows])


def test_codes_are_text_and_a_blank_row_continues_the_one_above() -> None:
    found = table(
        ("Pšenica", "005", "Wheat", "common_soft_wheat", "3301010100"),
        ("", "", "", "barley", "3301010400"),
        ("Trava", "", "Grass", "", ""),
    )
    assert [row.hcat_code for row in found.rows] == ["3301010100"]
    assert dict(found.tally.dropped) == {"continues the row above": 1, "without HCAT": 1}
    assert found.find("5", None) is None
    row = found.find("005", None)
    assert row is not None
    assert row.name_en == "Wheat"


@pytest.mark.parametrize(
    ("in_table", "in_parcels"),
    [
        ("Froment d?hiver", "FROMENT D'HIVER"),  # an apostrophe lost: nothing in the folded name
        ("P?enica", "pšenica"),  # a letter lost
        ("Pievos virð 5m.", "Pievos virš 5m."),  # Baltic letters read as Western ones
        ("Þemuogës", "Žemuogės"),
        ("Blé dur", "ble DUR"),
    ],
)
def test_names_meet_where_the_code_is_missing(in_table: str, in_parcels: str) -> None:
    found = table((in_table, "", "x", "", "3301010100"), ("Ostalo", "", "y", "", "3399000000")).find(None, in_parcels)
    assert found is not None
    assert found.name_en == "x"


def test_the_first_name_that_is_there() -> None:
    rows = [{"original_code": "1", "original_name": "", "original_name_DE": "Hecke", "HCAT3_code": "3399000000"}]
    assert parse_code_table("de_bb", rows).rows[0].name == "Hecke"


def test_one_table_a_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / "cache"))
    columns = ("nuts", "original_code", "original_name", "hcat4_code", "hcat4_name")
    rows = [
        ("at", "1", "Mais", "3310106000", "maize_corn_popcorn"),
        ("be2", "1", "Gras", "3320000000", "grassland_grass"),
    ]
    tables = parse_code_tables("ec", [dict(zip(columns, row, strict=True)) for row in rows])
    assert [(t.name, t.rows[0].name, t.rows[0].hcat_code) for t in tables] == [
        ("ec-at", "Mais", "3310106000"),
        ("ec-be2", "Gras", "3320000000"),
    ]
    path = tmp_path / "in" / "ec.csv"
    path.parent.mkdir()
    path.write_text("\n".join(",".join(row) for row in [columns, *rows]))
    whole = read_code_table(path)
    assert [row.name for row in whole.of_region("BE2").rows] == ["Gras"]
    with pytest.raises(UnknownName, match="Known: at, be2"):
        whole.of_region("fr")
    (tmp_path / "in" / "notes.csv").write_text("a,b\n1,2\n")
    imported, skipped = import_code_tables(str(tmp_path / "in"))
    assert [(r["name"], r["n_rows"]) for r in imported] == [("ec-at", 1), ("ec-be2", 1)]
    assert [r["name"] for r in skipped] == ["notes"]
    assert find_code_table("ec-be2").rows[0].name == "Gras"
    path.unlink()
    with pytest.raises(MissingFile, match="No code table in"):
        import_code_tables(str(tmp_path / "in"))


def test_a_table_whose_regions_would_leave_the_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "ec.csv"
    path.write_text("nuts,original_code,original_name,hcat4_code,hcat4_name\n../../x,1,a,3310101001,b\n")
    with pytest.raises(CorruptFile, match="no name that can become a file's"):
        import_code_tables(str(path))


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"original_code,original_name,HCAT3_code\n1,a,3301010000\n")

    def log_message(self, *_: object) -> None:
        pass


def test_a_download_that_breaks_off_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOCAGE_CACHE", str(tmp_path / "cache"))
    with HTTPServer(("127.0.0.1", 0), _Server) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(SourceError, match="broke off after 54 of 1000 bytes"):
            import_code_tables(f"http://127.0.0.1:{server.server_port}/fr.csv")
    with pytest.raises(SourceError, match="cannot be read"):
        import_code_tables("http://127.0.0.1:1/a b.csv")
    assert not (tmp_path / "cache").exists()

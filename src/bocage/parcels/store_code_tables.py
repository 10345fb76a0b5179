"""Code tables on disk: brought in once from a CSV, a folder of them or a URL, found again by name. IO."""

from __future__ import annotations

import csv
import http.client
import io
import re
import urllib.parse
import urllib.request
from dataclasses import astuple
from pathlib import Path
from typing import Any

from bocage.core.artifacts import default_root, write_text
from bocage.core.errors import CorruptFile, MissingFile, SourceError, UnknownName
from bocage.core.registry import nearest
from bocage.parcels.code_tables import HEADERS, CodeTable, parse_code_table, parse_code_tables

TIMEOUT_S = 60.0
MAX_BYTES = 64 * 2**20  # the largest of EuroCrops' tables is under 1 MiB


def code_tables_folder() -> Path:
    """Where imported tables live: `code_tables` in the cache folder."""
    return default_root() / "code_tables"


def import_code_tables(place: str) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Bring code tables from a CSV file, a folder of CSV files, or the URL of one.

    Returns:
        One record a table that was stored; and `name` and `reason` of the files of a folder that are no code tables.
    """
    if urllib.parse.urlparse(place).scheme in ("http", "https"):
        name = Path(urllib.parse.urlparse(place).path).stem
        return [_store(t) for t in parse_code_tables(name, _parse(name, _fetch(place)))], []
    if not Path(place).is_dir():
        return [_store(table) for table in read_code_tables(Path(place))], []
    imported, skipped = [], []
    for path in sorted(Path(place).glob("*.csv")):
        try:
            imported += [_store(table) for table in read_code_tables(path)]
        except CorruptFile as error:
            skipped.append({"name": path.stem, "reason": str(error)})
    if not imported:
        reasons = f" {skipped[0]['reason']}" if skipped else ""
        raise MissingFile(f"No code table in {place}.{reasons} Give a code table or a folder of them.")
    return imported, skipped


def find_code_table(name_or_path: str) -> CodeTable:
    """The table in a CSV file, or an imported one by its name; errors as `locate_code_table`."""
    return read_code_table(locate_code_table(name_or_path))


def locate_code_table(name_or_path: str) -> Path:
    """The CSV file of a table: itself, or that of an imported one by its name.

    Raises:
        UnknownName: if there is neither.
    """
    if Path(name_or_path).is_file():
        return Path(name_or_path)
    stored = code_tables_folder() / f"{name_or_path}.csv"
    if "/" not in name_or_path and stored.is_file():
        return stored
    known = sorted(p.stem for p in code_tables_folder().glob("*.csv"))
    raise UnknownName(
        f"No code table '{name_or_path}': neither a file nor imported.{nearest(name_or_path, known)} "
        f"Imported: {', '.join(known) or 'none'}. Bring one with `bocage taxonomy import hcat PATH_OR_URL`."
    )


def read_code_table(path: Path) -> CodeTable:
    """Read one CSV as one table; `CodeTable.of_region` takes one region out of a table of several.

    Raises:
        MissingFile: if it is not there.
        CorruptFile: if it is not a code table in UTF-8.
    """
    return parse_code_table(path.stem, read_csv(path))


def read_code_tables(path: Path) -> list[CodeTable]:
    """Read one CSV that holds one table, or one a region; errors as in `read_code_table`."""
    return parse_code_tables(path.stem, read_csv(path))


def read_csv(path: Path) -> list[dict[str, str | None]]:
    """The rows of a table by header.

    Raises:
        MissingFile: if it is not there.
        CorruptFile: if it is no CSV in UTF-8.
    """
    if not path.is_file():
        raise MissingFile(f"{path} is not there. Give a CSV code table, a folder of them, or a URL.")
    return _parse(path.name, path.read_bytes())


def _parse(name: str, content: bytes) -> list[dict[str, str | None]]:
    try:
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorruptFile(f"'{name}' is not a CSV in UTF-8 ({error}). Save it as one.") from error


def _fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            content: bytes = answer.read(MAX_BYTES + 1)
            stated = answer.headers.get("Content-Length", "")
    except (http.client.HTTPException, OSError) as error:
        raise SourceError(f"{url} cannot be read: {error}. Download it and give the file.") from error
    if len(content) > MAX_BYTES:
        raise SourceError(f"{url} is larger than {MAX_BYTES} bytes: not a code table.")
    if stated.isdigit() and len(content) < int(stated):
        raise SourceError(f"{url} broke off after {len(content)} of {stated} bytes. Try again, or give the file.")
    return content


def _store(table: CodeTable) -> dict[str, Any]:
    if not re.fullmatch(r"\w[\w .()+-]*", table.name):  # of a URL, or of regions that the table itself names
        raise CorruptFile(f"Code table '{table.name}' has no name that can become a file's. Rename it, or its regions.")
    folder = code_tables_folder()
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([list(HEADERS), *(astuple(row) for row in table.rows)])
    path = folder / f"{table.name}.csv"
    write_text(path, text.getvalue())
    return {"name": table.name, "n_rows": len(table.rows), "dropped": dict(table.tally.dropped), "path": str(path)}

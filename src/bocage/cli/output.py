"""What every command shares: `--json`, `--quiet`, `--workers`, and how results are printed.

`--json` prints exactly one JSON object on stdout; everything else goes to stderr.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bocage.core.digest import canonical_json


@dataclass
class Settings:
    """The options that may stand anywhere on the command line."""

    json: bool = False
    quiet: bool = False
    workers: int = max(1, os.cpu_count() or 1)


settings = Settings()
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|PWD|CREDENTIAL", re.IGNORECASE)
_SHORTEST_SECRET = 6  # characters; shorter values stand in many texts by chance
# Names and paths of users are printed as they are: rich would read "[spring]" as a style and ":fr:" as a flag.
# In a file or a pipe a table is as wide as it needs to be; rich would take 80 columns and break words and numbers.
stdout = Console(markup=False, emoji=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 240)
stderr = Console(stderr=True, emoji=False)


def say(text: str) -> None:
    """A line for the person at the keyboard: stderr, unless `--quiet`."""
    if not settings.quiet:
        stderr.print(text, highlight=False, markup=False, soft_wrap=True)


def emit(result: Mapping[str, Any], *, text: str | Table | Sequence[str | Table] = ()) -> None:
    """End of a command: the result as one JSON object (`--json`), else `text` for people. NaN is null in JSON."""
    if settings.json:
        plain = json.loads(canonical_json(result), parse_constant=lambda _: None)
        print(json.dumps(plain, indent=1, ensure_ascii=False))  # noqa: T201
        return
    for part in [text] if isinstance(text, (str, Table)) else text:
        stdout.print(part, highlight=False, soft_wrap=isinstance(part, str))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str | None = None) -> Table:
    """A plain table; numbers are right-aligned, and what is too long goes on below: no name is cut."""
    result = Table(title=title, box=None, header_style="bold", pad_edge=False, title_justify="left")
    for i, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(r[i], (int, float)) or r[i] is None for r in rows)
        result.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        result.add_row(*("" if v is None else f"{v:,.4g}" if isinstance(v, float) else str(v) for v in row))
    return result


def hide_secrets(text: str, environment: Mapping[str, str]) -> str:
    """A text with `${NAME}` in place of the values of variables that are named like keys, tokens or passwords.

    A message may repeat a wrong value, and that may have come from one.
    """
    for name, value in environment.items():
        if _SECRET.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, f"${{{name}}}")
    return text

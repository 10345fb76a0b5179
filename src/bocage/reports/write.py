"""RunData → `report.html`. Writes one file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from bocage.core.artifacts import write_text
from bocage.reports.data import RunData
from bocage.reports.html import render_report


def write_report(run: RunData, path: Path) -> Path:
    """Write the report of a run as one self-contained HTML file; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, render_report(run))
    return path

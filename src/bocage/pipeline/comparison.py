"""Two run folders → one page of both. IO."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from bocage.reports.compare import build_comparison, compare_runs
from bocage.reports.read import read_finished
from bocage.reports.write import write_page


def write_comparison(first: Path, second: Path, *, out: Path | None = None) -> dict[str, Any]:
    """Compare two evaluated runs; write `report.html` and `figures/` into `out`.

    Args:
        out: default `runs/<first>-and-<second>`.

    Returns:
        report, and the comparison: protocol, differences (run 2 minus run 1), unpaired, settings.

    Raises:
        MissingFile: if a folder is no run, or its run has not been evaluated.
        DataError: if the runs have different classes or no protocol in common.
    """
    runs = read_finished(first), read_finished(second)
    found = compare_runs(*runs)
    folder = out or Path("runs") / f"{first.resolve().name}-and-{second.resolve().name}"
    path = write_page(build_comparison(*runs, found), folder / "report.html")
    return {"report": str(path), **asdict(found)}

"""A page → one HTML file, and its pictures with their data as files. Writes; each file whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bocage.core.artifacts import write_bytes, write_text
from bocage.core.page import Page
from bocage.core.render import to_html, to_markdown
from bocage.datasets.info import ClassInfo
from bocage.reports.cards import model_card
from bocage.reports.data import RunData
from bocage.reports.figures import sample_panels
from bocage.reports.read import read_panels
from bocage.reports.sections import build_report

FIGURES = "figures"  # folder beside the page
PANELS = "panels.png"


def write_report(run: RunData, path: Path) -> Path:
    """Write the report of a run; returns its path."""
    return write_page(build_report(run), path)


def write_model_cards(run: RunData, folder: Path) -> None:
    """Write `<model>.md` and `<model>.html` for every model of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in run.checkpoints:
        card = model_card(run, name)
        write_text(folder / f"{name}.md", to_markdown(card))
        write_text(folder / f"{name}.html", to_html(card))


def write_page(page: Page, path: Path) -> Path:
    """Write a self-contained page; its pictures stand in it, and beside it as `figures/<name>.png` and `.csv`."""
    html = to_html(page)
    folder = path.parent / FIGURES
    folder.mkdir(parents=True, exist_ok=True)
    for picture in page.pictures:
        write_bytes(folder / f"{picture.name}.png", picture.png)
        write_text(folder / f"{picture.name}.csv", picture.data.to_csv(index=False, lineterminator="\n"))
    write_text(path, html)
    return path


def write_panels_picture(folder: Path, classes: Sequence[ClassInfo]) -> None:
    """panels.npz → panels.png, if there is one: true colour, reference, prediction, errors."""
    if panels := read_panels(folder / "panels.npz"):
        write_bytes(folder / PANELS, sample_panels(panels, classes))

"""A page → Markdown text. Pure. Pictures are left out: they have files of their own."""

from __future__ import annotations

from collections.abc import Sequence

from bocage.reports.blocks import Block, Code, Facts, Heading, Page, Table, Text


def to_markdown(page: Page) -> str:
    """The page as Markdown."""
    parts = [f"# {page.name} · {page.what}", *map(_block, page.summary)]
    for section in page.sections:
        parts += [f"## {section.title}", *map(_block, section.blocks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block) -> str:
    match block:
        case Text():
            return block.text
        case Heading():
            return f"### {block.text}"
        case Facts():
            return "\n".join(f"- {f.label}: {f.value}" + (f" ({f.note})" if f.note else "") for f in block.facts)
        case Table():
            names = [name.removeprefix(">") for name in block.columns]
            rule = ["--:" if name.startswith(">") else "---" for name in block.columns]
            lines = [_row(cells) for cells in (names, rule, *(row.cells for row in block.rows))]
            return "\n".join([f"**{block.caption}**", "", *lines, *(["", block.note] if block.note else [])])
        case Code():
            return f"```\n{block.text}\n```"
        case _:
            return ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

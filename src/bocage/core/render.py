"""A page → one self-contained HTML text, or Markdown. Pure: reads only the template that comes with the package.

Everything is in the HTML: style inline, pictures as base64. Nothing is loaded from elsewhere and nothing runs. Markdown
links its pictures as `<name>.png` beside it.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bocage.core.page import PICTURE_DPI, Block, Code, Facts, Heading, Page, Picture, Table, Text


def to_html(page: Page) -> str:
    """The page as HTML. Every text is escaped."""
    environment = Environment(
        loader=PackageLoader("bocage.core"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    environment.filters["size"] = _shown_size
    environment.filters["breakable"] = lambda text: escape(text).replace("_", Markup("_<wbr>"))
    template = environment.get_template("page.html.j2")
    return template.render(name=page.name, what=page.what, summary=page.summary, sections=page.sections)


def _shown_size(png: bytes) -> tuple[int, int]:
    """Width and height of a picture on the page, in CSS pixels (96 an inch)."""
    width, height = struct.unpack(">II", png[16:24])  # the IHDR chunk comes first in every PNG
    return round(width * 96 / PICTURE_DPI), round(height * 96 / PICTURE_DPI)


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
            head = [f"**{block.caption}**", ""] if block.caption else []
            return "\n".join([*head, *lines, *(["", block.note] if block.note else [])])
        case Picture():
            return f"![{block.alt}]({block.name}.png)\n\n{block.caption}"
        case Code():
            return f"```\n{block.text}\n```"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"

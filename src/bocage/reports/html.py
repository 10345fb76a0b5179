"""Sections → one self-contained HTML page. Pure: reads only the template that comes with the package.

Everything is in the page: style inline, pictures as base64. Nothing is loaded from elsewhere and nothing runs.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bocage.reports.blocks import Block, Section
from bocage.reports.data import RunData
from bocage.reports.figures import DPI
from bocage.reports.sections import build_sections, build_summary


def render_report(run: RunData) -> str:
    """The report of a run as HTML."""
    return render_page(run.name, "report of a run", build_summary(run), build_sections(run))


def render_page(name: str, what: str, summary: Sequence[Block], sections: Sequence[Section]) -> str:
    """A page called `name`; `what` says what it is. Every text is escaped."""
    environment = Environment(
        loader=PackageLoader("bocage.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    environment.filters["size"] = _shown_size
    environment.filters["breakable"] = lambda text: escape(text).replace("_", Markup("_<wbr>"))
    template = environment.get_template("run.html.j2")
    return template.render(name=name, what=what, summary=summary, sections=sections)


def _shown_size(png: bytes) -> tuple[int, int]:
    """Width and height of a picture on the page, in CSS pixels (96 an inch)."""
    width, height = struct.unpack(">II", png[16:24])  # the IHDR chunk comes first in every PNG
    return round(width * 96 / DPI), round(height * 96 / DPI)

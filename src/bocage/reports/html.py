"""A page → one self-contained HTML text. Pure: reads only the template that comes with the package.

Everything is in the page: style inline, pictures as base64. Nothing is loaded from elsewhere and nothing runs.
"""

from __future__ import annotations

import base64
import struct

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bocage.reports.blocks import Page
from bocage.reports.figures import DPI


def render_page(page: Page) -> str:
    """The page as HTML. Every text is escaped."""
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
    return template.render(name=page.name, what=page.what, summary=page.summary, sections=page.sections)


def _shown_size(png: bytes) -> tuple[int, int]:
    """Width and height of a picture on the page, in CSS pixels (96 an inch)."""
    width, height = struct.unpack(">II", png[16:24])  # the IHDR chunk comes first in every PNG
    return round(width * 96 / DPI), round(height * 96 / DPI)

"""Options of the report. Pure."""

from __future__ import annotations

from pydantic import Field

from bocage.core.options import Options


class ReportOptions(Options):
    """What the page of a run shows."""

    title: str | None = Field(None, description="Heading of the page; by default the experiment's name.")
    embedding: bool = Field(
        True, description="Whether samples are drawn by how alike their spectra are; the slowest of the figures."
    )

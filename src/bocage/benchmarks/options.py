"""A copy of a benchmark as an experiment names it. Options only."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bocage.core.options import Options


class CopyOptions(Options):
    """Your copy of a benchmark."""

    benchmark: str = Field(description="Name of the benchmark; see `bocage benchmarks list`.")
    path: str = Field(description="Folder or file of your copy, as for `bocage benchmarks check`.")
    options: dict[str, Any] = Field({}, description="Options of its reader, e.g. date: middle.")

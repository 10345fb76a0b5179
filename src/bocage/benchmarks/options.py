"""Benchmarks of an experiment. Pure."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from bocage.core.options import Options


class BenchmarkOptions(Options):
    """A benchmark on which every model of the experiment is judged, as `bocage benchmarks evaluate` does."""

    name: str = Field(description="Name of the benchmark; see `bocage benchmarks list`.")
    path: str = Field(description="Your copy of it: folder or file. bocage downloads none.", min_length=1)
    view: str | None = Field(None, description="Which view of it; by default the one with the classes of the model.")
    options: dict[str, Any] = Field({}, description="Options of its reader, e.g. {date: middle}.")

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        from bocage.benchmarks.benchmark import find_view, parse_options
        from bocage.benchmarks.registry import BENCHMARKS

        benchmark = BENCHMARKS[self.name]
        parse_options(benchmark, self.options)
        if self.view is not None:
            find_view(benchmark, self.view, (), ())
        return self

"""Progress bars on stderr with rate and time left. Silent when quiet or when stderr is not a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from bocage.core import interrupt

T = TypeVar("T")
_state = {"quiet": False}


def set_quiet(quiet: bool) -> None:
    """Switch all progress bars of this process off (or on again)."""
    _state["quiet"] = quiet


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        unit = task.fields.get("unit", "it")
        return Text(f"{task.speed:.1f} {unit}/s" if task.speed else "", style="dim")


def _bar() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
        console=console,
        transient=True,
        disable=_state["quiet"] or not console.is_terminal,
    )


class Bar:
    """Handle of one running bar."""

    def __init__(self, progress: Progress, task: int) -> None:
        self._progress, self._task = progress, task

    def advance(self, n: float = 1, *, note: str | None = None) -> None:
        interrupt.check()
        fields = {} if note is None else {"note": note}
        self._progress.update(self._task, advance=n, **fields)  # type: ignore[arg-type]


@contextmanager
def bar(description: str, total: float | None, *, unit: str = "it") -> Iterator[Bar]:
    """A bar to advance by hand: `with bar("Reading", 10, unit="bands") as b: b.advance()`."""
    with _bar() as progress:
        task = progress.add_task(description, total=total, unit=unit, note="")
        yield Bar(progress, task)


def track(items: Iterable[T], description: str, *, total: float | None = None, unit: str = "it") -> Iterator[T]:
    """Iterate with a bar."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with bar(description, total, unit=unit) as handle:
        for item in items:
            yield item
            handle.advance()

"""The records that every benchmark fills. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bocage.core.errors import ConfigError, CorruptFile, MissingFile, UnknownName
from bocage.core.options import Options
from bocage.core.registry import Registry, nearest
from bocage.core.sample import Sample
from bocage.core.tally import Tally


@dataclass(frozen=True)
class View:
    """One way to look at a benchmark.

    Attributes:
        name: "native" for the benchmark's own classes, else the taxonomy they are carried over to.
        class_names: index = class id, background first.
        bands: of its samples, in order.
        protocols: names of metrics.protocols; the first one is the published one.
        test_folds: where the benchmark rotates its parts: the test fold of each rotation, in order; else empty.
    """

    name: str
    summary: str
    class_names: tuple[str, ...]
    bands: tuple[str, ...]
    protocols: tuple[str, ...]
    test_folds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One sample that can be read.

    Attributes:
        fold: fold or part that it belongs to, "" if there are none.
        block: its ground; samples of one ground are resampled together.
        key: what its reader needs to find it.
    """

    sample_id: str
    fold: str
    block: str
    key: tuple[Any, ...]


@dataclass(frozen=True)
class Collection:
    """What one view of an opened benchmark has to judge; `read` gives the sample of an entry."""

    view: View
    entries: tuple[Entry, ...]
    tally: Tally
    read: Callable[[Entry], Sample]


@dataclass(frozen=True)
class Verification:
    """What a product of the same day says of a copy, and where the settings of its reader are wrong."""

    problems: tuple[str, ...]
    summary: str
    findings: Mapping[str, Any]


@dataclass(frozen=True)
class Benchmark:
    """A published data set with its rules.

    Attributes:
        where: how to get it; bocage never does.
        published: counts that a whole copy leads to; compared, never demanded.
        count: (folder or file, options) → the same counts of a copy, by the same names.
        options: settings of the reader.
        views: name → view; the first one is the default.
        check: (folder or file, options) → problems, none if all is well.
        open: (folder or file, view name, options) → what is judged.
        write_miniature: writes a stand-in to a folder; returns the path that `check` and `open` take.
        verify: (copy, SAFE product, options) → what the product says of the settings; None where all is published.
    """

    name: str
    title: str
    where: str
    licence: str
    source: str
    options: type[Options]
    views: Mapping[str, View]
    check: Callable[[Path, Any], list[str]]
    open: Callable[[Path, str, Any], Collection]
    write_miniature: Callable[[Path], Path]
    published: Mapping[str, int] = field(default_factory=dict)
    count: Callable[[Path, Any], Mapping[str, int]] = lambda *_: {}
    verify: Callable[[Path, Path, Any], Verification] | None = None

    def to_json(self) -> dict[str, Any]:
        """What `bocage benchmarks list` prints."""
        views = {
            v.name: {"summary": v.summary, "classes": list(v.class_names), "protocols": list(v.protocols)}
            for v in self.views.values()
        }
        about = {"name": self.name, "title": self.title, "where": self.where, "licence": self.licence}
        return about | {"source": self.source, "views": views, "published": dict(self.published)}


BENCHMARKS: Registry[Benchmark] = Registry("benchmark")


def parse_options(benchmark: Benchmark, settings: Mapping[str, Any]) -> Options:
    """Options of a reader from plain values.

    Raises:
        ConfigError: naming every wrong key or value, and the options there are.
    """
    try:
        return benchmark.options.from_values(**settings)
    except ConfigError as error:
        raise ConfigError(f"Options of benchmark '{benchmark.name}': {error}") from None


def find_view(benchmark: Benchmark, name: str | None, class_names: Sequence[str], bands: Sequence[str]) -> View:
    """The view that was asked for, or else the one whose classes are those of a model, and best its bands as well.

    Raises:
        UnknownName: if there is no such view.
        ConfigError: if the model's classes fit no view.
    """
    if name is not None:
        if name not in benchmark.views:
            known = ", ".join(benchmark.views)
            hint = nearest(name, list(benchmark.views))
            raise UnknownName(f"Benchmark '{benchmark.name}' has no view '{name}'.{hint} Known: {known}.")
        return benchmark.views[name]
    fitting = [view for view in benchmark.views.values() if view.class_names == tuple(class_names)]
    if fitting:
        return next((view for view in fitting if set(bands) <= set(view.bands)), fitting[0])
    known = "; ".join(f"{v.name}: {', '.join(v.class_names)}" for v in benchmark.views.values())
    raise ConfigError(
        f"The model knows the classes {', '.join(class_names)}, which fit no view of '{benchmark.name}' ({known}). "
        "Judge a model that was trained on one of these lists."
    )


def open_checked(benchmark: Benchmark, path: Path, view: View, options: Options) -> Collection:
    """Check, then open; errors as `check_copy`."""
    check_copy(benchmark, path, options)
    return benchmark.open(path, view.name, options)


def require_copy(benchmark: Benchmark, path: Path) -> Path:
    """The path, if something lies there.

    Raises:
        MissingFile: says where to get the benchmark.
    """
    if not path.exists():
        raise MissingFile(
            f"No copy of {benchmark.name} at {path}. Correct the path; it is to be had at: {benchmark.where}."
        )
    return path


def check_copy(benchmark: Benchmark, path: Path, options: Options) -> None:
    """Refuse a copy that is not there or not whole.

    Raises:
        MissingFile: as `require_copy`.
        CorruptFile: with its first problems.
    """
    require_copy(benchmark, path)
    if problems := benchmark.check(path, options):
        more = f" … and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise CorruptFile(
            f"{path} is not a whole copy of {benchmark.title}: {'; '.join(problems[:5])}{more}. "
            f"`bocage benchmarks check {benchmark.name} {path}` lists all."
        )


def verify(benchmark: Benchmark, path: Path, product: Path, options: Options) -> Verification:
    """Compare a copy with a product of the same ground and day.

    Raises:
        ConfigError: if nothing of the benchmark is to be verified so, or the product does not fit; further errors are
            those of its `verify`.
    """
    if benchmark.verify is None:
        raise ConfigError(f"A product verifies nothing of '{benchmark.name}': its layout is published in full.")
    return benchmark.verify(path, product, options)

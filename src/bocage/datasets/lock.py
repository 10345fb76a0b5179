"""The lock of a data set: digests of every file that it was made from, their licences, and the versions that made it.
IO: reads inputs, writes and reads `lock.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from bocage.core.artifacts import read_json, write_json
from bocage.core.digest import digest_file
from bocage.core.errors import CorruptFile

LOCK = "lock.json"
FORMAT = "bocage-lock-1"
T = TypeVar("T")


@dataclass(frozen=True)
class Input:
    """One file.

    Attributes:
        what: "parcels", "taxonomy", "regions" or the id of a product.
        path: where it was, or its address.
        bytes, sha256: of a local file; None for a remote one, of which windows were read.
        stated: what the catalog says of a remote file's checksum, if anything.
    """

    what: str
    path: str
    bytes: int | None = None
    sha256: str | None = None
    stated: str | None = None


@dataclass(frozen=True)
class Source:
    """Where a part of the data set comes from."""

    what: str
    name: str
    licence: str


def digest_inputs(what: str, paths: Iterable[Path], *, threads: int = 1) -> list[Input]:
    """Read local files; in the order of their names."""
    ordered = sorted(paths)
    with ThreadPoolExecutor(threads) as pool:
        digests = list(pool.map(digest_file, ordered))
    return [Input(what, str(p), p.stat().st_size, d) for p, d in zip(ordered, digests, strict=True)]


def write_lock(folder: Path, inputs: Sequence[Input], sources: Sequence[Source], software: Mapping[str, str]) -> None:
    """Write `lock.json` into a data set's folder."""
    record = {"format": FORMAT, "software": dict(software)}
    lists = {"sources": [asdict(s) for s in sources], "inputs": [asdict(i) for i in inputs]}
    write_json(folder / LOCK, record | lists)


def read_lock(folder: Path) -> list[Input]:
    """The inputs of a data set; none if it has no lock.

    Raises:
        CorruptFile: if the file is no lock of this version.
    """
    return _read(folder, "inputs", Input)


def read_sources(folder: Path) -> list[Source]:
    """The sources of a data set and their licences; none if it has no lock. Raises CorruptFile like `read_lock`."""
    return _read(folder, "sources", Source)


def _read(folder: Path, key: str, kind: Callable[..., T]) -> list[T]:
    if not (folder / LOCK).is_file():
        return []
    record = read_json(folder / LOCK)
    try:
        if record["format"] != FORMAT:
            raise KeyError(record["format"])
        return [kind(**entry) for entry in record[key]]
    except (KeyError, TypeError) as error:
        raise CorruptFile(f"{folder / LOCK} is no lock that this version reads ({error}).") from error


def check_lock(folder: Path) -> tuple[int, int, list[str]]:
    """Compare the inputs that are at hand with the lock.

    Returns:
        How many files were compared, how many are not at hand, and one line for each that has changed.
    """
    local = [i for i in read_lock(folder) if i.sha256 is not None]
    there = [i for i in local if Path(i.path).is_file()]
    changed = [i for i in there if Path(i.path).stat().st_size != i.bytes or digest_file(Path(i.path)) != i.sha256]
    problems = [f"{i.path} ({i.what}): not the file that the data set was made from" for i in changed]
    return len(there), len(local) - len(there), problems

"""The lock of a data set: digests of every file that it was made from, and the versions that made it. IO: reads inputs,
writes and reads `lock.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from bocage.core.artifacts import read_json, write_json
from bocage.core.digest import digest_file
from bocage.core.errors import CorruptFile

LOCK = "lock.json"
FORMAT = "bocage-lock-1"


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


def digest_inputs(what: str, paths: Iterable[Path], *, threads: int = 1) -> list[Input]:
    """Read local files; in the order of their names."""
    ordered = sorted(paths)
    with ThreadPoolExecutor(threads) as pool:
        digests = list(pool.map(digest_file, ordered))
    return [Input(what, str(p), p.stat().st_size, d) for p, d in zip(ordered, digests, strict=True)]


def write_lock(folder: Path, inputs: Sequence[Input], software: Mapping[str, str]) -> None:
    """Write `lock.json` into a data set's folder."""
    record = {"format": FORMAT, "software": dict(software), "inputs": [asdict(i) for i in inputs]}
    write_json(folder / LOCK, record)


def read_lock(folder: Path) -> list[Input]:
    """The inputs of a data set; none if it has no lock (one that was merged, sampled or exported).

    Raises:
        CorruptFile: if the file is no lock of this version.
    """
    if not (folder / LOCK).is_file():
        return []
    record = read_json(folder / LOCK)
    try:
        if record["format"] != FORMAT:
            raise KeyError(record["format"])
        return [Input(**i) for i in record["inputs"]]
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

"""A content-addressed store of stage results. IO: folders on disk.

The key of an artifact is the digest of its stage, version, options and inputs. A result is written in a temporary
folder and renamed when complete, so that what stands under a key is whole. Beside the files stands `artifact.json`:
what it was made from, its tally, the seconds it took, and the size and digest of every file.

An artifact may hold the files of another one (`Draft.adopt`): a stage that is made of pieces, one a region and tile,
keeps each as an artifact of its own and links them together.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bocage.core.digest import digest_file, digest_value
from bocage.core.errors import BocageError, CannotWrite, CorruptFile
from bocage.core.progress import track
from bocage.core.tally import Tally
from bocage.core.threads import in_order

RECORD = "artifact.json"
UNPACKED = "unpacked"  # beside the stages: a folder for each archive, made again when it is needed
_UNFINISHED = re.compile(r"\..*\.(tmp|part)|.*\.partial")  # files that are renamed when whole; the last are zarr's
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_NO_RECORD = (CorruptFile, KeyError, TypeError, AttributeError, IndexError)  # what reading a record that is none raises
_LEAST_FREE = 64 << 10  # bytes; a disk with less is full


def default_root() -> Path:
    """`$BOCAGE_CACHE`, else the user's cache folder (`$XDG_CACHE_HOME` or `~/.cache`) + `bocage`."""
    if explicit := os.environ.get("BOCAGE_CACHE"):
        return Path(explicit).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "bocage"


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all: a temporary file, renamed."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes | bytearray) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside a file to write to. On leaving it becomes the file; after an error the file is as it was."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        CorruptFile: if the file is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise CorruptFile(f"{path} is not valid JSON ({error}). Delete it and run again.") from error


def rename_once(source: Path, target: Path) -> None:
    """Rename a finished folder; one that another process has put there meanwhile stays, as it holds the same."""
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time write in a folder that is there; a second one waits."""
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)  # released when the process ends, however it ends
        yield
    finally:
        os.close(place)


def link_file(source: Path, target: Path) -> None:
    """The same file at a second place: a hard link where the disk allows it, else a copy. An older file is replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@contextmanager
def writing_below(folder: Path) -> Iterator[None]:
    """Turn what any library says of a full or closed disk into one error.

    Raises:
        CannotWrite: if the disk is full or `folder` may not be written; else whatever was raised.
    """
    try:
        yield
    except BocageError:
        raise
    except Exception as error:
        if reason := _why_unwritable(folder, error):
            raise CannotWrite(
                f"{folder} cannot be written: {reason} ({error}). What was finished is whole and kept: make room, or "
                "set BOCAGE_CACHE or --out to another disk, and run the same command again."
            ) from error
        raise


def _why_unwritable(folder: Path, error: BaseException) -> str | None:
    """GDAL's errors carry no number, so the disk itself is asked, too."""
    number = error.errno if isinstance(error, OSError) else None
    place = next(p for p in (folder, *folder.parents) if p.exists())
    if number in _FULL or shutil.disk_usage(place).free < _LEAST_FREE:
        return "the disk is full"
    if not os.access(place, os.W_OK):
        return "it is read-only"
    name = getattr(error, "filename", None)
    if number in _CLOSED and (name is None or Path(str(name)).is_relative_to(folder)):
        return "it is read-only"
    return None


@dataclass(frozen=True)
class Artifact:
    """A finished stage result on disk."""

    key: str
    path: Path
    record: Mapping[str, Any]

    @property
    def tally(self) -> Tally | None:
        return Tally.from_json(self.record["tally"]) if self.record.get("tally") else None

    @property
    def digest(self) -> str:
        """Digest of the content (names and bytes of all files), not of how it was made."""
        return str(self.record["digest"])


@dataclass
class Draft:
    """A stage result being written: put files under `path`; set `tally` and `notes` if there are any."""

    path: Path
    tally: Tally | None = None
    notes: dict[str, Any] | None = None
    known: dict[str, list[Any]] = field(default_factory=dict)  # size and digest of files that were not written here

    def adopt(self, artifact: Artifact, name: str) -> None:
        """Show the files of a finished artifact in the folder `name` of this one."""
        for file, entry in artifact.record["files"].items():
            link_file(artifact.path / file, self.path / name / file)
            self.known[f"{name}/{file}"] = entry


class ArtifactStore:
    """Artifacts under one root folder: `<root>/<stage>/<key>/`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or default_root()).absolute()

    @staticmethod
    def key(stage: str, version: int, options: Any, inputs: Mapping[str, str]) -> str:
        return digest_value({"stage": stage, "version": version, "options": options, "inputs": dict(inputs)})[:32]

    def find(self, stage: str, key: str) -> Artifact | None:
        """The finished artifact under this key, or None. A file that is missing or has another size makes it stale."""
        folder = self.root / stage / key
        if not (folder / RECORD).is_file():
            return None
        try:
            record = read_json(folder / RECORD)
            whole = all((folder / name).stat().st_size == entry[0] for name, entry in record["files"].items())
        except (*_NO_RECORD, FileNotFoundError):
            whole = False
        if not whole:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return Artifact(key, folder, record)

    @contextmanager
    def lock(self, stage: str, key: str) -> Iterator[None]:
        """Let one process at a time make this artifact; a second one waits and then finds it finished."""
        with writing_below(self.root):
            (self.root / stage).mkdir(parents=True, exist_ok=True)
            file = self._lock_path(stage, key).open("w")
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)  # released when the process ends, however it ends
            yield

    def _lock_path(self, stage: str, key: str) -> Path:
        return self.root / stage / f".{key}.lock"

    def _is_locked(self, half: Path) -> bool:
        """Whether a process is making the artifact of this half just now."""
        path = self._lock_path(half.parent.relative_to(self.root).as_posix(), half.name[1:].removesuffix(".part"))
        if not half.name.startswith(".") or not path.is_file():
            return False
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def draft_path(self, stage: str, key: str) -> Path:
        """Where an unfinished result of this key lives; a stage that can resume finds its own half there."""
        return self.root / stage / f".{key}.part"

    @contextmanager
    def write(
        self, stage: str, key: str, *, about: Mapping[str, Any] | None = None, resume: bool = False
    ) -> Iterator[Draft]:
        """Write one artifact. On error nothing stands under the key; with `resume` the half-made folder is kept.

        Raises:
            CannotWrite: if the disk is full or read-only.
        """
        part = self.draft_path(stage, key)
        draft, start = Draft(part), time.perf_counter()
        try:
            with writing_below(self.root):
                if not resume:
                    shutil.rmtree(part, ignore_errors=True)
                part.mkdir(parents=True, exist_ok=True)
                yield draft
                self._finish(draft, {**(about or {}), "stage": stage, "key": key}, start)
        except BaseException:
            if not resume:
                shutil.rmtree(part, ignore_errors=True)
            raise

    def _finish(self, draft: Draft, about: Mapping[str, Any], start: float) -> None:
        part = draft.path
        _sweep(part)
        names = sorted(p.relative_to(part).as_posix() for p in part.rglob("*") if p.is_file() and p.name != RECORD)
        described = draft.known | _describe(part, [name for name in names if name not in draft.known])
        files = {name: described[name] for name in names}
        record = {
            **about,
            "tally": draft.tally.to_json() if draft.tally else None,
            "notes": draft.notes or {},
            "seconds": round(time.perf_counter() - start, 3),
            "digest": digest_value({name: entry[1] for name, entry in files.items()}),
            "files": files,
        }
        write_json(part / RECORD, record)
        final = self.root / about["stage"] / about["key"]
        shutil.rmtree(final, ignore_errors=True)
        part.replace(final)

    def info(self) -> list[dict[str, Any]]:
        """One row per artifact: stage, key, bytes, seconds since last change. Bytes that artifacts share count once."""
        rows, seen = [], set[int]()
        for stage, folder in self._folders():
            if not (folder / RECORD).is_file():
                continue
            stats = [p.stat() for p in folder.rglob("*") if p.is_file()]
            own = {s.st_ino: s.st_size for s in stats if s.st_ino not in seen}
            seen.update(own)
            age_s = round(time.time() - (folder / RECORD).stat().st_mtime)
            rows.append({"stage": stage, "key": folder.name, "bytes": sum(own.values()), "age_s": age_s})
        return rows

    def prune(self, *, older_than_s: float = 0.0) -> tuple[int, int]:
        """Delete artifacts (and halves) not changed for that long; returns (artifacts deleted, bytes freed).

        A half that a running process is making stays.
        """
        n, freed = 0, 0
        for _, folder in self._folders():
            if time.time() - folder.stat().st_mtime >= older_than_s and not self._is_locked(folder):
                freed += sum(s.st_size for p in folder.rglob("*") if p.is_file() and (s := p.stat()).st_nlink == 1)
                shutil.rmtree(folder, ignore_errors=True)
                n += 1
        return n, freed

    def verify(self) -> list[tuple[str, str, str]]:
        """Read every file of every artifact; returns (stage, key, what is wrong), none if all is well.

        `find` compares sizes only, as it comes before every stage; this finds the bytes that a disk lost.
        """
        problems = []
        for stage, folder in track(self._folders(), "Verifying", unit="artifacts"):
            if (folder / RECORD).is_file():
                problems += [(stage, folder.name, problem) for problem in _find_damage(folder)]
        return problems

    def drop(self, stage: str, key: str) -> None:
        """Delete one artifact; it is made again when it is needed."""
        shutil.rmtree(self.root / stage / key, ignore_errors=True)

    def _folders(self) -> list[tuple[str, Path]]:
        """(stage, folder) of all artifacts, halves and unpacked archives. A stage's name may hold one slash:
        `train/<model>`."""
        found = []
        for folder in sorted(p for p in self.root.glob("*/*") if p.is_dir()):
            if (folder / RECORD).is_file() or folder.name.startswith(".") or folder.parent.name == UNPACKED:
                found.append((folder.parent.name, folder))
            else:
                group = f"{folder.parent.name}/{folder.name}"
                found += [(group, p) for p in sorted(folder.iterdir()) if p.is_dir()]
        return found


def _sweep(folder: Path) -> None:
    """Throw away what a killed process had not renamed yet."""
    for path in list(folder.rglob("*")):
        if _UNFINISHED.fullmatch(path.name):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _describe(folder: Path, names: Sequence[str]) -> dict[str, list[Any]]:
    """Size and digest of files, read side by side."""
    digests = in_order(lambda name: digest_file(folder / name), names, os.cpu_count() or 1)
    return {name: [(folder / name).stat().st_size, digest] for name, digest in zip(names, digests, strict=True)}


def _find_damage(folder: Path) -> list[str]:
    try:
        files = dict(read_json(folder / RECORD)["files"])
    except (*_NO_RECORD, ValueError):
        return [f"{RECORD}: cannot be read"]
    found = _describe(folder, [name for name in files if (folder / name).is_file()])
    return [f"{name}: is not there" for name in files if name not in found] + [
        f"{name}: not the bytes that were written" for name, entry in found.items() if entry != files[name]
    ]

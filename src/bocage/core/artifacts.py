"""A content-addressed store of stage results. IO: folders on disk.

The key of an artifact is the digest of its stage, version, options and inputs. A result is written in a temporary
folder and renamed when complete, so that what stands under a key is whole. Beside the files stands `artifact.json`:
what it was made from, its tally, the seconds it took, and the size and digest of every file.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bocage.core.digest import digest_file, digest_value
from bocage.core.errors import CorruptFile
from bocage.core.tally import Tally

RECORD = "artifact.json"


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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        CorruptFile: if the file is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise CorruptFile(f"{path} is not valid JSON ({error}). Delete it and run again.") from error


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
        except (CorruptFile, FileNotFoundError, KeyError):
            whole = False
        if not whole:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return Artifact(key, folder, record)

    @contextmanager
    def lock(self, stage: str, key: str) -> Iterator[None]:
        """Let one process at a time make this artifact; a second one waits and then finds it finished."""
        (self.root / stage).mkdir(parents=True, exist_ok=True)
        with (self.root / stage / f".{key}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # released when the process ends, however it ends
            yield

    def draft_path(self, stage: str, key: str) -> Path:
        """Where an unfinished result of this key lives; a stage that can resume finds its own half there."""
        return self.root / stage / f".{key}.part"

    @contextmanager
    def write(
        self, stage: str, key: str, *, about: Mapping[str, Any] | None = None, resume: bool = False
    ) -> Iterator[Draft]:
        """Write one artifact. On error nothing stands under the key; with `resume` the half-made folder is kept."""
        part = self.draft_path(stage, key)
        if not resume:
            shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True, exist_ok=True)
        draft, start = Draft(part), time.perf_counter()
        try:
            yield draft
        except BaseException:
            if not resume:
                shutil.rmtree(part, ignore_errors=True)
            raise
        files = {
            p.relative_to(part).as_posix(): [p.stat().st_size, digest_file(p)]
            for p in sorted(part.rglob("*"))
            if p.is_file() and p.name != RECORD
        }
        record = {
            **(about or {}),
            "stage": stage,
            "key": key,
            "tally": draft.tally.to_json() if draft.tally else None,
            "notes": draft.notes or {},
            "seconds": round(time.perf_counter() - start, 3),
            "digest": digest_value({name: entry[1] for name, entry in files.items()}),
            "files": files,
        }
        write_json(part / RECORD, record)
        final = self.root / stage / key
        shutil.rmtree(final, ignore_errors=True)
        part.replace(final)

    def info(self) -> list[dict[str, Any]]:
        """One row per artifact: stage, key, bytes, seconds since last change."""
        rows = []
        for record in sorted(self.root.glob(f"*/*/{RECORD}")):
            folder = record.parent
            size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
            rows.append(
                {
                    "stage": folder.parent.name,
                    "key": folder.name,
                    "bytes": size,
                    "age_s": round(time.time() - record.stat().st_mtime),
                }
            )
        return rows

    def prune(self, *, older_than_s: float = 0.0) -> tuple[int, int]:
        """Delete artifacts (and halves) not changed for that long; returns (artifacts deleted, bytes freed)."""
        n, freed = 0, 0
        for folder in [p for p in self.root.glob("*/*") if p.is_dir()]:
            if time.time() - folder.stat().st_mtime >= older_than_s:
                freed += sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
                shutil.rmtree(folder, ignore_errors=True)
                n += 1
        return n, freed

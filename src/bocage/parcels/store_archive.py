"""A .7z archive, whole or in volumes → its parcel files in the cache, unpacked once. IO.

Unlike a zip, 7-Zip has no way to one part of a file, so that it cannot be read in place. Only plain files that stay in
the folder are unpacked; their checksums are compared.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import Any

from bocage.core.artifacts import UNPACKED, default_root, rename_once
from bocage.core.digest import digest_value
from bocage.core.errors import CorruptFile, MissingFile, SourceError

_NAME = re.compile(r"(?P<archive>.+\.7z)(?:\.\d{3})?", re.IGNORECASE)
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def is_7z(path: Path) -> bool:
    """True for `x.7z` and for a volume of it, `x.7z.001`."""
    return _NAME.fullmatch(path.name) is not None


def is_inside(name: str) -> bool:
    """True for a member that stays inside its archive and is no bookkeeping of an operating system."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0].endswith((":", "/")):
        return False
    return not (".." in parts or "__MACOSX" in parts or parts[-1].startswith("."))


def unpack_7z(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files of an archive that end in one of `suffixes`, in a folder of the cache; the second time they are there.

    Raises:
        MissingFile: if it holds no such file.
        CorruptFile: if it is damaged, or a volume is missing.
        SourceError: if the library or the room on the disk is missing; the message says how to unpack it by hand.
    """
    volumes = sorted(p for p in path.parent.iterdir() if is_7z(p) and _archive_name(p) == _archive_name(path))
    key = digest_value([[str(v.absolute()), v.stat().st_size, v.stat().st_mtime_ns] for v in volumes])
    folder = default_root() / UNPACKED / key[:16]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(dir=folder.parent))
        try:
            _unpack(path, len(volumes), temporary, suffixes)
            rename_once(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in suffixes)


def _archive_name(path: Path) -> str:
    found = _NAME.fullmatch(path.name)
    assert found is not None
    return found["archive"]


def _unpack(path: Path, n_volumes: int, folder: Path, suffixes: tuple[str, ...]) -> None:
    by_hand = f"Or unpack it (`7z x '{path.name}'`) and give the file inside."
    try:
        import multivolumefile
        import py7zr
    except ModuleNotFoundError as error:
        raise SourceError(f"{path} is a 7-Zip archive: run pip install 'bocage[archives]'. {by_hand}") from error
    opened: Any = (
        path.open("rb") if _archive_name(path) == path.name else multivolumefile.open(path.with_suffix(""), "rb")
    )
    try:
        with opened as file, py7zr.SevenZipFile(file) as archive:
            plain = [m for m in archive.list() if not m.is_directory and not m.is_symlink and is_inside(m.filename)]
            if not any(PurePosixPath(m.filename).suffix.lower() in suffixes for m in plain):
                found = ", ".join(m.filename for m in plain[:8]) or "nothing"
                raise MissingFile(f"{path} holds no parcel file; found {found}.")
            wanted = [m for m in plain if PurePosixPath(m.filename).suffix.lower() in (*suffixes, *_PARTS)]
            needed, free = sum(m.uncompressed for m in wanted), shutil.disk_usage(folder).free
            if needed > free:
                raise SourceError(
                    f"{path} needs {needed / 1e9:.1f} GB in {folder.parent}, where {free / 1e9:.1f} GB are free. Set "
                    f"BOCAGE_CACHE to a larger disk. {by_hand}"
                )
            archive.extract(folder, targets=[m.filename for m in wanted])
    except (py7zr.exceptions.ArchiveError, EOFError, OSError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        raise CorruptFile(
            f"{path} cannot be unpacked ({type(error).__name__}: {error}); {n_volumes} volumes found. Check that all "
            f"volumes are there (.001, .002 …), or download it again."
        ) from error

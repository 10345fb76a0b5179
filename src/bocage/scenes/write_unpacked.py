"""A zipped SAFE product -> its folder. IO. Nothing is ever written outside the target."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from bocage.core.artifacts import UNPACKED, default_root, rename_once
from bocage.core.digest import digest_value
from bocage.core.errors import CorruptFile

LARGEST = 20 * 10**9  # bytes; a product has about 1


def unpack_archive(archive: Path, folder: Path) -> Path:
    """Unpack `NAME.SAFE.zip`, whole or not at all.

    Returns:
        The .SAFE folder in `folder`.

    Raises:
        CorruptFile: if it is no whole zip, holds not exactly one .SAFE folder, or has a member that is a link, leaves
            the folder, or would fill the disk.
    """
    part = folder / f".{archive.name}.{os.getpid()}.part"
    try:
        with zipfile.ZipFile(archive) as file:
            name = check_members(file.infolist(), archive)
            if (folder / name).is_dir():
                return folder / name
            part.mkdir(parents=True)
            file.extractall(part)
        rename_once(part / name, folder / name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise CorruptFile(f"{archive} is no whole zip ({error}). Get the product again.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder / name


def check_members(members: list[zipfile.ZipInfo], archive: Path) -> str:
    """The one .SAFE folder of an archive; refuses members that are no plain files in it.

    Raises:
        CorruptFile: naming the first such member.
    """
    roots = set()
    for member in members:
        path, kind = PurePosixPath(member.filename), stat.S_IFMT(member.external_attr >> 16)
        if (
            not path.parts
            or path.is_absolute()
            or ".." in path.parts
            or "\\" in member.filename
            or ":" in path.parts[0]
        ):
            raise CorruptFile(f"{archive} holds '{member.filename}', which leaves its folder. It is not to be trusted.")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise CorruptFile(f"{archive} holds '{member.filename}', a link or device. It is not to be trusted.")
        roots.add(path.parts[0])
    total = sum(member.file_size for member in members)
    if total > LARGEST:
        raise CorruptFile(f"{archive} would unpack to {total:,} bytes, more than any product has ({LARGEST:,}).")
    if len(roots) != 1 or not (name := roots.pop()).endswith(".SAFE"):
        raise CorruptFile(f"{archive} does not hold exactly one .SAFE folder. Give the archive of one product.")
    return name


def unpack_into_cache(archive: Path) -> Path:
    """The .SAFE folder of an archive, unpacked into the cache once for each state of the file."""
    about = archive.stat()
    key = digest_value([str(archive.resolve()), about.st_size, about.st_mtime_ns])[:16]
    folder = default_root() / UNPACKED / key
    folder.mkdir(parents=True, exist_ok=True)
    return unpack_archive(archive, folder)

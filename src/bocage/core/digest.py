"""Digests of values, arrays and files: sha256, hex. Reads files; writes none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces, so that equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return {"dtype": str(value.dtype), "shape": list(value.shape), "sha256": digest_array(value)}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")


def digest_value(value: Any) -> str:
    """Digest of a JSON-like value (dicts, lists, numbers, strings, options, dates, paths, numpy scalars)."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_array(array: np.ndarray[Any, Any]) -> str:
    """Digest of dtype, shape and bytes in C order."""
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


def digest_file(path: Path) -> str:
    """Digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_tree(root: Path, *, skip: Iterable[str] = ()) -> str:
    """Digest of a file, or of all files below a folder: relative names and bytes. `skip` names files to leave out."""
    if root.is_file():
        return digest_file(root)
    left_out = set(skip)
    files = sorted(p for p in root.rglob("*") if p.is_file() and p.name not in left_out)
    return digest_value([[p.relative_to(root).as_posix(), digest_file(p)] for p in files])


def fingerprint_tree(root: Path) -> str:
    """Cheap stand-in for `digest_tree` on large inputs: relative names, sizes and modification times."""
    files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
    rows = [[p.relative_to(root).as_posix(), p.stat().st_size, p.stat().st_mtime_ns] for p in files]
    return digest_value(rows)

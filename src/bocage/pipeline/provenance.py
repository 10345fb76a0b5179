"""What made a result: versions and commit. Reads package metadata and git; nothing about the machine or its user."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import bocage

_PACKAGES = ("numpy", "rasterio", "shapely", "pyproj", "geopandas", "numba", "torch", "scikit-learn", "xgboost-cpu")


@cache
def describe_software() -> dict[str, str]:
    """Package versions, the Python version, and the commit if bocage runs from a git checkout."""
    found = {"bocage": bocage.__version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if commit := _git_commit(Path(bocage.__file__).parent):
        found["commit"] = commit
    return found


def _git_commit(folder: Path) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None

"""Tiny SAFE products: `safe.write_safe(folder, numbers, …)`."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def safe() -> SimpleNamespace:
    """The functions of `safe_files.py`."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parent.parent / "scenes" / "safe_files.py")))

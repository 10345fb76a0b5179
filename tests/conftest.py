"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real sample data, or a skip with the reason."""
    folder = Path(os.environ.get("BOCAGE_SAMPLES", REPOSITORY / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no sample data: {folder} is not there (set BOCAGE_SAMPLES)")
    return folder


@pytest.fixture(scope="session")
def tables(samples: Path) -> Path:
    """The folder of published code tables beside the samples, or a skip with the reason."""
    folder = samples.parent / "tables"
    if not folder.is_dir():
        pytest.skip(f"no code tables: {folder} is not there")
    return folder

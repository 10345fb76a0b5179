"""Every benchmark keeps the contract."""

from pathlib import Path

import pytest

from bocage.benchmarks.registry import BENCHMARKS
from bocage.testing.benchmarks import check_benchmark


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_benchmark_keeps_the_contract(name: str, tmp_path: Path) -> None:
    check_benchmark(BENCHMARKS[name], tmp_path)

"""Tiny SAFE products: `safe.write_safe(folder, numbers, …)`."""

import runpy
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def safe() -> SimpleNamespace:
    """The functions of `safe_files.py`."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).parent / "safe_files.py")))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Unit tests reach no network: a connection beyond this machine fails the test."""
    connect = socket.socket.connect

    def guarded(self, address):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a unit test wants to reach {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)

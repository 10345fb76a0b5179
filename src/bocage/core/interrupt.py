"""Ctrl-C that is not lost.

Python raises KeyboardInterrupt wherever it happens to be. In a destructor or a weak reference's callback it is printed
and forgotten, and compiled libraries turn it into errors of their own. So the wish to stop is remembered, and asked for
at every step of every progress bar and between stages.
"""

from __future__ import annotations

import signal
from types import FrameType

_state = {"wanted": False}


def listen() -> None:
    """Remember the first Ctrl-C from here on; a second one ends the process at once.

    A process that ignores Ctrl-C, as a shell's background jobs do, goes on ignoring it.
    """
    _state["wanted"] = False
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _remember)


def wanted() -> bool:
    """Whether Ctrl-C was pressed since `listen`."""
    return _state["wanted"]


def check() -> None:
    """Stop here if Ctrl-C was pressed and got lost.

    Raises:
        KeyboardInterrupt: if so.
    """
    if _state["wanted"]:
        raise KeyboardInterrupt


def _remember(_: int, __: FrameType | None) -> None:
    _state["wanted"] = True
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt

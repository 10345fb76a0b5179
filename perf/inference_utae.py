"""Predicting a series with the full utae in bf16: ours beside fp32 in torch's default layout.

As in `inference`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perf import inference
from perf.frame import Entry

N_DATES, SIZE_PX = 12, 128


def make_entry(folder: Path, *, size_px: int = SIZE_PX, options: dict[str, Any] | None = None) -> Entry:
    return inference.make_entry(folder, kind="utae", n_dates=N_DATES, size_px=size_px, options=options)

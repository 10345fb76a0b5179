"""The whole building job from cloud-optimised GeoTIFFs; see `building`."""

from __future__ import annotations

from pathlib import Path

from perf import building
from perf.frame import Entry

GOAL_RATIO = 0.5


def make_entry(folder: Path, *, size_px: int = building.SIZE_PX) -> Entry:
    return building.make_entry(folder, size_px=size_px, kind="cog", goal_ratio=GOAL_RATIO, name="building_cog")

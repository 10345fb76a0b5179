"""Ten bands (10 and 20 m) of a JPEG 2000 product onto one 10 m grid.

Ours reads every band as it is and repeats the 20 m pixels; the peer is `odc.stac.load`; the limit only decodes, with
two processes. The files are two fifths of a tile in each direction.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from perf.frame import Entry
from perf.product import decode, equal_bands, make_odc_reader, read_ours, write_product

SIZE_PX = 4392  # of a 10 m band; a tile has 10,980
N_PROCESSES = 2
GOAL_RATIO, GOAL_LIMIT_RATIO = 1.0, 1.15


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    """Write the bands under `folder`; read them three ways."""
    scene = write_product(folder, "jp2", size_px)
    largest_first = sorted((a.href for a in scene.assets.values()), key=lambda p: -Path(p).stat().st_size)
    pool = ProcessPoolExecutor(N_PROCESSES, mp_context=multiprocessing.get_context("spawn"))
    return Entry(
        name="reading",
        title=f"Ten JPEG 2000 bands (10 and 20 m) onto one grid of {size_px} × {size_px}",
        ours=lambda: read_ours(scene),
        peer=make_odc_reader(scene, os.cpu_count() or 1),
        peer_name="odc.stac.load, all threads",
        limit=lambda: list(pool.map(decode, largest_first)),
        limit_name=f"decoding alone, {N_PROCESSES} processes",
        equal=equal_bands,
        goal_ratio=GOAL_RATIO,
        goal_limit_ratio=GOAL_LIMIT_RATIO,
    )

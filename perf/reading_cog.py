"""The same ten bands from Cloud Optimized GeoTIFFs.

Ours reads a band a thread and repeats the 20 m pixels; the peer is `odc.stac.load`; the limit only decodes, a thread a
band.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from perf.frame import Entry
from perf.product import decode, equal_bands, make_odc_reader, read_ours, write_product
from perf.reading import SIZE_PX

GOAL_RATIO = 0.5


def make_entry(folder: Path, *, size_px: int = SIZE_PX) -> Entry:
    """Write the bands under `folder`; read them three ways."""
    scene = write_product(folder, "tif", size_px)
    n_threads = os.cpu_count() or 1
    pool = ThreadPoolExecutor(n_threads)
    return Entry(
        name="reading_cog",
        title=f"Ten GeoTIFF bands (10 and 20 m) onto one grid of {size_px} × {size_px}",
        ours=lambda: read_ours(scene),
        peer=make_odc_reader(scene, n_threads),
        peer_name="odc.stac.load, all threads",
        limit=lambda: list(pool.map(decode, [asset.href for asset in scene.assets.values()])),
        limit_name="decoding alone, all threads",
        equal=equal_bands,
        goal_ratio=GOAL_RATIO,
    )

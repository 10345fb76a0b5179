"""ParcelTable → GeoParquet 1.1 with fiboa column names. IO."""

from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd

from bocage.parcels.schema import ParcelTable, check_parcels


def write_parcels(table: ParcelTable | gpd.GeoDataFrame, path: Path) -> None:
    """Write parcels whole or not at all; each row carries its bounding box, so that readers can skip by place."""
    frame = table.frame if isinstance(table, ParcelTable) else table
    check_parcels(frame, origin=str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        frame.to_parquet(temporary, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
